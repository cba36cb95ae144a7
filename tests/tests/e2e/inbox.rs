//! Looking at what has arrived.

use anyhow::Result;
use belfry_tests::belfry::Belfry;
use belfry_tests::desk::{Desk, declarative, titled};
use serde_json::{Value, json};

async fn titles(belfry: &Belfry, options: &[&str]) -> Result<Vec<String>> {
    let entries = belfry.json(["inbox"].into_iter().chain(options.iter().copied())).await?;
    Ok(entries.iter().map(|entry| entry["title"].as_str().unwrap_or_default().to_owned()).collect())
}

#[tokio::test]
async fn the_history_is_listed_filtered_read_and_deleted() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let backups = belfry.add_site("Backups", &[]).await?;
    let builds = belfry.add_site("Builds", &[]).await?;
    let mut ids = Vec::new();
    for (subscription, title) in [(&backups, "Disk one"), (&builds, "Build two"), (&backups, "Disk three")] {
        desk.send(
            subscription,
            &declarative(title, "https://example.com/", json!({ "body": "Größe 42 GB" })),
        )
        .await?;
        ids.push(run.next("push").await?["id"].as_str().unwrap().to_owned());
    }

    assert_eq!(titles(&belfry, &[]).await?, ["Disk three", "Build two", "Disk one"]);
    assert_eq!(titles(&belfry, &["--limit", "1"]).await?, ["Disk three"]);
    assert_eq!(titles(&belfry, &["--site", "Backups"]).await?, ["Disk three", "Disk one"]);
    assert_eq!(titles(&belfry, &["--search", "größe build"]).await?, ["Build two"]);
    assert_eq!(titles(&belfry, &["--search", "\"'*(-"]).await?, [""; 0]);
    assert_eq!(belfry.error_code(["inbox", "--site", "Nobody"]).await?, "not-found");
    let plain = belfry.command(["inbox"]).await?;
    assert!(plain.contains("Disk three") && plain.contains("Builds"), "{plain}");

    belfry.command(["inbox", "read", &ids[0], &ids[1]]).await?;
    assert_eq!(titles(&belfry, &["--unread"]).await?, ["Disk three"]);
    belfry.command(["inbox", "delete", &ids[2]]).await?;
    assert_eq!(titles(&belfry, &[]).await?, ["Build two", "Disk one"]);
    assert_eq!(belfry.error_code(["inbox", "delete", &ids[0], &ids[2]]).await?, "not-found");
    assert_eq!(titles(&belfry, &[]).await?, ["Build two", "Disk one"], "all or nothing");

    run.terminate().await?;
    assert_eq!(titles(&belfry, &[]).await?, ["Build two", "Disk one"], "without the receiver too");
    Ok(())
}

#[tokio::test]
async fn a_limit_deletes_what_is_there_only_with_a_yes() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    for title in ["One", "Two", "Three"] {
        desk.send(&subscription, &titled(title)).await?;
        run.next("push").await?;
    }
    let limit = ["config", "set", "history-per-site", "1"];
    // With the receiver, and without one.
    let refused = belfry.output(limit).await?;
    assert_eq!(refused.status.code(), Some(1));
    let reason = "belfry: history-per-site 1 would delete 2 messages for good: confirm with --yes\n";
    assert_eq!(String::from_utf8(refused.stderr)?, reason);
    run.terminate().await?;
    assert_eq!(belfry.error_code(limit).await?, "unconfirmed");
    assert_eq!(belfry.command(["config", "get", "history-per-site"]).await?.trim(), "10000");
    assert_eq!(titles(&belfry, &[]).await?, ["Three", "Two", "One"]);
    belfry.command(["config", "set", "history-per-site", "3"]).await?;
    belfry.command(limit.into_iter().chain(["--yes"])).await?;
    assert_eq!(titles(&belfry, &[]).await?, ["Three"]);
    Ok(())
}

#[tokio::test]
async fn an_entry_holds_what_was_sent() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let members = json!({
        "body": "Two\nlines", "tag": "disk", "image": "https://example.com/graph.png",
        "actions": [{ "action": "log", "title": "Show log", "navigate": "https://example.com/log" }],
    });
    let document = declarative("Disk", "https://example.com/disk", members);
    desk.send(&subscription, &document).await?;
    let push = run.next("push").await?;
    let id = push["id"].as_str().unwrap();

    let shown = &belfry.json(["inbox", "show", id]).await?[0];
    let expected = json!({
        "id": id, "site": "Backups", "received_at": push["received_at"], "title": "Disk", "body": "Two\nlines",
        "navigate": "https://example.com/disk", "image": "https://example.com/graph.png", "tag": "disk",
        "actions": [{ "title": "Show log", "navigate": "https://example.com/log" }],
        "read": false, "disposition": "shown", "failure": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
    let raw = belfry.command(["inbox", "show", id, "--raw"]).await?;
    assert_eq!(serde_json::from_str::<Value>(&raw)?, serde_json::from_str::<Value>(&document)?);
    assert_eq!(belfry.error_code(["inbox", "show", "999999"]).await?, "not-found");
    Ok(())
}

#[tokio::test]
async fn a_push_that_cannot_be_read_is_kept_as_a_failure_and_does_not_stop_the_others() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let response = belfry_tests::http()?
        .post(subscription.endpoint())
        .header("TTL", "60")
        .header("Content-Encoding", "aes128gcm")
        .body(vec![7; 200])
        .send()
        .await?;
    assert_eq!(response.status(), 201);
    assert_eq!(run.next("failed").await?["site"], "Backups");
    desk.send(&subscription, &titled("Readable")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Readable");
    let entries = belfry.json(["inbox"]).await?;
    assert_eq!(entries.len(), 2);
    assert!(entries[1]["failure"].is_string() && entries[0]["failure"].is_null(), "{entries:?}");
    Ok(())
}
