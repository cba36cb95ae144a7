//! Application servers with their own libraries reach the desktop.

use anyhow::Result;
use belfry_tests::desk::{Desk, declarative};
use belfry_tests::notifications::Shown;
use belfry_tests::senders::{Sender, Sending, vapid_key};
use serde_json::json;

const TITLE: &str = "Backup finished – 42 GB";
const BODY: &str = "It took 12 minutes.\nNext one: tomorrow.";

fn document() -> String {
    let actions = json!([
        { "action": "log", "title": "Show log", "navigate": "https://backups.example/log" },
        { "action": "again", "title": "Run again", "navigate": "https://backups.example/again" },
    ]);
    declarative(TITLE, "https://backups.example/42", json!({ "body": BODY, "actions": actions }))
}

fn assert_is_the_document(shown: &Shown) {
    assert_eq!(shown.summary, TITLE);
    assert!(shown.body.ends_with(BODY), "{}", shown.body);
    assert!(shown.body.contains("Backups"), "the site is named: {}", shown.body);
    assert_eq!(shown.buttons(), ["Show log", "Run again"]);
    assert!(shown.is_clickable());
}

/// Sends by this library to subscriptions printed by `belfry site add`: one for everybody, and one for this sender only.
async fn is_shown(sender: Sender, tls: bool) -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = if tls { desk.tls_service().await? } else { desk.service().await? };
    assert_eq!(service.ca.is_some(), tls);
    let belfry = desk.profile("p")?.trusting(service.ca.as_deref());
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    assert_eq!(subscription.endpoint().starts_with("https://"), tls);

    let document = document();
    let open = Sending {
        subscription: &subscription,
        payload: &document,
        ca: service.ca.as_deref(),
        vapid_key: None,
    };
    sender.send(&desk.session, &open).await?;
    assert_is_the_document(&desk.notifications.next().await?);

    let (key, public) = vapid_key(&desk.session, "sender.pem")?;
    let (other_key, _) = vapid_key(&desk.session, "other.pem")?;
    let restricted = belfry.add_site("Backups, restricted", &["--vapid-key", &public]).await?;
    let signed = |key| Sending { subscription: &restricted, vapid_key: key, ..open };
    assert!(sender.send(&desk.session, &signed(None)).await.is_err(), "an unsigned push was accepted");
    assert!(
        sender.send(&desk.session, &signed(Some(&other_key))).await.is_err(),
        "another sender was accepted"
    );
    sender.send(&desk.session, &signed(Some(&key))).await?;
    assert_is_the_document(&desk.notifications.next().await?);
    assert!(desk.notifications.already_shown().is_none());
    Ok(())
}

#[tokio::test]
async fn what_pywebpush_sends_over_http_is_shown() -> Result<()> {
    is_shown(Sender::Pywebpush, false).await
}

#[tokio::test]
async fn what_pywebpush_sends_over_https_is_shown() -> Result<()> {
    is_shown(Sender::Pywebpush, true).await
}

#[tokio::test]
async fn what_web_push_for_node_sends_over_https_is_shown() -> Result<()> {
    is_shown(Sender::NodeWebPush, true).await
}

#[tokio::test]
async fn what_the_web_push_crate_sends_over_https_is_shown() -> Result<()> {
    is_shown(Sender::RustWebPush, true).await
}

/// Apprise has no options for a click or for buttons: it sends text, always signed, to https alone.
#[tokio::test]
async fn what_apprise_sends_over_https_is_shown() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.tls_service().await?;
    let belfry = desk.profile("p")?.trusting(service.ca.as_deref());
    let _run = desk.run(&belfry, &service).await?;
    let (key, public) = vapid_key(&desk.session, "sender.pem")?;
    let (other_key, _) = vapid_key(&desk.session, "other.pem")?;
    for options in [&[][..], &["--vapid-key", &public]] {
        let subscription = belfry.add_site("Backups", options).await?;
        let payload = format!("{TITLE}\n{BODY}");
        let signed = |key| Sending {
            subscription: &subscription,
            payload: &payload,
            ca: service.ca.as_deref(),
            vapid_key: Some(key),
        };
        Sender::Apprise.send(&desk.session, &signed(&key)).await?;
        let shown = desk.notifications.next().await?;
        assert_eq!(shown.summary, TITLE);
        assert!(shown.body.ends_with(BODY), "{}", shown.body);
        let other = Sender::Apprise.send(&desk.session, &signed(&other_key)).await;
        if options.is_empty() {
            other?;
            desk.notifications.next().await?;
        } else {
            assert!(other.is_err(), "another sender was accepted");
        }
        belfry.command(["site", "remove", "Backups", "--yes"]).await?;
    }
    assert!(desk.notifications.already_shown().is_none());
    Ok(())
}

#[tokio::test]
async fn what_belfry_sends_is_shown() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &document()).await?;
    assert_is_the_document(&desk.notifications.next().await?);

    let arguments =
        ["send", "--to", "-", "--title", TITLE, "--body", BODY, "--navigate", "https://backups.example/"];
    belfry.feed(arguments, &subscription.line).await?;
    let shown = desk.notifications.next().await?;
    assert_eq!(shown.summary, TITLE);
    assert!(shown.body.ends_with(BODY), "{}", shown.body);
    assert!(shown.is_clickable() && shown.buttons().is_empty());
    Ok(())
}

#[tokio::test]
async fn plain_text_and_flat_json_are_shown_too() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    for (payload, title, body) in [
        (r#"{"title":"Flat","body":"JSON","url":"https://example.com/"}"#, "Flat", "JSON"),
        ("First line\nSecond line", "First line", "Second line"),
    ] {
        let sending = Sending { subscription: &subscription, payload, ca: None, vapid_key: None };
        Sender::Pywebpush.send(&desk.session, &sending).await?;
        let shown = desk.notifications.next().await?;
        assert_eq!(shown.summary, title);
        assert!(shown.body.ends_with(body), "{}", shown.body);
    }
    Ok(())
}
