//! wss and https, with a CA of the service's own and with certificate files.

use push_service::{Config, PushService, Tls};
use serde_json::json;
use url::Url;

use crate::support::{CHANNEL, UserAgent, client_tls, config, soon};

fn auto(folder: &std::path::Path) -> Config {
    Config { tls: Tls::Auto, ..config(folder) }
}

async fn push_through(service: &PushService, ca: &std::path::Path) {
    assert_eq!(service.websocket_url().scheme(), "wss");
    let mut user_agent =
        soon(UserAgent::connect_tls(service.address(), service.websocket_url(), ca)).await.unwrap();
    user_agent.hello(json!(null)).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    assert!(endpoint.starts_with("https://"));
    let http =
        reqwest::Client::builder().no_proxy().tls_backend_preconfigured(client_tls(ca)).build().unwrap();
    let answer = soon(http.post(endpoint).header("ttl", "60").send()).await.unwrap();
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.ends_with(&user_agent.version().await));
}

#[tokio::test]
async fn a_push_travels_over_https_and_wss_with_the_local_ca() {
    let folder = tempfile::tempdir().unwrap();
    let service = PushService::start(auto(folder.path())).await.unwrap();
    push_through(&service, service.ca().unwrap()).await;
}

#[tokio::test]
async fn the_local_ca_is_trusted_once_and_for_all_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let service = PushService::start(auto(folder.path())).await.unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(service.ca().unwrap(), ca.path()).unwrap();
    service.shutdown().await;
    let service = PushService::start(auto(folder.path())).await.unwrap();
    push_through(&service, ca.path()).await;
}

#[tokio::test]
async fn the_certificate_covers_this_computer_and_the_public_host_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let public_url = Some(Url::parse("https://push.example.org/").unwrap());
    let service = PushService::start(Config { public_url, ..auto(folder.path()) }).await.unwrap();
    for (host, covered) in [
        ("push.example.org", true),
        ("localhost", true),
        ("127.0.0.1", true),
        ("[::1]", true),
        ("other.example.org", false),
        ("192.0.2.1", false),
    ] {
        let url = Url::parse(&format!("wss://{host}/")).unwrap();
        let connected = soon(UserAgent::connect_tls(service.address(), &url, service.ca().unwrap())).await;
        assert_eq!(connected.is_ok(), covered, "{host}");
    }
}

#[tokio::test]
async fn certificate_files_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Tls::Files { cert: cert.clone(), key };
    let service = PushService::start(Config { tls, ..config(folder.path()) }).await.unwrap();
    assert_eq!(service.ca(), None);
    push_through(&service, &cert).await;
}

#[tokio::test]
async fn who_does_not_trust_the_ca_does_not_connect() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let service = PushService::start(auto(folder.path())).await.unwrap();
    let stranger = PushService::start(auto(other.path())).await.unwrap();
    let refused =
        soon(UserAgent::connect_tls(service.address(), service.websocket_url(), stranger.ca().unwrap()))
            .await;
    assert!(refused.is_err());
}
