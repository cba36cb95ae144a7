//! What arrives, when and how often: TTL, topics, batches, acknowledgements.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{CHANNEL, OTHER_CHANNEL, Server, UserAgent};

/// A service with one user agent that has one channel.
async fn paired() -> (Server, UserAgent, String) {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    (server, user_agent, endpoint)
}

/// The same user agent, gone and come back.
async fn reconnected(server: &Server, user_agent: UserAgent) -> UserAgent {
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    server.user_agent(Some(&uaid)).await
}

#[tokio::test]
async fn a_push_arrives_with_its_body_and_encoding() {
    let (server, mut user_agent, endpoint) = paired().await;
    let version = server.push(&endpoint, "60", "\u{0}binary?>").await;
    let expected = json!({"messageType": "notification", "channelID": CHANNEL, "version": version,
        "data": "AGJpbmFyeT8-", "headers": {"encoding": "aes128gcm"}});
    assert_eq!(user_agent.next().await, expected);
}

#[tokio::test]
async fn an_empty_push_arrives_without_data_and_headers() {
    let (server, mut user_agent, endpoint) = paired().await;
    let headers = [("ttl", "60"), ("content-encoding", "gzip"), ("crypto-key", "dh=AAAA")];
    let answer = server.post(&endpoint, &headers, "").await;
    assert_eq!(answer.status, 201);
    let expected = json!({"messageType": "notification", "channelID": CHANNEL, "version": answer.version()});
    assert_eq!(user_agent.next().await, expected);
}

#[tokio::test]
async fn an_aesgcm_push_arrives_with_its_headers_stripped_of_quotes_and_padding() {
    let (server, user_agent, endpoint) = paired().await;
    let headers = [
        ("ttl", "60"),
        ("content-encoding", "aesgcm"),
        ("encryption", "keyid=\"p256dh\";salt=\"lngarbyKfMoi9Z75xYXmkg==\""),
        ("crypto-key", "keyid=\"p256dh\";dh=\"BNoRDQ==\", p256ecdsa=AAAA"),
    ];
    assert_eq!(server.post(&endpoint, &headers, "x").await.status, 201);
    let expected: Value = json!({"encoding": "aesgcm",
        "encryption": "keyid=p256dh;salt=lngarbyKfMoi9Z75xYXmkg",
        "crypto_key": "keyid=p256dh;dh=BNoRDQ, p256ecdsa=AAAA"});
    let mut user_agent = user_agent;
    assert_eq!(user_agent.notification().await["headers"], expected);
    let mut user_agent = reconnected(&server, user_agent).await;
    assert_eq!(user_agent.notification().await["headers"], expected, "read back from the store");
}

#[tokio::test]
async fn what_was_posted_while_the_user_agent_was_away_arrives_after_hello_in_order() {
    let (server, user_agent, endpoint) = paired().await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    let mut posted = Vec::new();
    for body in ["a", "b", "c"] {
        posted.push(server.push(&endpoint, "60", body).await);
    }
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    assert_eq!(user_agent.versions(3).await, posted);
    user_agent.acknowledge(&posted).await;
    user_agent.settle().await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_with_the_same_version() {
    let (server, mut user_agent, endpoint) = paired().await;
    let first = server.push(&endpoint, "60", "a").await;
    let second = server.push(&endpoint, "60", "b").await;
    assert_eq!(user_agent.versions(2).await, [first.clone(), second.clone()]);
    user_agent.acknowledge(&[first]).await;
    user_agent.send(json!({"messageType": "nack", "version": second, "code": 302})).await;
    user_agent.settle().await;
    let mut user_agent = reconnected(&server, user_agent).await;
    let notification = user_agent.notification().await;
    assert_eq!((&notification["version"], &notification["data"]), (&json!(second), &json!("Yg")));
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn every_ack_code_removes_the_message() {
    let (server, mut user_agent, endpoint) = paired().await;
    let mut updates = Vec::new();
    for code in [json!(100), json!(101), json!(102), Value::Null] {
        let version = server.push(&endpoint, "60", "x").await;
        assert_eq!(user_agent.version().await, version);
        updates.push(json!({"channelID": CHANNEL, "version": version, "code": code}));
    }
    user_agent.send(json!({"messageType": "ack", "updates": updates})).await;
    user_agent.send(json!({"messageType": "ack", "updates": []})).await;
    user_agent.acknowledge(&["unknown".to_owned()]).await;
    user_agent.settle().await;
    let mut user_agent = reconnected(&server, user_agent).await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn an_ack_goes_by_the_version_alone_and_removes_nothing_of_others() {
    let (server, mut user_agent, endpoint) = paired().await;
    let version = server.push(&endpoint, "60", "x").await;
    assert_eq!(user_agent.version().await, version);
    let mut stranger = server.user_agent(None).await;
    stranger.acknowledge(std::slice::from_ref(&version)).await;
    stranger.settle().await;
    let mut user_agent = reconnected(&server, user_agent).await;
    assert_eq!(user_agent.version().await, version, "acknowledged by somebody else");
    let updates = json!([{"channelID": OTHER_CHANNEL.to_uppercase(), "version": version}]);
    user_agent.send(json!({"messageType": "ack", "updates": updates})).await;
    user_agent.settle().await;
    let mut user_agent = reconnected(&server, user_agent).await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn stored_messages_come_in_batches_of_ten_each_after_the_last_was_acknowledged() {
    let (server, user_agent, endpoint) = paired().await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    let mut posted = Vec::new();
    for _ in 0..23 {
        posted.push(server.push(&endpoint, "60", "x").await);
    }
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    for batch in posted.chunks(10) {
        assert_eq!(user_agent.versions(batch.len()).await, batch);
        let (last, rest) = batch.split_last().unwrap();
        user_agent.acknowledge(rest).await;
        user_agent.settle().await;
        user_agent.acknowledge(std::slice::from_ref(last)).await;
    }
    user_agent.settle().await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn new_messages_flow_while_a_stored_batch_is_outstanding_and_none_comes_twice() {
    let (server, user_agent, endpoint) = paired().await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    let mut stored = Vec::new();
    for _ in 0..12 {
        stored.push(server.push(&endpoint, "60", "x").await);
    }
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    let (batch, left) = stored.split_at(10);
    assert_eq!(user_agent.versions(10).await, batch);
    let direct = server.push(&endpoint, "60", "new").await;
    assert_eq!(user_agent.version().await, direct);
    user_agent.acknowledge(batch).await;
    user_agent.settle().await;
    user_agent.acknowledge(&[direct]).await;
    assert_eq!(user_agent.versions(2).await, left);
    user_agent.acknowledge(left).await;
    user_agent.settle().await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn a_message_replaces_the_stored_one_of_its_topic() {
    let (server, user_agent, endpoint) = paired().await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    let plain = server.push(&endpoint, "60", "plain").await;
    server.push_with(&endpoint, &[("ttl", "60"), ("topic", "status")], "old").await;
    let newer = server.push_with(&endpoint, &[("ttl", "60"), ("topic", "status")], "new").await;
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    assert_eq!(user_agent.versions(2).await, [newer, plain], "topics come first");
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn topic_ttl_and_urgency_are_not_told_and_replacing_recalls_nothing_already_sent() {
    let (server, mut user_agent, endpoint) = paired().await;
    let headers = [("ttl", "60"), ("topic", "status"), ("urgency", "high")];
    let old = server.push_with(&endpoint, &headers, "a").await;
    let expected = json!({"messageType": "notification", "channelID": CHANNEL, "version": old,
        "data": "YQ", "headers": {"encoding": "aes128gcm"}});
    assert_eq!(user_agent.next().await, expected);
    let new = server.push_with(&endpoint, &headers, "b").await;
    assert_eq!(user_agent.version().await, new);
    user_agent.acknowledge(&[old]).await;
    user_agent.settle().await;
    let mut user_agent = reconnected(&server, user_agent).await;
    assert_eq!(user_agent.version().await, new);
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn with_ttl_zero_a_push_is_delivered_now_or_never() {
    let (server, mut user_agent, endpoint) = paired().await;
    let now = server.push(&endpoint, "0", "now").await;
    assert_eq!(user_agent.version().await, now);
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    server.push(&endpoint, "0", "never").await;
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn a_cancelled_message_is_not_delivered() {
    let (server, user_agent, endpoint) = paired().await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    let answer = server.post(&endpoint, &[("ttl", "60")], "").await;
    let location = answer.header("location").unwrap();
    for _ in 0..2 {
        assert_eq!(server.request(Method::DELETE, location, &[], "").await.status, 204);
    }
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn a_message_cancelled_after_it_was_sent_does_not_come_again() {
    let (server, mut user_agent, endpoint) = paired().await;
    let answer = server.post(&endpoint, &[("ttl", "60")], "").await;
    assert_eq!(user_agent.version().await, answer.version());
    let location = answer.header("location").unwrap();
    assert_eq!(server.request(Method::DELETE, location, &[], "").await.status, 204);
    user_agent.acknowledge(&[answer.version()]).await;
    user_agent.settle().await;
    let mut user_agent = reconnected(&server, user_agent).await;
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn more_messages_than_a_connection_takes_at_once_all_arrive_once_each() {
    let (server, mut user_agent, endpoint) = paired().await;
    let mut posted = Vec::new();
    for _ in 0..300 {
        posted.push(server.push(&endpoint, "60", "x").await);
    }
    let mut arrived = Vec::new();
    while arrived.len() < posted.len() {
        let version = user_agent.version().await;
        user_agent.acknowledge(std::slice::from_ref(&version)).await;
        arrived.push(version);
    }
    arrived.sort();
    posted.sort();
    assert_eq!(arrived, posted);
}
