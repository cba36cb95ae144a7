use std::sync::mpsc;

use futures_util::future::poll_immediate;
use tempfile::TempDir;
use webpush::{ContentEncoding, EncryptedMessage, PushMessage, Topic, Urgency};

use super::*;
use crate::id::{EndpointToken, random_version};
use crate::mailbox::BATCH;

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
        assert!(self.store.put(channel, posted, |_| {}).await.unwrap());
        push
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

#[tokio::test]
async fn a_user_agent_exists_once_it_has_registered_a_channel() {
    let fixture = Fixture::new().await;
    assert!(!fixture.store.greet(Uaid::random().unwrap(), NOW).await.unwrap());
    assert!(fixture.store.greet(fixture.uaid, NOW).await.unwrap());
    let fixture = fixture.reopened().await;
    assert!(fixture.store.greet(fixture.uaid, NOW + 2 * SEEN_PRECISION).await.unwrap());
    let uaid = fixture.uaid;
    let seen_at = fixture.store.write(move |db| queries::seen_at(db, uaid)).await.done().await.unwrap();
    assert_eq!(seen_at, Some(NOW + 2 * SEEN_PRECISION));
}

#[tokio::test]
async fn every_endpoint_of_a_channel_works_and_all_are_revoked_with_it() {
    let fixture = Fixture::new().await;
    let (second, key) = (EndpointToken::random().unwrap().hash(), Some([9; 32]));
    fixture.store.register(fixture.uaid, fixture.channel, second, key, NOW).await.unwrap();
    let first = fixture.endpoint().await;
    let restricted = fixture.store.endpoint(second).await.unwrap().unwrap();
    assert_eq!((first.restricted_to, restricted.restricted_to), (None, key));
    assert_eq!(first.channel, restricted.channel);
    assert_eq!(first.channel.unwrap().user_agent, fixture.uaid);

    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    assert_eq!(fixture.endpoint().await, Endpoint { restricted_to: None, channel: None });
    let restricted = fixture.store.endpoint(second).await.unwrap();
    assert_eq!(restricted, Some(Endpoint { restricted_to: key, channel: None }));
    assert_eq!(fixture.store.endpoint([0; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn only_its_own_user_agent_gives_a_channel_up() {
    let fixture = Fixture::new().await;
    fixture.store.unregister(Uaid::random().unwrap(), fixture.channel, NOW).await.unwrap();
    assert!(fixture.endpoint().await.channel.is_some());
}

#[tokio::test]
async fn a_channel_registered_again_does_not_bring_old_endpoints_back() {
    let fixture = Fixture::new().await;
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    let token = EndpointToken::random().unwrap().hash();
    fixture.store.register(fixture.uaid, fixture.channel, token, None, NOW).await.unwrap();
    assert_eq!(fixture.endpoint().await.channel, None);
    assert!(fixture.store.endpoint(token).await.unwrap().unwrap().channel.is_some());
}

#[tokio::test]
async fn messages_come_back_as_they_were_put_after_a_restart() {
    let fixture = Fixture::new().await;
    let message = |encoding, data: &[u8]| PushMessage {
        channel_id: fixture.channel,
        version: random_version().unwrap(),
        content: Some(EncryptedMessage { encoding, data: Some(data.to_vec()) }),
    };
    let legacy = ContentEncoding::AesGcm { encryption: "salt=AAAA".into(), crypto_key: "dh=BBBB".into() };
    let empty = PushMessage { content: None, ..message(ContentEncoding::Aes128Gcm, b"") };
    let put = [message(ContentEncoding::Aes128Gcm, &[0, 255]), message(legacy, b"x"), empty];
    for push in put.clone() {
        fixture.put_push(push, None, LATER).await;
    }
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.stored(NOW).await, put);
}

#[tokio::test]
async fn messages_with_a_topic_come_first_then_the_oldest() {
    let fixture = Fixture::new().await;
    let plain = [fixture.put(None, LATER).await, fixture.put(None, LATER).await];
    let topical = [fixture.put(Some("b"), LATER).await, fixture.put(Some("a"), LATER).await];
    let expected: Vec<_> = topical.into_iter().chain(plain).collect();
    assert_eq!(fixture.stored(NOW).await, expected);
    let first = fixture.store.batch(fixture.uaid, NOW, 1).await.unwrap();
    assert_eq!(first.messages, expected[..1]);
    assert_eq!(first.read_to, Position(4));
}

#[tokio::test]
async fn the_batch_is_found_by_an_index() {
    let fixture = Fixture::new().await;
    let plan = format!("EXPLAIN QUERY PLAN {}", queries::BATCH);
    let steps = fixture.store.read(move |db| {
        let mut statement = db.prepare(&plan)?;
        let rows = statement.query_map((vec![0_u8; 16], 0, 10), |row| row.get::<_, String>(3))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    let steps = steps.await.unwrap().join("\n");
    assert!(steps.contains("message_of_user_agent") && !steps.contains("TEMP B-TREE"), "{steps}");
}

#[tokio::test]
async fn a_newer_message_replaces_one_of_the_same_topic_completely() {
    let fixture = Fixture::new().await;
    fixture.put(Some("status"), LATER + 1000).await;
    let other = fixture.put(Some("other"), LATER).await;
    let newer = fixture.put(Some("status"), LATER).await;
    assert_eq!(fixture.stored(NOW).await, [other, newer]);
    assert!(fixture.stored(LATER).await.is_empty());
}

#[tokio::test]
async fn expired_messages_are_not_delivered_and_swept() {
    let fixture = Fixture::new().await;
    fixture.put(None, NOW + 10).await;
    let kept = fixture.put(None, NOW + 11).await;
    assert_eq!(fixture.stored(NOW + 10).await, [kept]);
    assert_eq!(fixture.store.sweep(NOW + 10).await.unwrap(), 1);
    assert_eq!(fixture.store.sweep(NOW + 10).await.unwrap(), 0);
}

#[tokio::test]
async fn tombstones_are_kept_for_90_days() {
    let fixture = Fixture::new().await;
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    fixture.store.sweep(NOW + 90 * 86_400 - 1).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_some());
    fixture.store.sweep(NOW + 90 * 86_400).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_none());
}

#[tokio::test]
async fn acknowledging_removes_exactly_the_named_messages_of_that_user_agent() {
    let fixture = Fixture::new().await;
    let (first, second) = (fixture.put(None, LATER).await, fixture.put(Some("t"), LATER).await);
    let all = || vec![first.version.clone(), second.version.clone()];
    fixture.store.acknowledge(Uaid::random().unwrap(), all()).await.done().await.unwrap();
    assert_eq!(fixture.stored(NOW).await.len(), 2);
    fixture.store.acknowledge(fixture.uaid, vec![second.version.clone()]).await.done().await.unwrap();
    assert_eq!(fixture.stored(NOW).await, std::slice::from_ref(&first));
    fixture.store.cancel(first.version.clone()).await.unwrap();
    fixture.store.cancel(first.version.clone()).await.unwrap();
    assert!(fixture.stored(NOW).await.is_empty());
}

#[tokio::test]
async fn positions_are_never_used_twice() {
    let fixture = Fixture::new().await;
    let message = fixture.put(None, LATER).await;
    let before = fixture.store.batch(fixture.uaid, NOW, BATCH).await.unwrap().read_to;
    fixture.store.acknowledge(fixture.uaid, vec![message.version]).await.done().await.unwrap();
    fixture.put(None, LATER).await;
    assert!(fixture.store.batch(fixture.uaid, NOW, BATCH).await.unwrap().read_to > before);
}

#[tokio::test]
async fn a_message_for_a_channel_given_up_meanwhile_is_refused() {
    let fixture = Fixture::new().await;
    fixture.put(None, LATER).await;
    let channel = fixture.endpoint().await.channel.unwrap();
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    assert!(fixture.stored(NOW).await.is_empty());
    let push = PushMessage { channel_id: fixture.channel, version: random_version().unwrap(), content: None };
    let posted = Posted { push, topic: None, urgency: Urgency::Normal, expires_at: LATER };
    let (sender, handed_over) = mpsc::channel();
    let stored = fixture.store.put(channel, posted, move |delivery| sender.send(delivery).unwrap()).await;
    assert!(!stored.unwrap());
    assert!(handed_over.try_recv().is_err());
}

#[tokio::test]
async fn a_request_that_fails_undoes_itself_and_not_its_neighbours() {
    let fixture = Fixture::new().await;
    let uaid = fixture.uaid;
    let (release, gate) = fixture.held_writer().await;
    let before = fixture.store.write(move |db| queries::mark_seen(db, uaid, LATER)).await;
    let failing = fixture.store.write(move |db| {
        db.execute("DELETE FROM channel", ())?;
        db.execute("INSERT INTO no_such_table VALUES (1)", ())
    });
    let failing = failing.await;
    let after = fixture.store.register(uaid, ChannelId::from_random_bytes([8; 16]), [8; 32], None, NOW);
    tokio::pin!(after);
    assert!(poll_immediate(after.as_mut()).await.is_none());
    release.send(()).unwrap();
    gate.done().await.unwrap();
    before.done().await.unwrap();
    assert!(matches!(failing.done().await, Err(StoreError::Refused(_))));
    after.await.unwrap();
    assert!(fixture.endpoint().await.channel.is_some());
    assert!(fixture.store.endpoint([8; 32]).await.unwrap().is_some());
    let seen_at = fixture.store.read(move |db| queries::seen_at(db, uaid)).await.unwrap();
    assert_eq!(seen_at, Some(LATER));
}

#[tokio::test]
async fn what_could_not_be_committed_is_neither_answered_nor_handed_over() {
    let fixture = Fixture::new().await;
    let channel = fixture.endpoint().await.channel.unwrap();
    let push = PushMessage { channel_id: fixture.channel, version: random_version().unwrap(), content: None };
    let posted = Posted { push, topic: None, urgency: Urgency::Normal, expires_at: LATER };
    let (release, gate) = fixture.held_writer().await;
    let (sender, handed_over) = mpsc::channel();
    let put = fixture.store.put(channel, posted, move |delivery| sender.send(delivery).unwrap());
    tokio::pin!(put);
    assert!(poll_immediate(put.as_mut()).await.is_none());
    // Ends the group's transaction behind its back, as SQLite itself does when the disk is full.
    let spoiler = fixture.store.write(|db| db.execute_batch("ROLLBACK")).await;
    release.send(()).unwrap();
    assert!(gate.done().await.is_err());
    assert!(spoiler.done().await.is_err());
    assert!(put.await.is_err());
    assert!(handed_over.try_recv().is_err());
    assert!(fixture.stored(NOW).await.is_empty());
    fixture.put(None, LATER).await;
    assert_eq!(fixture.stored(NOW).await.len(), 1);
}

#[tokio::test]
async fn a_message_is_handed_over_even_if_its_sender_hung_up() {
    let fixture = Fixture::new().await;
    let channel = fixture.endpoint().await.channel.unwrap();
    let push = PushMessage { channel_id: fixture.channel, version: random_version().unwrap(), content: None };
    let version = push.version.clone();
    let posted = Posted { push, topic: None, urgency: Urgency::Normal, expires_at: LATER };
    let (sender, handed_over) = mpsc::channel();
    let put = Box::pin(fixture.store.put(channel, posted, move |delivery| sender.send(delivery).unwrap()));
    assert!(poll_immediate(put).await.is_none());
    fixture.store.sweep(NOW).await.unwrap();
    assert_eq!(handed_over.try_recv().unwrap().push.version, version);
}

#[tokio::test]
async fn a_closed_store_refuses() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    assert!(fixture.store.check().await.is_err());
    assert!(fixture.store.sweep(NOW).await.is_err());
}
