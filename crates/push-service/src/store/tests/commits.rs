//! What is committed, and what only then is said.

use futures_util::future::poll_immediate;

use super::*;

#[tokio::test]
async fn a_message_for_a_channel_given_up_meanwhile_is_refused() {
    let fixture = Fixture::new().await;
    fixture.put(None, LATER).await;
    let channel = fixture.endpoint().await.channel.unwrap();
    fixture.store.unregister(fixture.uaid, fixture.channel, NOW).await.unwrap();
    assert!(fixture.stored(NOW).await.is_empty());
    let posted = fixture.empty();
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
    let posted = fixture.empty();
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
    let posted = fixture.empty();
    let version = posted.push.version.clone();
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
