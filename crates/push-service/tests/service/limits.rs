//! Who asks too often is told when to come again.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use push_service::{Config, RateLimits};

use crate::support::{CHANNEL, OTHER_CHANNEL, Server, config};

async fn limited(per_endpoint: u32, per_address: u32, trusted_proxies: Vec<IpAddr>) -> Server {
    let [per_endpoint, per_address] = [per_endpoint, per_address].map(|n| NonZeroU32::new(n).unwrap());
    let rate_limits = Some(RateLimits { per_endpoint, per_address });
    Server::start_with(|data| Config { rate_limits, trusted_proxies, ..config(data) }).await
}

#[tokio::test]
async fn an_endpoint_takes_so_many_messages_and_others_are_not_concerned() {
    let server = limited(2, 1000, Vec::new()).await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    let other = user_agent.register(OTHER_CHANNEL, None).await;
    let unsigned = [("ttl", "60"), ("authorization", "Basic eA==")];
    for _ in 0..3 {
        assert_eq!(server.post(&endpoint, &unsigned, "").await.status, 401, "costs the endpoint nothing");
    }
    let accepted = [server.push(&endpoint, "60", "a").await, server.push(&endpoint, "60", "b").await];
    let answer = server.post(&endpoint, &[("ttl", "60")], "").await;
    assert_eq!(answer.refusal(), (429, None));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let elsewhere = server.push(&other, "60", "c").await;
    assert_eq!(user_agent.versions(3).await, [&accepted[..], &[elsewhere]].concat());
}

#[tokio::test]
async fn an_address_asks_so_often_whatever_for() {
    let server = limited(1000, 3, Vec::new()).await;
    let _connection = server.connect().await;
    let url = format!("{}health", server.service.endpoint_url());
    let forged = [("x-forwarded-for", "198.51.100.7")];
    for expected in [200, 200, 429] {
        let answer = server.request(reqwest::Method::GET, &url, &forged, "").await;
        assert_eq!(answer.status, expected);
        assert_eq!(answer.header("retry-after").is_some(), expected == 429);
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_clients_are_told_apart() {
    let server = limited(1000, 1, vec![Ipv4Addr::LOCALHOST.into()]).await;
    let url = format!("{}health", server.service.endpoint_url());
    for (client, expected) in [("198.51.100.7", 200), ("198.51.100.8", 200), ("198.51.100.7", 429)] {
        let answer = server.request(reqwest::Method::GET, &url, &[("x-forwarded-for", client)], "").await;
        assert_eq!(answer.status, expected, "{client}");
    }
}
