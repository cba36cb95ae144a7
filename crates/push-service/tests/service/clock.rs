//! What goes by the time of day, with a clock of the test's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use push_service::{Clock, Config};
use url::Url;

use crate::support::{CHANNEL, OTHER_CHANNEL, Server, UserAgent, config};

/// The example of RFC 8292 §2.4.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
const KEY: &str = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
const EXPIRES: u64 = 1_453_523_768;

/// Seconds since the epoch, whatever the system says.
#[derive(Clone)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn stopped_at(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::new(move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst)))
    }
}

/// A service known as https://push.example.net, and an endpoint where it listens.
async fn service(time: &Time, channel: &str, key: Option<&str>) -> (Server, UserAgent, String) {
    let public_url = Some(Url::parse("https://push.example.net/").unwrap());
    let server = Server::start_by(time.clock(), |data| Config { public_url, ..config(data) }).await;
    let listen = format!("ws://{}/", server.service.address()).parse().unwrap();
    let (mut user_agent, _) = UserAgent::connect(&listen, None).await.unwrap();
    user_agent.hello(serde_json::json!(null)).await;
    let endpoint = user_agent.register(channel, key).await;
    let path = endpoint.strip_prefix("https://push.example.net/").unwrap();
    let endpoint = format!("http://{}/{path}", server.service.address());
    (server, user_agent, endpoint)
}

#[tokio::test]
async fn the_example_of_rfc_8292_is_accepted_while_it_is_valid() {
    let time = Time::stopped_at(EXPIRES);
    let (server, _user_agent, endpoint) = service(&time, CHANNEL, Some(KEY)).await;
    let signed = format!("vapid t={TOKEN}, k={KEY}");
    for (now, expected) in [
        (EXPIRES - 86_401, 401),
        (EXPIRES - 86_400, 201),
        (EXPIRES, 201),
        (EXPIRES + 60, 201),
        (EXPIRES + 61, 401),
    ] {
        time.set(now);
        let answer = server.post(&endpoint, &[("ttl", "60"), ("authorization", &signed)], "").await;
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_stored_message_is_kept_for_its_ttl_from_the_moment_it_was_accepted() {
    let time = Time::stopped_at(EXPIRES);
    let (server, user_agent, endpoint) = service(&time, OTHER_CHANNEL, None).await;
    let uaid = user_agent.uaid.clone();
    user_agent.close().await;
    server.push(&endpoint, "60", "expires first").await;
    time.set(EXPIRES + 1);
    let kept = server.push(&endpoint, "60", "expires a second later").await;
    let longest = server.push(&endpoint, "99999999999", "kept for 30 days").await;

    time.set(EXPIRES + 60);
    let listen = format!("ws://{}/", server.service.address()).parse().unwrap();
    let (mut user_agent, _) = UserAgent::connect(&listen, None).await.unwrap();
    user_agent.hello(serde_json::json!(uaid)).await;
    assert_eq!(user_agent.versions(2).await, [kept, longest.clone()]);
    user_agent.expect_nothing_else(&server, &endpoint).await;
    user_agent.close().await;

    for (now, expected) in [(EXPIRES + 2_592_000, vec![longest]), (EXPIRES + 2_592_001, Vec::new())] {
        time.set(now);
        let (mut user_agent, _) = UserAgent::connect(&listen, None).await.unwrap();
        user_agent.hello(serde_json::json!(uaid)).await;
        assert_eq!(user_agent.versions(expected.len()).await, expected);
        user_agent.expect_nothing_else(&server, &endpoint).await;
        user_agent.close().await;
    }
}
