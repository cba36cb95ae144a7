//! Sites move to another profile, as they would to another computer.

use anyhow::{Context as _, Result};
use belfry_tests::belfry::{Belfry, PushService, Run, Subscription};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::keyring;
use serde_json::{Value, json};

/// A profile that receives for two sites with something set, and the subscription of the first.
async fn with_sites(desk: &Desk, service: &PushService) -> Result<(Belfry, Run, Subscription)> {
    let (belfry, run) = receiving(desk, "p", service).await?;
    let subscription = belfry.add_site("Backups", &["--url", "https://backups.example"]).await?;
    belfry
        .command([
            "site",
            "set",
            "Backups",
            "state=quiet",
            "sound=off",
            "links=ask",
            "images=never",
            "burst=9/99",
            "dnd-bypass=on",
            "map.title=/job/name",
        ])
        .await?;
    belfry.add_site("Builds", &[]).await?;
    Ok((belfry, run, subscription))
}

/// What is set for a site.
async fn settings(belfry: &Belfry, site: &str) -> Result<Value> {
    let mut site = belfry.json(["site", "show", site]).await?.remove(0);
    for its_own in ["id", "added_at", "unread", "subscription", "needs_pairing", "state_label"] {
        site.as_object_mut().context("a site")?.remove(its_own);
    }
    Ok(site)
}

/// A new profile that receives from this service.
async fn receiving(desk: &Desk, name: &str, service: &PushService) -> Result<(Belfry, Run)> {
    let belfry = desk.profile(name)?;
    let run = desk.run(&belfry, service).await?;
    Ok((belfry, run))
}

#[tokio::test]
async fn sites_without_keys_get_new_subscriptions_and_keep_what_was_set() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let (old, _old_run, before) = with_sites(&desk, &service).await?;
    let path = desk.session.folder().join("sites.json");
    let file = path.to_str().unwrap();
    let said = old.json(["site", "export", file]).await?.remove(0);
    assert_eq!((&said["exported"], &said["without_keys"]), (&json!(2), &json!([])));
    let written = std::fs::read_to_string(&path)?;
    assert!(written.contains("/job/name") && !written.contains(&before.endpoint()), "{written}");
    assert_eq!(old.error_code(["site", "export", file]).await?, "exists");

    let (new, _new_run) = receiving(&desk, "other", &service).await?;
    let printed = new.command(["site", "import", file]).await?;
    let line = printed.lines().nth(1).unwrap();
    assert!(printed.starts_with("Backups: give it this new subscription\n"), "{printed}");
    let subscription = Subscription::parse(line)?;
    assert_ne!(subscription.endpoint(), before.endpoint());
    for site in ["Backups", "Builds"] {
        assert_eq!(settings(&new, site).await?, settings(&old, site).await?);
        assert_eq!(new.json(["site", "show", site]).await?[0]["needs_pairing"], true);
    }
    desk.send(&subscription, &json!({"job": {"name": "Nightly"}}).to_string()).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Nightly");
    assert_eq!(new.json(["site", "show", "Backups"]).await?[0]["needs_pairing"], false, "its sender has it");

    // All or nothing.
    new.command(["site", "remove", "Builds", "--yes"]).await?;
    assert_eq!(new.error_code(["site", "import", file]).await?, "exists");
    assert_eq!(new.error_code(["site", "show", "Builds"]).await?, "not-found");
    for broken in [
        written.replace("\"quiet\"", "\"loud\""),
        written.replace("/job/name", "job"),
        written.chars().take(99).collect(),
    ] {
        let file = desk.session.file("broken.json", &broken)?;
        assert_eq!(new.error_code(["site", "import", file.to_str().unwrap()]).await?, "invalid", "{broken}");
    }
    assert_eq!(new.json(["site", "list"]).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn sites_with_keys_go_on_with_their_subscriptions_in_their_new_place() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let (old, old_run, subscription) = with_sites(&desk, &service).await?;
    let path = desk.session.folder().join("sites.sealed");
    let file = path.to_str().unwrap();
    old.feed(["site", "export", file, "--with-keys"], "correct horse\n").await?;
    old_run.terminate().await?;
    let sealed = std::fs::read_to_string(&path)?;
    assert!(!sealed.contains("Backups") && !sealed.contains(&subscription.endpoint()), "{sealed}");
    // Posted while nobody receives: it waits at the push service for whoever is the receiver.
    desk.send(&subscription, &titled("Waiting")).await?;

    let (new, mut new_run) = receiving(&desk, "other", &service).await?;
    let items = keyring::items(desk.session.bus()).await?.len();
    let wrong = new.feed(["site", "import", file], "battery staple\n").await.unwrap_err().to_string();
    assert!(wrong.contains("passphrase is wrong"), "{wrong}");
    assert_eq!(keyring::items(desk.session.bus()).await?.len(), items, "nothing was stored");

    let printed = new.feed(["site", "import", file], "correct horse\n").await?;
    assert!(printed.contains("Backups: goes on with its subscription"), "{printed}");
    assert_eq!(new_run.next("connected").await?["uaid"], "kept", "it is who the old one was");
    assert_eq!(desk.notifications.next().await?.summary, "Waiting");
    desk.send(&subscription, &titled("Moved")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Moved");
    let moved = new.subscription(["site", "show", "Backups", "--subscription"]).await?;
    assert_eq!(moved.line, subscription.line);
    assert_eq!(settings(&new, "Backups").await?, settings(&old, "Backups").await?);
    assert_eq!(new.json(["site", "show", "Backups"]).await?[0]["needs_pairing"], false);

    // A second time, and into a profile that is somebody there already.
    assert_eq!(code(&new, file).await?, Some(1));
    assert_eq!(new.json(["site", "list"]).await?.len(), 2);
    new_run.terminate().await?;
    // Without a receiver that runs, too; and on from the second place.
    let third = desk.profile("third")?;
    assert_eq!(code(&third, file).await?, Some(0));
    let mut third_run = desk.run(&third, &service).await?;
    desk.send(&subscription, &titled("Moved again")).await?;
    assert_eq!(third_run.next("push").await?["site"], "Backups");
    assert_eq!(desk.notifications.next().await?.summary, "Moved again");
    let (busy, _busy_run) = receiving(&desk, "busy", &service).await?;
    let own = busy.add_site("Own", &[]).await?;
    assert_eq!(code(&busy, file).await?, Some(1));
    assert_eq!(busy.json(["site", "list"]).await?.len(), 1);
    desk.send(&own, &titled("Own")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Own");
    Ok(())
}

/// The exit status of an import with the right passphrase.
async fn code(belfry: &Belfry, file: &str) -> Result<Option<i32>> {
    Ok(match belfry.feed(["site", "import", file], "correct horse\n").await {
        Ok(_) => Some(0),
        Err(error) if error.to_string().contains("exit status: 1") => Some(1),
        Err(_) => None,
    })
}
