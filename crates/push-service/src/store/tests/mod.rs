mod commits;
mod limit;
mod messages;
mod registration;

use std::sync::mpsc;

use tempfile::TempDir;
use webpush::{ContentEncoding, EncryptedMessage, PushMessage, Topic, Urgency};

use super::*;
use crate::id::{EndpointToken, random_version};

const NOW: u64 = 1_800_000_000;
const LATER: u64 = NOW + 3_600;

/// A store with one user agent that has one channel.
struct Fixture {
    folder: TempDir,
    store: Store,
    uaid: Uaid,
    channel: ChannelId,
    token: Hash,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (uaid, token) = (Uaid::random().unwrap(), EndpointToken::random().unwrap().hash());
        let channel = ChannelId::from_random_bytes([7; 16]);
        store.register(uaid, channel, token, None, NOW).await.unwrap();
        Self { folder, store, uaid, channel, token }
    }

    async fn reopened(self) -> Self {
        self.store.close().await;
        Self { store: Store::open(self.folder.path()).unwrap(), ..self }
    }

    async fn endpoint(&self) -> Endpoint {
        self.store.endpoint(self.token).await.unwrap().unwrap()
    }

    async fn put(&self, topic: Option<&str>, expires_at: u64) -> PushMessage {
        let content = EncryptedMessage { encoding: ContentEncoding::Aes128Gcm, data: Some(vec![1, 2, 3]) };
        let push = PushMessage {
            channel_id: self.channel,
            version: random_version().unwrap(),
            content: Some(content),
        };
        self.put_push(push, topic, expires_at).await
    }

    async fn put_push(&self, push: PushMessage, topic: Option<&str>, expires_at: u64) -> PushMessage {
        let topic: Option<Topic> = topic.map(|topic| topic.parse().unwrap());
        let posted = Posted { push: push.clone(), topic, urgency: Urgency::High, expires_at };
        let channel = self.endpoint().await.channel.unwrap();
        assert!(self.store.put(channel, posted, NOW, |_, _| {}).await.unwrap());
        push
    }

    /// A message without content, to be put.
    fn empty(&self) -> Posted {
        let version = random_version().unwrap();
        let push = PushMessage { channel_id: self.channel, version, content: None };
        Posted { push, topic: None, urgency: Urgency::Normal, expires_at: LATER }
    }

    /// Keeps the writer busy until told, so that what is asked meanwhile shares one transaction.
    async fn held_writer(&self) -> (mpsc::Sender<()>, Pending<()>) {
        let (release, held) = mpsc::channel();
        let gate = self.store.write(move |_| {
            let _ = held.recv();
            Ok(())
        });
        (release, gate.await)
    }

    async fn stored(&self, now: u64) -> Vec<PushMessage> {
        self.store.batch(self.uaid, now, usize::MAX).await.unwrap().messages
    }
}

/// The steps in which SQLite would do this.
fn plan(db: &Connection, sql: &str, parameters: impl rusqlite::Params) -> rusqlite::Result<Vec<String>> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    statement.query_map(parameters, |row| row.get(3))?.collect()
}
