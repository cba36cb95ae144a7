//! What takes a notification off the screen, and what becomes of those that outlast the receiver.

use anyhow::Result;
use belfry_tests::desk::{Desk, declarative, titled};
use belfry_tests::display::Display;
use belfry_tests::dunst::Dunst;
use belfry_tests::opener::Opened;
use belfry_tests::overheard::Overheard;
use serde_json::json;

/// Nextcloud's push of a notification with this number.
fn nextcloud(nid: u32, subject: &str) -> String {
    json!({ "nid": nid, "app": "files", "subject": subject, "type": "file", "id": "7" }).to_string()
}

#[tokio::test]
async fn what_home_assistant_dismisses_and_nextcloud_deletes_leaves_the_screen() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let home = belfry.add_site("Home", &["--url", "https://home.example"]).await?;
    let cloud = belfry.add_site("Cloud", &["--url", "https://cloud.example"]).await?;

    let data = json!({ "url": "/lovelace", "jwt": "eyJhbGciOi.J9.x" });
    let washing = json!({ "title": "Washing", "body": "Done", "tag": "washing", "data": data });
    desk.send(&home, &washing.to_string()).await?;
    let washing = desk.notifications.next().await?;
    desk.send(&cloud, &nextcloud(7, "Ada shared a file")).await?;
    let shared = desk.notifications.next().await?;
    desk.send(&cloud, &nextcloud(8, "Bo shared a file")).await?;
    let kept = desk.notifications.next().await?;
    assert_eq!((washing.summary.as_str(), shared.summary.as_str()), ("Washing", "Ada shared a file"));

    desk.send(&home, &json!({ "tag": "washing", "dismiss": true, "data": data }).to_string()).await?;
    assert_eq!(desk.notifications.withdrawn().await?, washing.id);
    desk.send(&cloud, &json!({ "nid": 7, "delete": true }).to_string()).await?;
    assert_eq!(desk.notifications.withdrawn().await?, shared.id);
    assert_eq!(desk.notifications.on_screen(), 1);
    desk.send(&cloud, &json!({ "delete-all": true }).to_string()).await?;
    assert_eq!(desk.notifications.withdrawn().await?, kept.id);
    assert!(belfry.json(["inbox", "--unread"]).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_is_read_or_deleted_in_the_inbox_leaves_the_screen() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    for command in ["read", "delete"] {
        desk.send(&subscription, &titled(command)).await?;
        let shown = desk.notifications.next().await?;
        let push = run.next("push").await?;
        belfry.command(["inbox", command, push["id"].as_str().unwrap()]).await?;
        assert_eq!(desk.notifications.withdrawn().await?, shown.id, "{command}");
    }
    Ok(())
}

#[tokio::test]
async fn after_a_restart_of_the_receiver_what_is_on_screen_works_as_before() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &["--url", "https://backups.example"]).await?;
    let tagged = |title: &str, tag: &str| declarative(title, &format!("/{title}"), json!({ "tag": tag }));
    let mut cards = Vec::new();
    let actions = json!([{ "action": "log", "title": "Show log", "navigate": "/log" }]);
    let linked = declarative("linked", "/linked", json!({ "actions": actions }));
    for document in [linked, tagged("10", "progress"), tagged("seen", "seen"), titled("offline")] {
        desk.send(&subscription, &document).await?;
        cards.push(desk.notifications.next().await?);
        run.next("push").await?;
    }
    let [linked, progress, seen, offline] = cards.try_into().unwrap();
    run.terminate().await?;
    // Without a receiver nobody can take it away.
    let entry = belfry.json(["inbox", "--search", "offline"]).await?.remove(0);
    belfry.command(["inbox", "read", entry["id"].as_str().unwrap()]).await?;

    let _run = desk.run(&belfry, &service).await?;
    assert_eq!(desk.notifications.withdrawn().await?, offline.id);
    desk.send(&subscription, &tagged("20", "progress")).await?;
    assert_eq!(desk.notifications.next().await?.replaces_id, progress.id);
    desk.send(&subscription, &json!({ "tag": "seen", "dismiss": true }).to_string()).await?;
    assert_eq!(desk.notifications.withdrawn().await?, seen.id);
    desk.notifications.click(&linked, Some("token")).await?;
    let opened = Opened {
        arguments: "https://backups.example/linked".to_owned(),
        activation_token: "token".to_owned(),
        startup_id: "token".to_owned(),
    };
    assert_eq!(desk.opener.next().await?, opened);
    Ok(())
}

/// Dunst tells of clicks only the connection that a notification came from, so those after a restart are not heard.
#[tokio::test]
async fn dunst_takes_away_what_is_withdrawn_or_read_after_a_restart_of_the_receiver() -> Result<()> {
    let mut desk = Desk::start().await?;
    desk.notifications.leave().await?;
    let _display = Display::start(&mut desk.session).await?;
    let dunst = Dunst::start(&desk.session).await?;
    let mut overheard = Overheard::start(&desk.session).await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let cloud = belfry.add_site("Cloud", &["--url", "https://cloud.example"]).await?;
    let mut ids = Vec::new();
    for (nid, title) in [(1, "Read here"), (2, "Deleted elsewhere")] {
        desk.send(&cloud, &nextcloud(nid, title)).await?;
        overheard.next(title).await?;
        ids.push(run.next("push").await?["id"].as_str().unwrap().to_owned());
    }
    run.terminate().await?;

    let _run = desk.run(&belfry, &service).await?;
    desk.send(&cloud, &json!({ "nid": 2, "delete": true }).to_string()).await?;
    overheard.closed().await?;
    assert_eq!(dunst.last_closed().await?.0, "Deleted elsewhere");
    belfry.command(["inbox", "read", &ids[0]]).await?;
    overheard.closed().await?;
    assert_eq!(dunst.last_closed().await?.0, "Read here");
    Ok(())
}
