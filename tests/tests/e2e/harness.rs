//! The harness itself: what it records is what happened, so that the other tests can fail.

use std::collections::HashMap;

use anyhow::Result;
use belfry_tests::desk::Desk;
use belfry_tests::keyring;
use belfry_tests::opener::Opened;
use belfry_tests::process::{self, find_program};
use futures_util::StreamExt as _;
use zbus::Proxy;
use zbus::zvariant::Value;

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";

#[tokio::test]
async fn a_notification_is_recorded_as_it_was_sent_and_a_click_is_reported_to_its_sender() -> Result<()> {
    let mut desk = Desk::start().await?;
    let client = desk.session.connect().await?;
    let proxy = Proxy::new(&client, NOTIFICATIONS, "/org/freedesktop/Notifications", NOTIFICATIONS).await?;
    let mut signals = proxy.receive_all_signals().await?;
    let hints = HashMap::from([("suppress-sound", Value::from(true)), ("urgency", Value::from(1u8))]);
    let actions = vec!["default", "Open", "1", "Archive"];
    let arguments = ("belfry", 0u32, "", "Title", "Body", actions, hints, -1i32);
    let id: u32 = proxy.call("Notify", &arguments).await?;

    let shown = desk.notifications.next().await?;
    assert_eq!((shown.id, shown.summary.as_str(), shown.body.as_str()), (id, "Title", "Body"));
    assert_eq!(shown.sender, client.unique_name().unwrap().as_str());
    assert!(shown.is_clickable() && shown.is_silenced() && !shown.has_sound());
    assert_eq!(shown.buttons(), ["Archive"]);
    assert!(desk.notifications.press(&shown, "Delete").await.is_err());

    desk.notifications.click(&shown, Some("token")).await?;
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(signals.next().await.unwrap().header().member().unwrap().to_string());
    }
    assert_eq!(names, ["ActivationToken", "ActionInvoked", "NotificationClosed"]);
    assert_eq!(desk.notifications.on_screen(), 0);
    Ok(())
}

#[tokio::test]
async fn the_stand_in_browser_reports_every_call() -> Result<()> {
    let mut desk = Desk::start().await?;
    desk.session.set("XDG_ACTIVATION_TOKEN", "token");
    for url in ["https://example.com/?a=1&b=%20'\"", "https://example.org/"] {
        let script = "exec xdg-open \"$1\"";
        let shell = find_program("sh")?;
        let output = process::run(&shell, ["-c", script, "sh", url], desk.session.environment(), b"").await?;
        process::succeeded("sh", &output)?;
        let expected = Opened {
            arguments: url.to_owned(),
            activation_token: "token".to_owned(),
            startup_id: String::new(),
        };
        assert_eq!(desk.opener.next().await?, expected);
    }
    Ok(())
}

#[tokio::test]
async fn what_a_program_keeps_in_the_keyring_can_be_read_and_deleted() -> Result<()> {
    let desk = Desk::start().await?;
    assert!(keyring::items(desk.session.bus()).await?.is_empty());
    let record = r#"{"private":"AAEC","auth":"_w"}"#;
    for (user, secret) in [("p:database", "raw"), ("p:channel", record)] {
        let arguments = ["store", "--label=Test", "service", "belfry", "username", user];
        let tool = find_program("secret-tool")?;
        let output = process::run(&tool, arguments, desk.session.environment(), secret.as_bytes()).await?;
        process::succeeded("secret-tool", &output)?;
    }
    let items = keyring::items(desk.session.bus()).await?;
    assert_eq!(items.len(), 2);
    let keys: Vec<_> =
        items.iter().filter_map(|item| item.subscription_keys().transpose()).collect::<Result<_>>()?;
    assert_eq!(keys, [(vec![0, 1, 2], vec![255])]);
    for item in &items {
        keyring::delete(desk.session.bus(), item).await?;
    }
    assert!(keyring::items(desk.session.bus()).await?.is_empty());
    Ok(())
}
