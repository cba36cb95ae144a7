//! Who a user agent is: hello, and one connection for each.

use serde_json::json;

use crate::support::{CHANNEL, Server};

#[tokio::test]
async fn a_hello_without_a_known_uaid_gets_a_fresh_one() {
    let server = Server::start().await;
    let unknown = "731ece684844467aa100ef9e485e6e05";
    for uaid in [json!(null), json!(""), json!("garbage"), json!(unknown)] {
        let reply = server.connect().await.hello(uaid.clone()).await;
        let fresh = reply["uaid"].as_str().unwrap();
        assert!(fresh.len() == 32 && fresh.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
        assert_ne!(fresh, unknown, "{uaid}");
        assert_eq!((&reply["use_webpush"], &reply["broadcasts"]), (&json!(true), &json!({})));
    }
}

#[tokio::test]
async fn a_hello_needs_no_more_than_its_type() {
    let server = Server::start().await;
    let mut user_agent = server.connect().await;
    user_agent.send(json!({"messageType": "hello"})).await;
    assert_eq!(user_agent.next().await["status"], 200);
}

#[tokio::test]
async fn channels_and_broadcasts_in_hello_are_ignored() {
    let server = Server::start().await;
    let mut user_agent = server.connect().await;
    let hello = json!({"messageType": "hello", "channelIDs": [CHANNEL], "broadcasts": {"a/b": "\"1\""},
        "unknown": [1]});
    user_agent.send(hello).await;
    assert_eq!(user_agent.next().await["broadcasts"], json!({}));
}

#[tokio::test]
async fn a_malformed_hello_ends_the_connection() {
    let server = Server::start().await;
    for hello in [
        json!({"messageType": "hello", "uaid": 5}),
        json!({"messageType": "hello", "channelIDs": ["x"]}),
        json!({"messageType": "Hello"}),
        json!({"foo": 1}),
        json!([]),
    ] {
        let mut user_agent = server.connect().await;
        user_agent.send(hello.clone()).await;
        assert_eq!(user_agent.closed().await, (1011, "Json".to_owned()), "{hello}");
    }
}

#[tokio::test]
async fn a_uaid_is_kept_once_it_has_registered_a_channel_in_every_way_of_writing_it() {
    let server = Server::start().await;
    let user_agent = server.user_agent(None).await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    assert_ne!(user_agent.uaid, uaid, "it never registered anything");
    user_agent.register(CHANNEL, None).await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;

    assert_eq!(server.user_agent(Some(&uaid)).await.uaid, uaid);
    let (a, rest) = uaid.split_at(8);
    let (b, rest) = rest.split_at(4);
    let (c, rest) = rest.split_at(4);
    let (d, e) = rest.split_at(4);
    let hyphenated = format!("{a}-{b}-{c}-{d}-{e}").to_uppercase();
    assert_eq!(server.user_agent(Some(&hyphenated)).await.uaid, uaid);
}

#[tokio::test]
async fn the_newest_connection_of_a_uaid_wins_and_gets_the_messages() {
    let server = Server::start().await;
    let mut old = server.user_agent(None).await;
    let endpoint = old.register(CHANNEL, None).await;
    let mut new = server.user_agent(Some(&old.uaid)).await;
    assert_eq!(old.closed().await, (1011, "SM".to_owned()));
    let version = server.push(&endpoint, "60", "x").await;
    assert_eq!(new.version().await, version);
}

#[tokio::test]
async fn the_end_of_a_replaced_connection_does_not_disconnect_the_newer_one() {
    let server = Server::start().await;
    let mut old = server.user_agent(None).await;
    let endpoint = old.register(CHANNEL, None).await;
    let mut new = server.user_agent(Some(&old.uaid)).await;
    old.closed().await;
    drop(old);
    new.expect_nothing_else(&server, &endpoint).await;
}
