//! Who may become a user agent, where that takes a token.

use push_service::Config;
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite;

use crate::support::{CHANNEL, Server, UserAgent, config};

const TOKEN: &str = "a-token-that-nobody-guesses";

async fn guarded() -> Server {
    Server::start_with(|data| Config { registration_token: Some(TOKEN.parse().unwrap()), ..config(data) })
        .await
}

#[tokio::test]
async fn whoever_knows_the_token_is_served_like_anyone() {
    let server = guarded().await;
    let url = server.service.websocket_url().join(TOKEN).unwrap();
    let (mut user_agent, _) = UserAgent::connect(&url, None).await.unwrap();
    user_agent.hello(json!(null)).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    assert!(!endpoint.contains(TOKEN), "senders learn the endpoint");
    let version = server.push(&endpoint, "60", "x").await;
    assert_eq!(user_agent.version().await, version);
}

#[tokio::test]
async fn without_the_token_there_is_nothing() {
    let server = guarded().await;
    for path in ["", "a-token-that-nobody-guesse", "a-token-that-nobody-guesses0", "%FF", "health/", "x/y"] {
        let url = server.service.websocket_url().join(path).unwrap();
        match UserAgent::connect(&url, None).await {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 404, "{path:?}"),
            Err(other) => panic!("{path:?}: {other}"),
            Ok(_) => panic!("{path:?} was let in"),
        }
        let url = server.service.endpoint_url().join(path).unwrap();
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = server.request(method, url.as_str(), &[], "").await;
            assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path:?}");
        }
    }
}
