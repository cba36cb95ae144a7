//! What clicks open, and what they do not.

use anyhow::Result;
use belfry_tests::desk::{Desk, declarative, titled};
use belfry_tests::opener::Opened;
use serde_json::json;

fn opened(url: &str, token: &str) -> Opened {
    Opened { arguments: url.to_owned(), activation_token: token.to_owned(), startup_id: token.to_owned() }
}

#[tokio::test]
async fn a_click_opens_the_link_once_and_lets_the_browser_come_to_the_front() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;

    let first = "https://example.com/backups?id=42&x=%20$(id);%22#end";
    desk.send(&subscription, &declarative("First", first, json!({}))).await?;
    desk.send(&subscription, &titled("Second")).await?;
    let (one, other) = (desk.notifications.next().await?, desk.notifications.next().await?);
    assert_eq!((one.summary.as_str(), other.summary.as_str()), ("First", "Second"));
    assert_ne!(one.id, other.id);

    desk.notifications.click(&one, Some("token-1")).await?;
    assert_eq!(desk.opener.next().await?, opened(first, "token-1"));
    // Had the first click opened anything twice, that would come before this. Its token is not used again either.
    desk.notifications.click(&other, None).await?;
    assert_eq!(desk.opener.next().await?, opened("https://example.com/second", ""));
    Ok(())
}

#[tokio::test]
async fn each_button_opens_its_own_link() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let actions = json!([
        { "action": "default", "title": "Show log", "navigate": "https://example.com/log" },
        { "action": "0", "title": "Run again", "navigate": "https://example.com/again" },
    ]);
    let document = declarative("Backup", "https://example.com/", json!({ "actions": actions }));
    for (label, url) in [("Run again", "https://example.com/again"), ("Show log", "https://example.com/log")]
    {
        desk.send(&subscription, &document).await?;
        let shown = desk.notifications.next().await?;
        desk.notifications.press(&shown, label).await?;
        assert_eq!(desk.opener.next().await?, opened(url, ""));
    }
    Ok(())
}

#[tokio::test]
async fn a_link_that_is_no_web_page_opens_nothing_and_is_reported() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    belfry.command(["site", "set", "Backups", "burst=off"]).await?;
    for link in ["javascript:alert(1)", "file:///etc/passwd"] {
        desk.send(&subscription, &declarative("Bad link", link, json!({}))).await?;
        let shown = desk.notifications.next().await?;
        assert_eq!(shown.summary, "Bad link");
        assert!(!shown.is_clickable(), "a click would open nothing");
        desk.notifications.invoke_unoffered(&shown, "default").await?;
        let scheme = link.split(':').next().unwrap();

        let actions = json!([{ "action": "a", "title": "Bad", "navigate": link }]);
        desk.send(
            &subscription,
            &declarative("Bad button", "https://example.com/good", json!({ "actions": actions })),
        )
        .await?;
        let shown = desk.notifications.next().await?;
        if shown.key("Bad").is_ok() {
            desk.notifications.press(&shown, "Bad").await?;
            let failed = run.next("failed").await?;
            assert_eq!(failed["site"], "Backups");
            assert!(failed["reason"].as_str().unwrap().contains(scheme), "{failed}");
        }
        // Whatever a bad link had opened would come before this.
        desk.send(&subscription, &titled("Good")).await?;
        let good = desk.notifications.next().await?;
        desk.notifications.click(&good, None).await?;
        assert_eq!(desk.opener.next().await?, opened("https://example.com/good", ""));
    }
    Ok(())
}

#[tokio::test]
async fn a_click_marks_the_message_read() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &titled("Read")).await?;
    let shown = desk.notifications.next().await?;
    assert_eq!(belfry.json(["inbox", "--unread"]).await?.len(), 1);
    desk.notifications.click(&shown, None).await?;
    desk.opener.next().await?;
    assert!(belfry.json(["inbox", "--unread"]).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_relative_link_belongs_to_the_sites_origin() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &["--url", "https://backups.example"]).await?;
    desk.send(&subscription, &declarative("Relative", "/today?x=1", json!({}))).await?;
    let shown = desk.notifications.next().await?;
    assert!(shown.body.contains("backups.example"), "its origin is shown: {:?}", shown.body);
    desk.notifications.click(&shown, None).await?;
    assert_eq!(desk.opener.next().await?, opened("https://backups.example/today?x=1", ""));
    Ok(())
}
