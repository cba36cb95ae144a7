//! The disk, misbehaving.

use std::fs;

use anyhow::{Context as _, Result};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::disk::Disk;
use belfry_tests::scan::files;
use serde_json::json;

#[tokio::test]
async fn on_a_full_disk_nothing_is_acknowledged_and_nothing_lost() -> Result<()> {
    if !Disk::is_possible() {
        eprintln!("not tested: mounting a small disk takes root");
        return Ok(());
    }
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let disk = Disk::mount(desk.session.folder().join("disk"), 24)?;
    let belfry = desk.profile_in(&disk.folder().join("p"))?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    belfry.command(["site", "set", "Backups", "burst=off"]).await?;
    desk.send(&subscription, &titled("Before")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Before");
    run.next("push").await?;
    disk.fill()?;
    let mut sent = Vec::new();
    for number in 0..3 {
        let title = format!("Full {number}");
        let body = "x".repeat(3000);
        let document =
            belfry_tests::desk::declarative(&title, "https://example.com/", json!({ "body": body }));
        desk.send(&subscription, &document).await?;
        sent.push(title);
    }
    let failed = run.next("failed").await?;
    assert!(failed["reason"].as_str().is_some_and(|reason| reason.contains("free some space")), "{failed}");
    let output = belfry.output(["--json", "doctor"]).await?;
    assert!(String::from_utf8(output.stdout)?.contains(r#""code":"disk-full""#));
    run.next("disconnected").await?;
    disk.empty()?;
    run.next("connected").await?;
    let mut shown = Vec::new();
    while shown.len() < sent.len() {
        shown.push(desk.notifications.next().await?.summary);
    }
    shown.sort();
    sent.sort();
    assert_eq!(shown, sent);
    assert_eq!(belfry.json(["inbox"]).await?.len(), sent.len() + 1, "each once");
    assert!(desk.notifications.already_shown().is_none());
    Ok(())
}

#[tokio::test]
async fn on_a_read_only_disk_it_says_so() -> Result<()> {
    if !Disk::is_possible() {
        eprintln!("not tested: mounting a small disk takes root");
        return Ok(());
    }
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let disk = Disk::mount(desk.session.folder().join("disk"), 24)?;
    let belfry = desk.profile_in(&disk.folder().join("p"))?;
    desk.run(&belfry, &service).await?.terminate().await?;
    disk.read_only()?;
    assert_eq!(belfry.error_code(["site", "list"]).await?, "storage");
    assert_eq!(belfry.error_code(["run"]).await?, "storage");
    let output = belfry.output(["--json", "doctor"]).await?;
    assert!(String::from_utf8(output.stdout)?.contains(r#""code":"read-only""#));
    Ok(())
}

#[tokio::test]
async fn a_damaged_database_is_kept_aside_and_every_endpoint_stays_alive() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let subscriptions = [belfry.add_site("One", &[]).await?, belfry.add_site("Two", &[]).await?];
    run.terminate().await?;
    let database = belfry.profile().join("belfry.db");
    let damaged = vec![b'#'; fs::metadata(&database)?.len() as usize];
    fs::write(&database, &damaged)?;

    let mut run = belfry.run(&["--push-service", &service.websocket])?;
    assert_eq!(run.next("connected").await?["uaid"], "kept");
    for (subscription, title) in subscriptions.iter().zip(["First", "Second"]) {
        desk.send(subscription, &titled(title)).await?;
        assert_eq!(desk.notifications.next().await?.summary, title);
    }
    let aside = files(belfry.profile())?;
    let is_aside = |name: &str| name.contains("/belfry-damaged-2") && name.ends_with(".db");
    let aside = aside.iter().find(|file| is_aside(&file.to_string_lossy()));
    assert!(fs::read(aside.context("the damaged file")?)? == damaged, "it is as it was");
    let output = belfry.output(["--json", "doctor"]).await?;
    assert!(String::from_utf8(output.stdout)?.contains(r#""code":"database-replaced""#));
    assert!(output.status.success(), "a warning");
    Ok(())
}
