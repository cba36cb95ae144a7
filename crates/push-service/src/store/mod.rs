//! User agents, channels, endpoints and undelivered messages, in one SQLite file. Bodies are stored as posted:
//! encrypted by the application server for the user agent, unreadable here.

mod known;
mod queries;
mod schema;
#[cfg(test)]
mod tests;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;
use webpush::{ChannelId, MessageVersion, PushMessage};

use self::known::KnownEndpoints;
pub use self::schema::OpenError;
use self::worker::Worker;
pub(crate) use self::worker::{Pending, StoreError};
use crate::crash;
use crate::id::{Hash, Uaid};
use crate::mailbox::{Batch, MAX_WAITING, Posted, Stored};

/// How far behind a user agent's `seen_at` may be, in seconds: one write a day is enough to know who is gone.
const SEEN_PRECISION: u64 = 86_400;

/// Handle to the database. Every method that changes something answers after the commit.
pub(crate) struct Store {
    writer: Worker,
    reader: Worker,
    known: KnownEndpoints,
    /// Messages dropped since the start, as too many waited.
    dropped: Arc<AtomicUsize>,
}

/// An endpoint that was handed out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Hash of the only application server key that may post; `None`: anybody may.
    pub(crate) restricted_to: Option<Hash>,
    /// Where messages go; `None`: revoked.
    pub(crate) channel: Option<Channel>,
}

/// How much was removed because its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swept {
    pub(crate) messages: usize,
    pub(crate) user_agents: usize,
}

/// A registered channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    row: i64,
    pub(crate) id: ChannelId,
    pub(crate) user_agent: Uaid,
}

impl Store {
    /// Opens the database in this folder, creating or migrating it.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        let writer = Worker::writer(schema::open_writer(folder)?)?;
        let reader = Worker::reader(schema::open_reader(folder)?)?;
        Ok(Self { writer, reader, known: KnownEndpoints::default(), dropped: Arc::default() })
    }

    /// Whether this user agent ever registered a channel; if so, notes that it was seen.
    pub(crate) async fn greet(&self, uaid: Uaid, now: u64) -> Result<bool, StoreError> {
        let seen_at = self.read(move |db| queries::seen_at(db, uaid)).await?;
        let Some(seen_at) = seen_at else { return Ok(false) };
        if seen_at.saturating_add(SEEN_PRECISION) > now {
            return Ok(true);
        }
        // It may have been forgotten in between. If this cannot be written, nor can that.
        let marked = self.write(move |db| queries::mark_seen(db, uaid, now)).await.done().await;
        Ok(marked.unwrap_or(true))
    }

    /// Adds an endpoint for the channel, and the channel and the user agent if they are new.
    pub(crate) async fn register(
        &self,
        uaid: Uaid,
        channel: ChannelId,
        token: Hash,
        key: Option<Hash>,
        now: u64,
    ) -> Result<(), StoreError> {
        self.write(move |db| queries::register(db, uaid, channel, token, key, now)).await.done().await
    }

    /// Forgets the channel and its messages; its endpoints are revoked. Unknown channels are nothing to do.
    pub(crate) async fn unregister(
        &self,
        uaid: Uaid,
        channel: ChannelId,
        now: u64,
    ) -> Result<(), StoreError> {
        let known = self.known.clone();
        let work = move |db: &Connection| queries::unregister(db, uaid, channel, now);
        self.writer.submit(work, move |()| known.revoke(uaid, channel)).await.done().await
    }

    /// The endpoint with this token; `None`: there never was one.
    pub(crate) async fn endpoint(&self, token: Hash) -> Result<Option<Endpoint>, StoreError> {
        let since = match self.known.get(&token) {
            Ok(endpoint) => return Ok(Some(endpoint)),
            Err(since) => since,
        };
        let endpoint = self.read(move |db| queries::endpoint(db, token)).await?;
        if let Some(endpoint) = &endpoint {
            self.known.note(since, token, endpoint);
        }
        Ok(endpoint)
    }

    /// Stores a message, replacing one of the same channel and topic, and the oldest where [`MAX_WAITING`] wait
    /// already. `false`: the channel has been given up.
    /// `committed` gets the message as soon as it is safe, even if nobody waits for the answer any more.
    pub(crate) async fn put(
        &self,
        channel: Channel,
        posted: Posted,
        now: u64,
        committed: impl FnOnce(PushMessage, Stored) + Send + 'static,
    ) -> Result<bool, StoreError> {
        let work = move |db: &Connection| {
            let put = queries::put(db, &channel, &posted, now)?;
            crash::point("before-message-commit");
            Ok((put, posted))
        };
        let dropped_before = Arc::clone(&self.dropped);
        let answer = move |(put, posted): (Option<queries::Put>, Posted)| match put {
            Some(queries::Put { position, dropped }) => {
                crash::point("after-message-commit");
                note_dropped(&dropped_before, dropped);
                committed(posted.push, Stored { position, expires_at: posted.expires_at });
                true
            }
            None => false,
        };
        self.writer.submit(work, answer).await.done().await
    }

    /// The next messages to send to a user agent that has nothing outstanding: those with a topic first, then the oldest.
    pub(crate) async fn batch(&self, uaid: Uaid, now: u64, limit: usize) -> Result<Batch, StoreError> {
        self.read(move |db| queries::batch(db, uaid, now, limit)).await
    }

    /// Removes messages of this user agent that it has acknowledged.
    pub(crate) async fn acknowledge(&self, uaid: Uaid, versions: Vec<MessageVersion>) -> Pending<()> {
        self.write(move |db| queries::acknowledge(db, uaid, &versions)).await
    }

    /// Removes a message on its sender's wish. Nothing to do when it is not stored any more.
    pub(crate) async fn cancel(&self, version: MessageVersion) -> Result<(), StoreError> {
        self.write(move |db| queries::cancel(db, &version)).await.done().await
    }

    /// Removes expired messages, old tombstones, and user agents that were neither seen for 60 days nor are
    /// `connected`. The endpoints of those are revoked.
    pub(crate) async fn sweep(&self, now: u64, connected: Vec<Uaid>) -> Result<Swept, StoreError> {
        let known = self.known.clone();
        let work = move |db: &Connection| queries::sweep(db, now, &connected);
        let revoke = move |swept: Swept| {
            if swept.user_agents > 0 {
                known.revoke_some();
            }
            swept
        };
        self.writer.submit(work, revoke).await.done().await
    }

    /// Whether the database answers.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.read(|db| {
            db.query_row("SELECT count(*) FROM (SELECT 1 FROM user_agent LIMIT 1)", (), |_| Ok(()))
        })
        .await
    }

    /// Finishes everything asked so far and closes the database. Later requests fail.
    pub(crate) async fn close(&self) {
        self.reader.stop().await;
        self.writer.stop().await;
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Pending<T> {
        self.writer.submit(work, |value| value).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reader.submit(work, |value| value).await.done().await
    }
}

/// Says so in the log at once, but ever more rarely: whoever floods a user agent does not fill the disk by it.
fn note_dropped(before: &AtomicUsize, dropped: usize) {
    if dropped == 0 {
        return;
    }
    let before = before.fetch_add(dropped, Ordering::Relaxed);
    let total = before.saturating_add(dropped);
    if before.checked_ilog2() != total.checked_ilog2() {
        tracing::warn!(
            total,
            "dropped the oldest message of a user agent for which {MAX_WAITING} newer ones wait; \
             the next warning comes when twice as many were dropped"
        );
    }
}
