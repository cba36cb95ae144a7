//! Hands committed entries to the notification server, in order, and marks them handed. The database is the queue: what is
//! shown, and whether, is decided anew right before, by what the user has set and read meanwhile. A server that is missing
//! or fails is tried again: a notification is late rather than lost.

mod notice;
mod summary;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::api::{EntryId, Event, Images};
use crate::config::{Mode, Notify};
use crate::crash;
use crate::notifier::{Card, Notifier, NotifyError, Popup, Withdrawal};
use crate::permission::{Decision, DeviceSettings, Load, Recent, decide};
use crate::pictures::{Illustrator, Late};
use crate::requests::Shared;
use crate::store::entries::{self, Pending};
use crate::store::{StoreError, cards, sites};
use summary::Summaries;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// How long the notification server may take before a person is told. It is waited for all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// What arrives this soon after a connection has waited at the push service.
const CATCH_UP: SignedDuration = SignedDuration::from_secs(10);

/// Entries that one update of a summary takes in at most.
const SUMMARY: usize = 500;

/// What shows notifications.
#[derive(Debug)]
pub(crate) struct Presenter {
    /// Milliseconds since the epoch: what was received before then was late.
    caught_up_at: Arc<AtomicI64>,
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl Presenter {
    /// Shows what is pending, and what [`crate::requests::Signals::show`] announces.
    pub(crate) fn start(notifier: Arc<dyn Notifier>, shared: Shared) -> Self {
        let caught_up_at = Arc::new(AtomicI64::new(Timestamp::now().as_millisecond()));
        let stopping = CancellationToken::new();
        let run = Run {
            notifier,
            illustrator: Illustrator::new(shared.pictures.clone()),
            shared,
            caught_up_at: caught_up_at.clone(),
            recent: Recent::default(),
            summaries: Summaries::default(),
            after: EntryId(0),
            held: BTreeMap::new(),
            refused: false,
            retry: FIRST_RETRY,
            recalled: false,
            recall_after: FIRST_RETRY,
            recall_at: Instant::now(),
        };
        Self { caught_up_at, stopping: stopping.clone(), task: tokio::spawn(run.until(stopping)) }
    }

    /// A push service is connected: what it kept meanwhile arrives now.
    pub(crate) fn catch_up(&self, now: Timestamp) {
        let until = now.checked_add(CATCH_UP).unwrap_or(now);
        self.caught_up_at.fetch_max(until.as_millisecond(), Ordering::Relaxed);
    }

    /// Finishes what is pending, unless the notification server keeps it waiting: that is shown at the next start.
    pub(crate) async fn stop(self) {
        self.stopping.cancel();
        let mut task = self.task;
        if timeout(Duration::from_secs(3), &mut task).await.is_err() {
            task.abort();
            // It holds the database, which may be about to be replaced.
            let _ = task.await;
        }
    }
}

struct Run {
    notifier: Arc<dyn Notifier>,
    illustrator: Illustrator,
    shared: Shared,
    caught_up_at: Arc<AtomicI64>,
    recent: Recent,
    summaries: Summaries,
    /// Entries up to this one are done with, or held.
    after: EntryId,
    /// By site, what its summary is to take in.
    held: BTreeMap<String, Vec<Pending>>,
    /// The server has refused one of those passed over.
    refused: bool,
    retry: Duration,
    /// Whether it is known what an earlier process has left on screen.
    recalled: bool,
    /// How long the next wait is before the server is asked that again.
    recall_after: Duration,
    /// The end of this one, whatever happens meanwhile.
    recall_at: Instant,
}

/// Why nothing goes on for now.
enum Trouble {
    Store(StoreError),
    /// Whose notification, if it is a site's, and what is wrong.
    Notifier(Option<String>, NotifyError),
    /// The server is there, and did not take this one notification.
    Refused(Option<String>, NotifyError),
}

impl Trouble {
    /// What keeps one notification from being shown need not keep others.
    fn of_one(self) -> Self {
        match self {
            Self::Notifier(site, error @ NotifyError::Failed(_)) => Self::Refused(site, error),
            other @ (Self::Store(_) | Self::Notifier(..) | Self::Refused(..)) => other,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Run {
    async fn until(mut self, stopping: CancellationToken) {
        self.recall().await;
        loop {
            match self.step().await {
                Ok(true) => self.retry = FIRST_RETRY,
                Ok(false) => {
                    self.after = EntryId(0);
                    let patience = if std::mem::take(&mut self.refused) { LAST_RETRY } else { Duration::MAX };
                    let due = self.recall_at.saturating_duration_since(Instant::now());
                    let patience = if self.recalled { patience } else { patience.min(due) };
                    let woken = timeout(patience, self.shared.signals.show.notified());
                    if stopping.run_until_cancelled(woken).await.is_none() {
                        return;
                    }
                    if Instant::now() >= self.recall_at {
                        self.recall().await;
                    }
                }
                Err(trouble) => {
                    self.report(&trouble);
                    if let Trouble::Refused(..) = trouble {
                        // One that cannot be shown keeps no other from being shown: it is tried again after them.
                        self.refused = true;
                    } else {
                        // What was held is read again, and decided on again.
                        self.held.clear();
                        self.after = EntryId(0);
                    }
                    if stopping.run_until_cancelled(sleep(self.retry)).await.is_none() {
                        return;
                    }
                    self.retry = (self.retry * 2).min(LAST_RETRY);
                }
            }
        }
    }

    /// Finds out what an earlier process has shown, unless that is known. A server that is slow or a bus that is not there yet
    /// is asked again: in a while, and before anything is shown that may be to replace it.
    async fn recall(&mut self) {
        if self.recalled {
            return;
        }
        let error = match self.try_recall().await {
            Ok(()) => {
                self.recalled = true;
                return;
            }
            Err(Trouble::Store(error)) => error.to_string(),
            Err(Trouble::Notifier(_, error) | Trouble::Refused(_, error)) => error.to_string(),
        };
        // Without a notification server it stays so for long.
        if self.recall_after == FIRST_RETRY {
            tracing::warn!(error, "what is on screen is not known yet");
        } else {
            tracing::debug!(error, "what is on screen is still not known");
        }
        self.recall_at = Instant::now() + self.recall_after;
        self.recall_after = (self.recall_after * 2).min(LAST_RETRY);
    }

    /// What an earlier process has shown is on screen still: clicks on it count, and what replaces or withdraws it finds it.
    async fn try_recall(&mut self) -> Result<(), Trouble> {
        let (mut cards, last) = self.shared.store.read(|c| Ok((cards::all(c)?, entries::last(c)?))).await?;
        if cards.is_empty() {
            return Ok(());
        }
        self.summaries.restore(&mut cards, last);
        self.notifier.restore(cards).await.map_err(|error| Trouble::Notifier(None, error))?;
        // Only now: what is read or withdrawn from here on finds it.
        let unwanted = self.shared.store.read(|c| Ok(cards::unwanted(c)?)).await?;
        self.withdraw(unwanted).await;
        Ok(())
    }

    fn report(&self, trouble: &Trouble) {
        match trouble {
            Trouble::Store(error) => tracing::error!(%error, "notifications wait for the database"),
            Trouble::Notifier(site, error) | Trouble::Refused(site, error) => {
                tracing::warn!(%error, "a notification could not be shown; it will be tried again");
                if self.retry == FIRST_RETRY {
                    let reason = format!("cannot show a notification yet: {error}");
                    self.shared.tell(Event::Failed { site: site.clone(), reason });
                }
            }
        }
    }

    /// Does one thing. False: there is nothing to do.
    async fn step(&mut self) -> Result<bool, Trouble> {
        let after = self.after;
        let read = self.shared.store.read(move |c| {
            let notice = sites::setting(c, sites::PAIRING_NOTICE)?.is_some();
            Ok((notice, sites::silence(c)?, entries::next_pending(c, after)?))
        });
        let (notice, silence, pending) = read.await?;
        if notice && !silence.is_active(&ZonedDateTime::now()) {
            self.tell_of_pairing().await?;
            return Ok(true);
        }
        let notifications = self.shared.mode != Mode::Receive(Notify::None);
        let device = DeviceSettings { notifications, silence };
        let Some(pending) = pending.filter(|_| self.held.values().map(Vec::len).sum::<usize>() < SUMMARY)
        else {
            let Some((_, held)) = self.held.pop_first() else {
                self.recount().await?;
                return Ok(false);
            };
            self.summarize(held).await?;
            return Ok(true);
        };
        self.after = pending.id;
        if pending.read {
            self.mark(vec![pending.id], None).await?;
            return Ok(true);
        }
        match self.decide(&pending, &device) {
            Decision::Show { sound } => {
                let Pending { id, mut popup, settings, site_url, .. } = pending;
                popup.sound &= sound;
                let site_id = popup.site_id.clone();
                let Popup { notification, .. } = &popup;
                let images = if self.notifier.shows_pictures() { settings.images } else { Images::Never };
                let (soon, late) =
                    self.illustrator.illustrate(&site_id, notification, site_url.as_ref(), images).await;
                popup.illustration = soon;
                let late = late.map(|late| (late, popup.clone()));
                let card = self.show(popup).await.map_err(Trouble::of_one)?;
                self.recent.add(&site_id, settings.burst, Timestamp::now());
                self.summaries.end(&site_id);
                self.handed(vec![id], card).await?;
                tracing::info!(entry = %id, "notification handed over");
                if let Some((late, popup)) = late {
                    self.complete(popup, late);
                }
            }
            Decision::Summarize => {
                self.held.entry(pending.popup.site_id.clone()).or_default().push(pending);
            }
            Decision::Record | Decision::Discard => {
                let id = pending.id;
                self.shared.store.write(move |tx| Ok(entries::mark_recorded(tx, &[id])?)).await?;
            }
        }
        Ok(true)
    }

    fn decide(&mut self, pending: &Pending, device: &DeviceSettings) -> Decision {
        let now = ZonedDateTime::now();
        let Pending { popup, settings, .. } = pending;
        let load = Load {
            shown: self.recent.shown(&popup.site_id, settings.burst, now.timestamp()),
            late: popup.received_at.as_millisecond() < self.caught_up_at.load(Ordering::Relaxed),
        };
        decide(settings, device, load, &now)
    }

    /// Shows it once more when the pictures that were late have come.
    fn complete(&self, popup: Popup, late: Late) {
        let notifier = self.notifier.clone();
        self.shared.tasks.spawn_waiting(async move {
            let illustration = late.await;
            if illustration == popup.illustration {
                return;
            }
            if let Err(error) = notifier.redraw(Popup { illustration, ..popup }).await {
                tracing::debug!(%error, "a notification stays without its picture");
            }
        });
    }

    /// Returns once the notification server has it. A server that takes its time is waited for: asking it again would show
    /// the notification twice.
    async fn show(&mut self, popup: Popup) -> Result<Option<Card>, Trouble> {
        self.recall().await;
        let site = Some(popup.site_name.clone()).filter(|_| !popup.site_id.is_empty());
        crash::point("before-notify");
        let shown = self.patiently(site.clone(), self.notifier.show(popup)).await;
        crash::point("after-notify");
        shown.map_err(|error| Trouble::Notifier(site, error))
    }

    /// Waits for the notification server however long it takes, and tells of it when that is long.
    async fn patiently<T>(
        &self,
        site: Option<String>,
        mut answer: impl Future<Output = Result<T, NotifyError>> + Unpin,
    ) -> Result<T, NotifyError> {
        if let Ok(answered) = timeout(PATIENCE, &mut answer).await {
            return answered;
        }
        self.report(&Trouble::Notifier(site, NotifyError::Failed("it does not answer".into())));
        answer.await
    }

    /// Notes that they are on screen, and tells it.
    async fn handed(&self, ids: Vec<EntryId>, card: Option<Card>) -> Result<(), StoreError> {
        self.mark(ids.clone(), card).await?;
        if !ids.is_empty() {
            self.shared.tell(Event::Handed { ids });
        }
        Ok(())
    }

    /// Marks them, for as long as that takes: they are on screen and must not be shown again. What was read or withdrawn
    /// while it was being shown is taken away again.
    async fn mark(&self, ids: Vec<EntryId>, card: Option<Card>) -> Result<(), StoreError> {
        let mut wait = FIRST_RETRY;
        let unwanted = loop {
            let (ids, card) = (ids.clone(), card.clone());
            let marked = self.shared.store.write(move |tx| {
                entries::mark_handed(tx, &ids)?;
                let Some(card) = card else { return Ok(None) };
                match card.entry {
                    Some(entry) if !entries::is_wanted(tx, entry)? => return Ok(Some(entry)),
                    Some(_) | None => cards::insert(tx, &card)?,
                }
                Ok(None)
            });
            match marked.await {
                Err(error @ StoreError::Sqlite(_)) => {
                    tracing::error!(%error, "cannot mark a notification as shown; it will be tried again");
                    sleep(wait).await;
                    wait = (wait * 2).min(LAST_RETRY);
                }
                result => break result?,
            }
        };
        self.withdraw(unwanted.into_iter().collect()).await;
        Ok(())
    }

    async fn withdraw(&self, entries: Vec<EntryId>) {
        if entries.is_empty() {
            return;
        }
        if let Err(error) = self.notifier.withdraw(&Withdrawal::Entries(entries)).await {
            tracing::debug!(%error, "a notification stays on screen");
        }
    }
}
