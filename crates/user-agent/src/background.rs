//! What the engine does by itself, by the clock: it says when a silence begins or ends, and keeps the history within its
//! limits. Never on the actor.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use tokio::time::{sleep, timeout};

use crate::api::Event;
use crate::requests::{Shared, history_limits};
use crate::store::{StoreError, entries, sites};

/// At least this often the clock is looked at anew: it may have been set, or the machine may have slept.
const LOOK: Duration = Duration::from_secs(15 * 60);

/// How often the history is brought within its limits.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long what was deleted can be restored.
pub(crate) const GRACE: SignedDuration = SignedDuration::from_secs(10);

/// Tells views, and what waits to be shown, when Do Not Disturb or a snooze begins or ends.
pub(crate) async fn announce_silence(shared: Shared) {
    loop {
        let now = ZonedDateTime::now();
        let change = shared.store.read(|c| {
            let snoozes = sites::sites(c)?.into_iter().filter_map(|row| row.settings.snoozed_until);
            Ok((sites::silence(c)?, snoozes.collect::<Vec<_>>()))
        });
        let next = match change.await {
            Ok((silence, snoozes)) => {
                let snoozes = snoozes.into_iter().filter(|end| *end > now.timestamp());
                snoozes.chain(silence.next_change(&now)).min()
            }
            Err(error) => {
                tracing::warn!(%error, "the next change of Do Not Disturb is not known");
                None
            }
        };
        let wait = next.and_then(|at| now.timestamp().duration_until(at).try_into().ok());
        let wait: Duration = wait.unwrap_or(LOOK).min(LOOK);
        // A little later than sooner: at the moment itself it must have happened.
        let changed = timeout(wait + Duration::from_millis(1), shared.signals.silence.notified()).await;
        if changed.is_err() && next.is_some_and(|at| at <= Timestamp::now()) {
            shared.tell(Event::Changed);
            shared.signals.show.notify_one();
        }
    }
}

/// Deletes what is beyond the history's limits, and for good what somebody has deleted.
pub(crate) async fn keep_house(shared: Shared) {
    loop {
        let again = match tidy(&shared, GRACE).await {
            Ok(again) => again,
            Err(error) => {
                tracing::warn!(%error, "the history could not be tidied");
                None
            }
        };
        let changed = async {
            shared.signals.tidy.notified().await;
            // What is deleted together is purged together.
            sleep(Duration::from_millis(100)).await;
        };
        let _ = timeout(again.unwrap_or(INTERVAL), changed).await;
    }
}

/// Purges what was deleted longer than `grace` ago and what is beyond the limits. Returns when there will be more to purge,
/// if that is soon.
pub(crate) async fn tidy(shared: &Shared, grace: SignedDuration) -> Result<Option<Duration>, StoreError> {
    let now = Timestamp::now();
    let limits = history_limits(shared).await?;
    let deleted_before = now.checked_sub(grace).unwrap_or(Timestamp::MIN);
    let mut purged = purge(shared, move |c| entries::purge_deleted(c, deleted_before)).await?;
    if let Some(before) = limits.oldest(now) {
        purged += purge(shared, move |c| entries::purge_old(c, before)).await?;
    }
    if let Some(keep) = limits.per_site {
        purged += purge(shared, move |c| entries::purge_excess(c, keep)).await?;
    }
    let freed = shared.store.write(|tx| Ok(sites::take_setting(tx, sites::UNTIDY)?)).await?.is_some();
    if purged > 0 || freed {
        // What was deleted is overwritten in the database, but not in its log before that is emptied.
        shared.store.empty_log().await?;
        tracing::debug!(purged, "the history was tidied");
        shared.tell(Event::Changed);
    }
    let left = shared.store.read(|c| Ok(entries::oldest_deletion(c)?)).await?;
    let wait = left.and_then(|at| at.checked_add(grace).ok());
    Ok(wait.map(|at| now.duration_until(at).try_into().unwrap_or_default()))
}

/// In steps, so that a message never waits for long.
async fn purge(
    shared: &Shared,
    step: impl Fn(&rusqlite::Connection) -> rusqlite::Result<usize> + Copy + Send + 'static,
) -> Result<usize, StoreError> {
    let mut purged = 0;
    loop {
        let count = shared.store.write(move |tx| Ok(step(tx)?)).await?;
        purged += count;
        if count == 0 {
            return Ok(purged);
        }
    }
}
