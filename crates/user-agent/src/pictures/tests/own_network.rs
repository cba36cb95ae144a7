//! A network with public addresses, which this computer and its neighbours have.

use std::net::Ipv6Addr;

use super::server::{Server, file};
use super::*;
use crate::network::tests::{ip, is_in_own_network};

#[tokio::test]
async fn nobody_on_the_same_network_is_asked_whatever_their_address() {
    let test = "pictures::tests::own_network::nobody_on_the_same_network_is_asked_whatever_their_address";
    if !is_in_own_network(test).await {
        return;
    }
    ip("link set lo up").await;
    ip("address add 8.8.8.8/32 dev lo").await;
    ip("address add 2606:4700:1:2::8/128 dev lo nodad").await;
    // What plays another computer is reached from the address of this one.
    for other in ["8.8.8.9", "9.9.9.9"] {
        ip(&format!("route add local {other} dev lo src 8.8.8.8 table local")).await;
    }
    for other in ["2606:4700:1:2::9", "2606:4700:1:3::9"] {
        ip(&format!("-6 route add local {other} dev lo src 2606:4700:1:2::8 table local")).await;
    }
    let server = Server::start_at(Ipv6Addr::UNSPECIFIED.into(), |_| file(&png())).await;
    let port = server.port();
    for near in ["8.8.8.8", "8.8.8.9", "2606:4700:1:2::8", "2606:4700:1:2::9"] {
        let named = with("none", lookup(&[near]), LONG);
        let host = if near.contains(':') { format!("[{near}]") } else { near.to_owned() };
        for host in ["near.example", &host] {
            let url = format!("http://{host}:{port}/near.png");
            assert_eq!(of_anyone(&named, &url).await, Err(Refusal::Unreachable), "{near} by {host}");
        }
        let own = Url::parse(&format!("http://near.example:{port}/own.png")).unwrap();
        assert!(of_site(&named, &own, &own).await.is_ok(), "{near} is the site itself");
    }
    for far in ["9.9.9.9", "2606:4700:1:3::9"] {
        let url = format!("http://far.example:{port}/far.png");
        assert!(of_anyone(&with("none", lookup(&[far]), LONG), &url).await.is_ok(), "{far}");
    }
    assert!(!server.asked().iter().any(|head| head.contains("near.png")), "{:?}", server.asked());
}
