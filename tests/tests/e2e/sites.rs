//! What a person can say about a site.

use anyhow::Result;
use belfry_tests::desk::{Desk, titled};
use belfry_tests::keyring;
use serde_json::{Value, json};

#[tokio::test]
async fn sites_are_listed_shown_and_changed_by_name_or_id() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Zoo", &[]).await?;
    belfry.add_site("Apples", &["--url", "https://apples.example"]).await?;

    let sites = belfry.json(["site", "list"]).await?;
    let names: Vec<_> = sites.iter().map(|site| site["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Apples", "Zoo"]);
    assert!(
        sites.iter().all(|site| site["state"] == "alert" && site["push_service"] == json!(service.websocket))
    );
    let secret = subscription.endpoint();
    assert!(!serde_json::to_string(&sites)?.contains(&secret), "a list holds no endpoints");
    let plain = belfry.command(["site", "list"]).await?;
    assert!(plain.contains("Apples") && plain.contains("Zoo") && !plain.contains(&secret), "{plain}");

    let id = sites[1]["id"].as_str().unwrap();
    for name in ["Zoo", id] {
        let printed = belfry.command(["site", "show", name, "--subscription"]).await?;
        assert_eq!(printed, format!("{}\n", subscription.line));
        assert_eq!(belfry.json(["site", "show", name]).await?[0]["name"], "Zoo");
    }
    belfry.command(["site", "set", id, "name=Animals", "url=https://zoo.example", "state=quiet"]).await?;
    let site = &belfry.json(["site", "show", "Animals"]).await?[0];
    assert_eq!((&site["id"], &site["state"]), (&json!(id), &json!("quiet")));
    assert_eq!(site["url"].as_str().unwrap().trim_end_matches('/'), "https://zoo.example");
    assert_eq!(belfry.error_code(["site", "show", "Zoo"]).await?, "not-found");
    Ok(())
}

#[tokio::test]
async fn a_change_with_a_mistake_in_it_changes_nothing() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    belfry.add_site("Backups", &[]).await?;
    belfry.add_site("Other", &[]).await?;
    for changes in [["state=quiet", "name=other"], ["name=New", "state=loud"], ["name=New", "colour=red"]] {
        let output = belfry.output(["site", "set", "Backups"].into_iter().chain(changes)).await?;
        assert!(matches!(output.status.code(), Some(1 | 2)), "{changes:?}: {output:?}");
        let site = &belfry.json(["site", "show", "Backups"]).await?[0];
        assert_eq!((&site["name"], &site["state"]), (&json!("Backups"), &json!("alert")), "{changes:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_sites_state_decides_what_its_pushes_do() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    for (state, disposition) in [
        ("alert", "shown"),
        ("quiet", "shown"),
        ("history", "recorded"),
        ("blocked", "discarded"),
        ("alert", "shown"),
    ] {
        belfry.command(["site", "set", "Backups", &format!("state={state}")]).await?;
        desk.send(&subscription, &titled(state)).await?;
        let push = run.next("push").await?;
        assert_eq!(push["disposition"], json!(disposition), "{state}");
        if disposition == "discarded" {
            assert_eq!((&push["title"], &push["id"]), (&json!(""), &Value::Null));
        }
        if disposition == "shown" {
            let shown = desk.notifications.next().await?;
            assert_eq!((shown.summary.as_str(), shown.has_sound()), (state, state == "alert"));
            assert_eq!(shown.is_silenced(), state == "quiet");
        }
        assert!(desk.notifications.already_shown().is_none(), "{state}");
    }
    let entries = belfry.json(["inbox"]).await?;
    let history: Vec<_> = entries.iter().map(|entry| [&entry["title"], &entry["disposition"]]).collect();
    assert_eq!(
        json!(history),
        json!([["alert", "shown"], ["history", "recorded"], ["quiet", "shown"], ["alert", "shown"]])
    );
    Ok(())
}

#[tokio::test]
async fn what_was_sent_to_a_blocked_site_does_not_come_back_when_it_is_allowed_again() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    belfry.command(["site", "set", "Backups", "state=blocked"]).await?;
    run.terminate().await?;
    desk.send(&subscription, &titled("Unwanted")).await?;
    let mut run = desk.run(&belfry, &service).await?;
    assert_eq!(run.next("push").await?["disposition"], "discarded");
    run.terminate().await?;

    belfry.command(["site", "set", "Backups", "state=alert"]).await?;
    let _run = desk.run(&belfry, &service).await?;
    desk.send(&subscription, &titled("Wanted")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Wanted");
    assert_eq!(belfry.json(["inbox"]).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_removed_site_takes_its_keys_and_history_along_and_its_endpoint_is_gone() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let kept = belfry.add_site("Kept", &[]).await?;
    let online = belfry.add_site("Removed while it runs", &[]).await?;
    let offline = belfry.add_site("Removed while it is stopped", &[]).await?;
    assert_eq!(keyring::items(desk.session.bus()).await?.len(), 4);
    desk.send(&online, &titled("Old")).await?;
    run.next("push").await?;

    belfry.command(["site", "remove", "Removed while it runs", "--yes"]).await?;
    assert_eq!(post(&online.endpoint()).await?, 410);
    assert_eq!(keyring::items(desk.session.bus()).await?.len(), 3);
    assert!(belfry.json(["inbox"]).await?.is_empty());
    assert_eq!(belfry.error_code(["site", "remove", "Removed while it runs", "--yes"]).await?, "not-found");

    run.terminate().await?;
    belfry.command(["site", "remove", "Removed while it is stopped", "--yes"]).await?;
    assert_eq!(post(&offline.endpoint()).await?, 410);
    let items = keyring::items(desk.session.bus()).await?;
    assert_eq!(items.len(), 2, "{items:?}");
    assert_eq!(post(&kept.endpoint()).await?, 201);
    Ok(())
}

/// What an application server is answered.
async fn post(endpoint: &str) -> Result<u16> {
    let client = belfry_tests::http()?;
    Ok(client.post(endpoint).header("TTL", "0").send().await?.status().as_u16())
}
