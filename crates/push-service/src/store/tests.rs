use std::sync::mpsc;

use futures_util::future::{join_all, poll_immediate};
use tempfile::TempDir;
use webpush::{ContentEncoding, EncryptedMessage, PushMessage, Topic, Urgency};

use super::*;
use crate::id::{EndpointToken, random_version};
use crate::mailbox::{BATCH, Position};

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
    for messages in [1, 0] {
        let swept = fixture.store.sweep(NOW + 10, Vec::new()).await.unwrap();
        assert_eq!(swept, Swept { messages, user_agents: 0 });
    }
}

/// As many as may wait, without the disk's time for each.
async fn fill(fixture: &Fixture, expires_at: impl Fn(usize) -> u64) -> Vec<PushMessage> {
    let puts: Vec<_> = (0..MAX_WAITING).map(|n| fixture.put(None, expires_at(n))).collect();
    join_all(puts).await;
    fixture.stored(NOW).await
}

async fn waiting(fixture: &Fixture) -> (u32, u32) {
    let uaid = fixture.uaid;
    let counted = fixture.store.read(move |db| {
        db.query_row(
            "SELECT waiting, (SELECT count(*) FROM message WHERE user_agent = uaid) FROM user_agent WHERE uaid = ?1",
            [uaid],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    });
    counted.await.unwrap()
}

#[tokio::test]
async fn of_too_many_messages_the_newest_are_kept() {
    let fixture = Fixture::new().await;
    let topical = fixture.put(Some("a"), LATER).await;
    let filled = fill(&fixture, |_| LATER).await;
    assert_eq!(filled.len(), MAX_WAITING);
    assert!(!filled.contains(&topical), "the oldest goes first, whatever its topic");
    let newer = [fixture.put(None, LATER).await, fixture.put(None, LATER).await];
    assert_eq!(fixture.stored(NOW).await, [&filled[2..], &newer].concat());
    let newest = fixture.put(Some("b"), LATER).await;
    assert_eq!(fixture.stored(NOW).await, [&[newest], &filled[3..], &newer].concat());
    assert_eq!(fixture.store.dropped.load(Ordering::Relaxed), 4);
    assert!(fixture.store.greet(fixture.uaid, NOW).await.unwrap(), "the user agent is not forgotten");
}

#[tokio::test]
async fn expired_messages_push_out_no_others() {
    let fixture = Fixture::new().await;
    let filled = fill(&fixture, |n| if n == MAX_WAITING / 2 { NOW + 1 } else { LATER }).await;
    let channel = fixture.endpoint().await.channel.unwrap();
    let push = PushMessage { channel_id: fixture.channel, version: random_version().unwrap(), content: None };
    let posted = Posted { push, topic: None, urgency: Urgency::Normal, expires_at: LATER };
    assert!(fixture.store.put(channel, posted, NOW + 1, |_, _| {}).await.unwrap());
    let kept = fixture.stored(NOW + 1).await;
    assert_eq!((kept.len(), &kept[0]), (MAX_WAITING, &filled[0]));
    assert_eq!(fixture.store.dropped.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_waits_is_counted_whichever_way_it_goes() {
    let fixture = Fixture::new().await;
    let other = ChannelId::from_random_bytes([8; 16]);
    let expectations =
        async |step, expected| assert_eq!(waiting(&fixture).await, (expected, expected), "{step}");
    fixture.store.register(fixture.uaid, other, [8; 32], None, NOW).await.unwrap();
    let (first, second) = (fixture.put(None, LATER).await, fixture.put(None, LATER).await);
    for topic in [None, Some("t"), Some("t"), Some("u")] {
        fixture.put(topic, LATER).await;
    }
    expectations("replaced", 5).await;
    fixture.store.acknowledge(fixture.uaid, vec![first.version]).await.done().await.unwrap();
    fixture.store.cancel(second.version).await.unwrap();
    expectations("acknowledged and cancelled", 3).await;
    fixture.put(None, NOW + 1).await;
    fixture.store.sweep(NOW + 1, Vec::new()).await.unwrap();
    expectations("swept", 3).await;
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    expectations("given up", 0).await;
}

#[tokio::test]
async fn the_oldest_message_is_found_by_an_index() {
    let fixture = Fixture::new().await;
    let plan = format!("EXPLAIN QUERY PLAN {}", queries::DROP_OLDEST);
    let steps = fixture.store.write(move |db| {
        let mut statement = db.prepare(&plan)?;
        let rows = statement.query_map([vec![0_u8; 16]], |row| row.get::<_, String>(3))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    let steps = steps.await.done().await.unwrap();
    let searches: Vec<_> = steps.iter().filter(|step| step.contains("message_of_user_agent")).collect();
    assert_eq!(searches.len(), 2, "{steps:?}");
    assert!(searches.iter().all(|step| step.contains("user_agent=? AND <expr>=?")), "{steps:?}");
}

#[tokio::test]
async fn tombstones_are_kept_for_90_days() {
    let fixture = Fixture::new().await;
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    fixture.store.sweep(NOW + 90 * 86_400 - 1, Vec::new()).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_some());
    fixture.store.sweep(NOW + 90 * 86_400, Vec::new()).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_none());
}

const SIXTY_DAYS: u64 = 60 * 86_400;

#[tokio::test]
async fn a_user_agent_unseen_for_60_days_is_forgotten_and_its_endpoints_are_revoked() {
    let fixture = Fixture::new().await;
    fixture.put(None, NOW + 2 * SIXTY_DAYS).await;
    let swept = fixture.store.sweep(NOW + SIXTY_DAYS - 1, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 0);
    assert!(fixture.endpoint().await.channel.is_some());
    let swept = fixture.store.sweep(NOW + SIXTY_DAYS, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 1);
    assert_eq!(fixture.endpoint().await.channel, None);
    assert!(fixture.stored(NOW).await.is_empty());
    assert!(!fixture.store.greet(fixture.uaid, NOW + SIXTY_DAYS).await.unwrap());
    let tombstone_over = NOW + SIXTY_DAYS + 90 * 86_400;
    fixture.store.sweep(tombstone_over, Vec::new()).await.unwrap();
    assert!(fixture.store.endpoint(fixture.token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_user_agent_that_comes_back_or_stays_connected_is_remembered() {
    let fixture = Fixture::new().await;
    let swept = fixture.store.sweep(NOW + SIXTY_DAYS, vec![fixture.uaid]).await.unwrap();
    assert_eq!(swept.user_agents, 0, "it is connected");
    let swept = fixture.store.sweep(NOW + 2 * SIXTY_DAYS - 1, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 0, "it was, less than 60 days ago");
    assert!(fixture.store.greet(fixture.uaid, NOW + 2 * SIXTY_DAYS).await.unwrap());
    let swept = fixture.store.sweep(NOW + 2 * SIXTY_DAYS, Vec::new()).await.unwrap();
    assert_eq!(swept.user_agents, 0, "it came back before it was forgotten");
}

#[tokio::test]
async fn a_user_agent_forgotten_while_it_says_hello_is_told() {
    let fixture = Fixture::new().await;
    let (release, gate) = fixture.held_writer().await;
    let sweep = fixture.store.sweep(NOW + SIXTY_DAYS, Vec::new());
    tokio::pin!(sweep);
    assert!(poll_immediate(sweep.as_mut()).await.is_none());
    let store = &fixture.store;
    let hello = async {
        let known = store.greet(fixture.uaid, NOW + SIXTY_DAYS);
        tokio::pin!(known);
        // Read as known while the removal waits for the disk.
        assert!(poll_immediate(known.as_mut()).await.is_none());
        store.check().await.unwrap();
        assert!(poll_immediate(known.as_mut()).await.is_none());
        release.send(()).unwrap();
        known.await.unwrap()
    };
    assert!(!hello.await);
    assert_eq!(sweep.await.unwrap().user_agents, 1);
    gate.done().await.unwrap();
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
    let stored = fixture.store.put(channel, posted, NOW, move |push, _| sender.send(push).unwrap()).await;
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
    let put = fixture.store.put(channel, posted, NOW, move |push, _| sender.send(push).unwrap());
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

/// Lets the database grow by this many pages and no further, as a full disk would.
async fn leave_room(fixture: &Fixture, pages: u32) {
    let limit = fixture.store.write(move |db| {
        let in_use: u32 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
        db.pragma_update_and_check(None, "max_page_count", in_use + pages, |_| Ok(()))
    });
    limit.await.done().await.unwrap();
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_answered_that_is_not_stored_and_room_is_used_again() {
    let fixture = Fixture::new().await;
    let channel = fixture.endpoint().await.channel.unwrap();
    leave_room(&fixture, 20).await;
    let (sender, handed_over) = mpsc::channel();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    while refused < 5 {
        let version = random_version().unwrap();
        let content = EncryptedMessage { encoding: ContentEncoding::Aes128Gcm, data: Some(vec![7; 4000]) };
        let push =
            PushMessage { channel_id: fixture.channel, version: version.clone(), content: Some(content) };
        let posted = Posted { push, topic: None, urgency: Urgency::Normal, expires_at: LATER };
        let sender = sender.clone();
        let hand_over = move |push: PushMessage, _| sender.send(push.version).unwrap();
        match fixture.store.put(channel.clone(), posted, NOW, hand_over).await {
            Ok(true) => accepted.push(version),
            Ok(false) => panic!("the channel is there"),
            Err(StoreError::Refused(_)) => refused += 1,
            Err(StoreError::Closed) => panic!("it goes on"),
        }
    }
    assert!(accepted.len() > 5, "{}", accepted.len());
    let versions =
        async || -> Vec<_> { fixture.stored(NOW).await.into_iter().map(|push| push.version).collect() };
    assert_eq!(versions().await, accepted);
    assert_eq!(handed_over.try_iter().collect::<Vec<_>>(), accepted);

    let acknowledged = accepted.drain(..4).collect();
    fixture.store.acknowledge(fixture.uaid, acknowledged).await.done().await.unwrap();
    accepted.push(fixture.put(None, LATER).await.version);
    assert_eq!(versions().await, accepted);
}

#[tokio::test]
async fn a_message_is_handed_over_even_if_its_sender_hung_up() {
    let fixture = Fixture::new().await;
    let channel = fixture.endpoint().await.channel.unwrap();
    let push = PushMessage { channel_id: fixture.channel, version: random_version().unwrap(), content: None };
    let version = push.version.clone();
    let posted = Posted { push, topic: None, urgency: Urgency::Normal, expires_at: LATER };
    let (sender, handed_over) = mpsc::channel();
    let put = Box::pin(fixture.store.put(channel, posted, NOW, move |push, _| sender.send(push).unwrap()));
    assert!(poll_immediate(put).await.is_none());
    fixture.store.sweep(NOW, Vec::new()).await.unwrap();
    assert_eq!(handed_over.try_recv().unwrap().version, version);
}

#[tokio::test]
async fn a_closed_store_refuses() {
    let fixture = Fixture::new().await;
    fixture.store.close().await;
    assert!(fixture.store.check().await.is_err());
    assert!(fixture.store.sweep(NOW, Vec::new()).await.is_err());
}
