//! Pairing a script in three commands, as the command line's contract has it.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;
use belfry_tests::desk::{Desk, titled};
use belfry_tests::keyring;
use belfry_tests::senders::vapid_key;
use serde_json::json;

#[tokio::test]
async fn a_site_is_added_while_the_receiver_runs_and_after_it_has_stopped() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    assert!(service.websocket.starts_with("ws://127.0.0.1:") && service.websocket.ends_with('/'));
    assert!(service.endpoint.starts_with("http://127.0.0.1:") && service.endpoint.ends_with('/'));
    let belfry = desk.profile("p")?;

    let mut run = belfry.run(&["--push-service", &service.websocket])?;
    let connected = run.next("connected").await?;
    assert_eq!(connected, json!({ "event": "connected", "push_service": service.websocket, "uaid": "new" }));
    let backups = belfry.add_site("Backups", &[]).await?;
    assert!(backups.endpoint().starts_with(&format!("{}wpush/", service.endpoint)), "{}", backups.endpoint());
    run.terminate().await?;

    // The push service given to `run` has become the profile's.
    let builds = belfry.add_site("Builds", &[]).await?;
    assert_ne!(backups.endpoint(), builds.endpoint());
    assert!(builds.endpoint().starts_with(&service.endpoint), "{}", builds.endpoint());

    let mut run = belfry.run(&[])?;
    assert_eq!(run.next("connected").await?["uaid"], "kept");
    for (subscription, name) in [(&backups, "Backups"), (&builds, "Builds")] {
        desk.send(subscription, &titled(name)).await?;
        let push = run.next("push").await?;
        assert_eq!((&push["site"], &push["title"]), (&json!(name), &json!(name)));
        assert_eq!((&push["disposition"], &push["body"]), (&json!("shown"), &json!("")));
        let link = format!("https://example.com/{}", name.to_lowercase());
        assert_eq!(push["navigate"], json!(link));
        assert!(push["id"].is_string());
        let received_at = push["received_at"].as_str().unwrap();
        assert!(received_at.len() == 24 && received_at.ends_with('Z'), "milliseconds in UTC: {received_at}");
        assert_eq!(desk.notifications.next().await?.summary, name);
    }
    Ok(())
}

#[tokio::test]
async fn a_restricted_subscription_refuses_everybody_else_and_says_so() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let (key, public) = vapid_key(&desk.session, "sender.pem")?;
    let (other, _) = vapid_key(&desk.session, "other.pem")?;
    let subscription = belfry.add_site("Backups", &["--vapid-key", &public]).await?;
    assert_eq!(belfry.json(["site", "show", "Backups"]).await?[0]["vapid_key"], json!(public));

    let to = desk.session.file("restricted.json", &subscription.line)?;
    let to = to.to_str().unwrap();
    let send = ["send", "--to", to, "--title", "Restricted", "--navigate", "https://example.com/"];
    assert_eq!(belfry.error_code(send).await?, "rejected");
    let signed = |key: &Path| {
        let signing = [OsString::from("--vapid-key"), key.into()];
        send.into_iter().map(OsString::from).chain(signing).collect::<Vec<_>>()
    };
    assert_eq!(belfry.error_code(signed(&other)).await?, "rejected");
    belfry.command(signed(&key)).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Restricted");
    assert!(desk.notifications.already_shown().is_none());
    Ok(())
}

#[tokio::test]
async fn without_a_push_service_adding_a_site_fails_and_leaves_nothing_behind() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let websocket = service.websocket.clone();
    service.kill().await?;
    let belfry = desk.profile("p")?;
    let add = ["site", "add", "Backups", "--push-service", &websocket];
    assert_eq!(belfry.error_code(add).await?, "offline");
    assert!(belfry.json(["site", "list"]).await?.is_empty());
    let items = keyring::items(desk.session.bus()).await?;
    assert_eq!(items.len(), 1, "only the database's key: {items:?}");
    Ok(())
}

#[tokio::test]
async fn names_that_are_taken_or_impossible_are_refused() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    belfry.add_site("Backups", &[]).await?;
    assert_eq!(belfry.error_code(["site", "add", "backups"]).await?, "exists");
    for arguments in [vec!["site", "add", ""], vec!["site", "add", "Other", "--url", "ftp://example.com/"]] {
        let output = belfry.output(["--json"].into_iter().chain(arguments.clone())).await?;
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {output:?}");
    }
    assert_eq!(belfry.json(["site", "list"]).await?.len(), 1);
    Ok(())
}
