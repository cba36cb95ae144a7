//! Too many messages.

use futures_util::future::join_all;

use super::*;

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
    let posted = fixture.empty();
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
    let steps = fixture.store.write(|db| plan(db, queries::DROP_OLDEST, [vec![0_u8; 16]]));
    let steps = steps.await.done().await.unwrap();
    let searches: Vec<_> = steps.iter().filter(|step| step.contains("message_of_user_agent")).collect();
    assert_eq!(searches.len(), 2, "{steps:?}");
    assert!(searches.iter().all(|step| step.contains("user_agent=? AND <expr>=?")), "{steps:?}");
}
