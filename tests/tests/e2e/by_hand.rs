//! What nothing reads right is put right by hand: its sender is looked at, and pointed into.

use anyhow::Result;
use belfry_tests::desk::{Desk, declarative};
use serde_json::json;

#[tokio::test]
async fn a_message_shows_what_somebody_pointed_at() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Builds", &["--url", "https://builds.example"]).await?;
    let payload = json!({
        "job": {"label/short": "Nightly", "outcome": "red", "number": 812}, "page": "runs/812",
        "access_token": "s3cret-t0ken", "auth": {"jwt": "s3cret-t0ken"},
    })
    .to_string();

    desk.send(&subscription, &payload).await?;
    let id = run.next("push").await?["id"].as_str().unwrap().to_owned();
    let before = desk.notifications.next().await?;
    assert_ne!(before.summary, "Nightly", "or there was nothing to do by hand");
    let raw = belfry.command(["inbox", "show", &id, "--raw"]).await?;
    assert!(raw.contains("label/short") && !raw.contains("s3cret"), "{raw}");

    let changes =
        ["map.title=/job/label~1short", "map.body=/job/outcome", "map.link=/page", "map.tag=/job/number"];
    let site = belfry.json(["site", "set", "Builds"].into_iter().chain(changes)).await?.remove(0);
    assert_eq!(
        site["mapping"],
        json!({"title": "/job/label~1short", "body": "/job/outcome", "link": "/page", "image": null, "tag": "/job/number"})
    );
    let shown = belfry.command(["site", "show", "Builds"]).await?;
    assert!(shown.contains("map.link      /page") && !shown.contains("map.image"), "{shown}");

    desk.send(&subscription, &payload).await?;
    let push = run.next("push").await?;
    assert_eq!((&push["title"], &push["body"]), (&json!("Nightly"), &json!("red")));
    assert_eq!(push["navigate"], "https://builds.example/runs/812");
    let shown = desk.notifications.next().await?;
    assert_eq!(shown.summary, "Nightly");
    assert!(shown.body.contains("red"), "{}", shown.body);
    let entry = belfry.json(["inbox", "--limit", "1"]).await?.remove(0);
    assert_eq!((&entry["title"], &entry["tag"]), (&json!("Nightly"), &json!("812")));

    // Secrets are gone before anything is pointed at; what finds nothing changes nothing.
    belfry
        .command(["site", "set", "Builds", "map.title=/access_token", "map.body=/auth/jwt", "map.tag="])
        .await?;
    desk.send(&subscription, &declarative("Declared", "https://builds.example/1", json!({}))).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Declared");
    desk.send(&subscription, &payload).await?;
    run.next("push").await?;
    let entry = belfry.json(["inbox", "--limit", "1"]).await?.remove(0);
    assert!(!entry.to_string().contains("s3cret") && entry["tag"] != "812", "{entry}");
    Ok(())
}

#[tokio::test]
async fn a_place_that_is_none_is_wrong_usage_and_changes_nothing() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    belfry.add_site("Builds", &[]).await?;
    for wrong in ["map.title=title", "map.title=/a~2", "map.colour=/a"] {
        let output = belfry.output(["site", "set", "Builds", "state=quiet", wrong]).await?;
        assert_eq!(output.status.code(), Some(2), "{wrong}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{wrong}");
    }
    assert_eq!(belfry.json(["site", "show", "Builds"]).await?[0]["state"], "alert");
    Ok(())
}
