//! What outlives the process, and what one data folder is good for.

use std::sync::Arc;

use push_service::{Config, PushService, StartError};
use url::Url;

use crate::support::{CHANNEL, Server, config, unhurried};

/// The same endpoint on a service that listens elsewhere now.
fn moved(endpoint: &str, server: &Server) -> String {
    let path = Url::parse(endpoint).unwrap().path().trim_start_matches('/').to_owned();
    format!("{}{path}", server.service.endpoint_url())
}

#[tokio::test]
async fn everything_accepted_is_delivered_after_a_crash() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    let uaid = user_agent.uaid.clone();
    let unacknowledged = server.push(&endpoint, "60", "sent, not acknowledged").await;
    assert_eq!(user_agent.version().await, unacknowledged);
    user_agent.close().await;
    let unsent = server.push(&endpoint, "60", "never sent").await;

    let server = server.crash_and_restart().await;
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    assert_eq!(user_agent.uaid, uaid);
    assert_eq!(user_agent.versions(2).await, [unacknowledged, unsent]);
    user_agent.expect_nothing_else(&server, &moved(&endpoint, &server)).await;
}

#[tokio::test]
async fn what_was_acknowledged_does_not_come_back_after_a_shutdown() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    let uaid = user_agent.uaid.clone();
    let version = server.push(&endpoint, "60", "x").await;
    assert_eq!(user_agent.version().await, version);
    user_agent.acknowledge(&[version]).await;
    user_agent.settle().await;
    let Server { service, folder, .. } = server;
    tokio::join!(service.shutdown(), user_agent.closed());
    assert!(!folder.path().join("push-service.sqlite3-wal").exists(), "everything is in the database");

    let server = Server::start_in(folder, unhurried()).await;
    let mut user_agent = server.user_agent(Some(&uaid)).await;
    user_agent.expect_nothing_else(&server, &moved(&endpoint, &server)).await;
}

#[tokio::test]
async fn one_data_folder_is_one_services() {
    let server = Server::start().await;
    let second = PushService::start(config(server.folder.path())).await;
    assert!(matches!(second.err(), Some(StartError::InUse(_))));
    let folder = Arc::clone(&server.folder);
    server.service.shutdown().await;
    Server::start_in(folder, unhurried()).await;
}

#[tokio::test]
async fn what_keeps_a_service_from_starting_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    let taken = server.service.address();
    let error = PushService::start(Config { listen: taken, ..config(folder.path()) }).await.err();
    assert!(matches!(error, Some(StartError::Bind { address, .. }) if address == taken));

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = PushService::start(config(&file)).await.err();
    assert!(matches!(error, Some(StartError::Data { path, .. }) if path == file));

    let public_url = Some(Url::parse("ftp://push.example.org/").unwrap());
    let error = PushService::start(Config { public_url, ..config(folder.path()) }).await.err();
    assert!(matches!(error, Some(StartError::PublicUrl(_))));
}

#[tokio::test]
async fn a_public_url_is_what_endpoints_and_locations_are_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let public_url = Some(Url::parse("https://push.example.org/belfry").unwrap());
    let service = PushService::start(Config { public_url, ..config(folder.path()) }).await.unwrap();
    assert_eq!(service.websocket_url().as_str(), "wss://push.example.org/belfry/");
    assert_eq!(service.endpoint_url().as_str(), "https://push.example.org/belfry/");
    assert_eq!(service.ca(), None);
    service.shutdown().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_is_its_owners_only_and_holds_no_endpoint() {
    use std::os::unix::fs::PermissionsExt as _;

    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("made/on/demand");
    let service = PushService::start(config(&data)).await.unwrap();
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    service.shutdown().await;

    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let endpoint = user_agent.register(CHANNEL, None).await;
    let token = endpoint.rsplit('/').next().unwrap().as_bytes();
    let mut found_channel = false;
    for file in std::fs::read_dir(server.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(token));
        found_channel |= holds(CHANNEL.as_bytes());
    }
    assert!(found_channel, "what is stored would be found this way");
}
