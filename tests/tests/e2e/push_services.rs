//! Several push services at once.

use std::fs;

use anyhow::Result;
use belfry_tests::belfry::{Belfry, PushService, Subscription};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::process::PATIENCE;
use serde_json::Value;
use tokio::time::timeout;

async fn subscription(belfry: &Belfry, site: &str) -> Result<Subscription> {
    belfry.subscription(["site", "show", site, "--subscription"]).await
}

async fn needs_pairing(belfry: &Belfry) -> Result<Vec<String>> {
    let sites = belfry.json(["site", "list"]).await?;
    let needing = sites.iter().filter(|site| site["needs_pairing"] == true);
    Ok(needing.map(|site| site["name"].as_str().unwrap_or_default().to_owned()).collect())
}

#[tokio::test]
async fn a_service_that_forgot_this_computer_concerns_only_its_own_sites() -> Result<()> {
    let mut desk = Desk::start().await?;
    let one = desk.service().await?;
    let folder = desk.session.folder().join("second-service");
    let two = PushService::start(&desk.session, &folder, &[]).await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &one).await?;
    let backups = belfry.add_site("Backups", &[]).await?;
    let before = belfry.add_site("Chat", &["--push-service", &two.websocket]).await?;
    belfry.add_site("Mail", &["--push-service", &two.websocket]).await?;
    let second: Value = two.websocket.as_str().into();
    while run.next("connected").await?["push_service"] != second {}

    let address = two.websocket.clone();
    two.kill().await?;
    fs::remove_dir_all(&folder)?;
    let two = PushService::restart(&desk.session, &folder, &address, &[]).await?;
    let connected = loop {
        let connected = run.next("connected").await?;
        if connected["push_service"] == second {
            break connected;
        }
    };
    assert_eq!(connected["uaid"], "replaced");
    let notice = desk.notifications.next().await?;
    assert_eq!(notice.summary, "2 sites need pairing again");
    assert!(notice.body.contains("Chat, Mail."), "{notice:?}");
    assert_eq!(needs_pairing(&belfry).await?, ["Chat", "Mail"]);

    desk.send(&backups, &titled("Undisturbed")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Undisturbed", "and there was one notice");
    // Registered anew by itself, a moment after the notice.
    let renewed = async {
        loop {
            if let Ok(after) = subscription(&belfry, "Chat").await {
                return after;
            }
        }
    };
    let after = timeout(PATIENCE, renewed).await?;
    assert_ne!(after.endpoint(), before.endpoint());
    desk.send(&after, &titled("Paired again")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Paired again");
    assert_eq!(needs_pairing(&belfry).await?, ["Mail"]);
    drop(two);
    Ok(())
}

#[tokio::test]
async fn moving_a_site_prints_what_its_sender_must_be_given() -> Result<()> {
    let mut desk = Desk::start().await?;
    let one = desk.service().await?;
    let two = PushService::start(&desk.session, &desk.session.folder().join("second-service"), &[]).await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &one).await?;
    let before = belfry.add_site("Backups", &[]).await?;
    belfry.command(["service", "add", &two.websocket]).await?;
    let there = format!("push-service={}", two.websocket);
    let after = belfry.subscription(["site", "set", "Backups", &there]).await?;
    assert!(after.endpoint().starts_with(&two.endpoint), "{}", after.endpoint());
    assert_eq!(needs_pairing(&belfry).await?, ["Backups"]);
    let client = belfry_tests::http()?;
    let status = client.post(before.endpoint()).header("TTL", "0").send().await?.status();
    assert_eq!(status, 410, "the old one is gone");
    desk.send(&after, &titled("Moved")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Moved");
    assert!(needs_pairing(&belfry).await?.is_empty());

    let services = belfry.json(["service", "list"]).await?;
    let sites: Vec<_> =
        services.iter().map(|service| service["sites"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(sites, [0, 1]);
    assert_eq!(belfry.error_code(["service", "remove", &two.websocket]).await?, "invalid");
    assert_eq!(belfry.error_code(["service", "remove", &one.websocket]).await?, "invalid");
    belfry.command(["config", "set", "push-service", &two.websocket]).await?;
    belfry.command(["service", "remove", &one.websocket]).await?;
    assert_eq!(belfry.json(["service", "list"]).await?.len(), 1);

    // Back again, without a receiver.
    run.terminate().await?;
    let there = format!("push-service={}", one.websocket);
    let back = belfry.subscription(["site", "set", "Backups", &there]).await?;
    assert!(back.endpoint().starts_with(&one.endpoint), "{}", back.endpoint());
    Ok(())
}

#[tokio::test]
async fn a_mistyped_move_is_taken_back_and_the_subscription_goes_on() -> Result<()> {
    let mut desk = Desk::start().await?;
    let one = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &one).await?;
    let before = belfry.add_site("Backups", &[]).await?;
    let nobody = "ws://127.0.0.1:1/";
    let back = async {
        let meanwhile = loop {
            let site = belfry.json(["site", "show", "Backups"]).await?.remove(0);
            if site["moving_to"]["push_service"] == nobody {
                break site;
            }
        };
        assert_eq!(meanwhile["push_service"], one.websocket.as_str());
        let words = format!("moving to {nobody}; until then at {}", one.websocket);
        assert!(belfry.command(["site", "show", "Backups"]).await?.contains(&words));
        assert!(belfry.command(["site", "list"]).await?.contains(&format!("moving to {nobody}")));
        assert_eq!(subscription(&belfry, "Backups").await?.endpoint(), before.endpoint());
        let here = format!("push-service={}", one.websocket);
        belfry.json(["site", "set", "Backups", &here]).await
    };
    let there = format!("push-service={nobody}");
    let moving = belfry.error_code(["site", "set", "Backups", &there]);
    let (moved, back) = tokio::try_join!(moving, back)?;
    // By what happens first: nobody is found to be there, or the move is taken back.
    assert!(matches!(moved.as_str(), "offline" | "not-found"), "{moved}");
    assert_eq!(back[0]["moving_to"], Value::Null);
    assert!(needs_pairing(&belfry).await?.is_empty());
    assert_eq!(belfry.json(["service", "list"]).await?.len(), 1, "nobody is not asked for ever");
    desk.send(&before, &titled("Still here")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Still here");
    Ok(())
}
