//! What waits for a user agent, and in which order it comes.

use super::*;
use crate::mailbox::{BATCH, Position};

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
    let steps = fixture.store.read(|db| plan(db, queries::BATCH, (vec![0_u8; 16], 0, 10)));
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
