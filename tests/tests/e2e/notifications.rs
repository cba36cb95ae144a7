//! How pushes look to the desktop's notification server.

use anyhow::Result;
use belfry_tests::desk::{Desk, declarative, titled};
use serde_json::json;

#[tokio::test]
async fn a_newer_notification_with_the_same_tag_replaces_the_one_on_screen() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let backups = belfry.add_site("Backups", &[]).await?;
    let other = belfry.add_site("Other", &[]).await?;
    let tagged = |title: &str| {
        declarative(title, &format!("https://example.com/{title}"), json!({ "tag": "progress" }))
    };
    desk.send(&backups, &tagged("10")).await?;
    let first = desk.notifications.next().await?;
    desk.send(&other, &tagged("elsewhere")).await?;
    let elsewhere = desk.notifications.next().await?;
    desk.send(&backups, &tagged("20")).await?;
    let second = desk.notifications.next().await?;
    assert_eq!((first.replaces_id, elsewhere.replaces_id, second.replaces_id), (0, 0, first.id));
    assert_eq!((second.id, desk.notifications.on_screen()), (first.id, 2));

    desk.notifications.click(&second, None).await?;
    assert_eq!(desk.opener.next().await?.arguments, "https://example.com/20");
    Ok(())
}

#[tokio::test]
async fn what_looks_like_markup_is_shown_as_it_was_written() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let document = declarative("1 & 2", "https://example.com/", json!({ "body": "<b>1</b> & <img src=x>" }));
    desk.send(&subscription, &document).await?;
    let shown = desk.notifications.next().await?;
    assert_eq!(shown.summary, "1 & 2");
    assert!(shown.body.ends_with("&lt;b&gt;1&lt;/b&gt; &amp; &lt;img src=x&gt;"), "{}", shown.body);
    Ok(())
}

#[tokio::test]
async fn a_server_that_can_do_little_is_asked_for_little() -> Result<()> {
    let mut desk = Desk::with_capabilities(&["body"]).await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let actions = json!([{ "action": "a", "title": "A", "navigate": "https://example.com/a" }]);
    let members = json!({ "body": "<b>1</b> & 2", "actions": actions });
    desk.send(&subscription, &declarative("Title", "https://example.com/", members)).await?;
    let shown = desk.notifications.next().await?;
    assert!(shown.body.ends_with("<b>1</b> & 2"), "{}", shown.body);
    assert!(shown.actions.is_empty() && !shown.has_sound());
    Ok(())
}

#[tokio::test]
async fn a_push_that_comes_while_nothing_shows_notifications_is_shown_later() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.notifications.leave().await?;
    desk.send(&subscription, &titled("Late")).await?;
    // Whoever listens hears of it at once.
    assert_eq!(run.next("push").await?["title"], "Late");
    assert_eq!(run.next("failed").await?["site"], "Backups");
    desk.notifications.come_back().await?;
    assert_eq!(desk.notifications.next().await?.summary, "Late");
    Ok(())
}

#[tokio::test]
async fn after_the_server_has_restarted_notifications_are_shown_and_clicked_as_before() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &titled("Before")).await?;
    desk.notifications.next().await?;
    desk.notifications.leave().await?;
    desk.notifications.come_back().await?;
    desk.send(&subscription, &titled("After")).await?;
    let shown = desk.notifications.next().await?;
    desk.notifications.click(&shown, None).await?;
    assert_eq!(desk.opener.next().await?.arguments, "https://example.com/after");
    Ok(())
}

#[tokio::test]
async fn the_portable_notifier_shows_title_body_and_buttons() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", &service.websocket, "--notify", "portable"])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let actions = json!([{ "action": "a", "title": "Show log", "navigate": "https://example.com/log" }]);
    let members = json!({ "body": "42 GB", "actions": actions });
    desk.send(&subscription, &declarative("Portable", "https://example.com/", members)).await?;
    let shown = desk.notifications.next().await?;
    assert_eq!(shown.summary, "Portable");
    assert!(shown.body.ends_with("42 GB"), "{}", shown.body);
    assert_eq!(shown.buttons(), ["Show log"]);
    assert!(shown.is_clickable());
    Ok(())
}

#[tokio::test]
async fn with_notifications_switched_off_a_push_is_recorded() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", &service.websocket, "--notify", "none"])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &titled("Silent")).await?;
    let push = run.next("push").await?;
    assert_eq!((&push["title"], &push["disposition"]), (&json!("Silent"), &json!("recorded")));
    assert!(desk.notifications.already_shown().is_none());
    Ok(())
}
