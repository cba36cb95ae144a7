//! What is answered, and what is not, when the disk is slow or the store fails.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::{CHANNEL, OTHER_CHANNEL, Server, UserAgent, soon};

async fn paired() -> (Server, UserAgent, String) {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    (server, user_agent, endpoint)
}

impl Server {
    /// Makes every statement that names this table fail.
    fn lose(&self, table: &str) {
        self.database().execute_batch(&format!("ALTER TABLE {table} RENAME TO gone")).unwrap();
    }
}

#[tokio::test]
async fn a_message_is_answered_and_delivered_only_once_it_is_committed() {
    for connected in [true, false] {
        let (server, mut user_agent, endpoint) = paired().await;
        let uaid = user_agent.uaid.clone();
        if !connected {
            user_agent.close().await;
            user_agent = server.user_agent(None).await;
        }
        let other = server.database();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let post = server.post(&endpoint, &[("ttl", "60")], "");
        tokio::pin!(post);
        let early = tokio::time::timeout(Duration::from_millis(500), post.as_mut()).await;
        assert!(early.is_err(), "answered while nothing can be committed: {early:?}");
        user_agent.settle().await;
        other.execute_batch("ROLLBACK").unwrap();
        let answer = soon(post).await;
        assert_eq!(answer.status, 201);
        let stored: u32 = other
            .query_row("SELECT count(*) FROM message WHERE version = ?1", [answer.version()], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(stored, 1);
        if !connected {
            user_agent = server.user_agent(Some(&uaid)).await;
        }
        assert_eq!(user_agent.version().await, answer.version());
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_is_not_accepted() {
    let (server, mut user_agent, endpoint) = paired().await;
    server.lose("message");
    let answer = server.post(&endpoint, &[("ttl", "60")], "").await;
    assert_eq!(answer.refusal(), (503, Some(201)));
    assert_eq!(answer.header("retry-after"), Some("120"));
    user_agent.expect_nothing_else(&server, &endpoint).await;
}

#[tokio::test]
async fn a_sender_is_told_to_come_back_when_the_store_cannot_say_whether_an_endpoint_exists() {
    let (server, _user_agent, endpoint) = paired().await;
    server.lose("endpoint");
    assert_eq!(server.post(&endpoint, &[("ttl", "0")], "").await.refusal(), (503, Some(201)));
}

#[tokio::test]
async fn a_message_that_cannot_be_cancelled_is_not_said_to_be() {
    let (server, _user_agent, endpoint) = paired().await;
    let answer = server.post(&endpoint, &[("ttl", "60")], "").await;
    server.lose("message");
    let location = answer.header("location").unwrap();
    assert_eq!(server.request(Method::DELETE, location, &[], "").await.refusal(), (503, Some(201)));
}

#[tokio::test]
async fn a_service_whose_store_fails_is_not_well() {
    let server = Server::start().await;
    server.lose("user_agent");
    let url = format!("{}health", server.service.endpoint_url());
    let answer = server.request(Method::GET, &url, &[], "").await;
    assert_eq!((answer.status, answer.json()), (503, json!({"status": "ERROR"})));
}

#[tokio::test]
async fn a_known_user_agent_gets_no_fresh_uaid_because_the_store_fails() {
    let (server, user_agent, _endpoint) = paired().await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    server.lose("user_agent");
    let mut user_agent = server.connect().await;
    user_agent.send(json!({"messageType": "hello", "uaid": uaid})).await;
    assert_eq!(user_agent.closed().await, (1011, "SM".to_owned()));
}

#[tokio::test]
async fn a_user_agent_whose_messages_cannot_be_read_is_sent_away_to_come_again() {
    let (server, user_agent, _endpoint) = paired().await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    server.lose("message");
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    assert_eq!((user_agent.closed().await, user_agent.uaid), ((1011, "SM".to_owned()), uaid));
}

#[tokio::test]
async fn a_channel_that_cannot_be_stored_or_given_up_is_reported_and_the_connection_stays() {
    let (server, mut user_agent, _endpoint) = paired().await;
    server.lose("channel");
    let reply = user_agent.try_register(OTHER_CHANNEL, None).await;
    let expected =
        json!({"messageType": "register", "channelID": OTHER_CHANNEL, "status": 500, "pushEndpoint": ""});
    assert_eq!(reply, expected);
    let reply = user_agent.unregister(CHANNEL).await;
    assert_eq!(reply, json!({"messageType": "unregister", "channelID": CHANNEL, "status": 500}));
    user_agent.settle().await;
}
