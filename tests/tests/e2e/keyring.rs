//! The real gnome-keyring, misbehaving.

use anyhow::{Context as _, Result};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::keyring;
use belfry_tests::prompter::Prompter;
use belfry_tests::session::Session;
use serde_json::{Value, json};

/// The codes of what `belfry doctor` finds wrong. There is no panel here, and so no tray.
async fn diagnosis(belfry: &belfry_tests::belfry::Belfry) -> Result<Vec<String>> {
    let output = belfry.output(["--json", "doctor"]).await?;
    let rows = String::from_utf8(output.stdout)?;
    let codes = rows.lines().filter_map(|line| {
        let row: Value = serde_json::from_str(line).ok()?;
        Some(row.get("code")?.as_str()?.to_owned())
    });
    Ok(codes.filter(|code| code != "tray-absent").collect())
}

#[tokio::test]
async fn locked_at_login_it_waits_without_a_question_and_goes_on_when_it_is_unlocked() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let (belfry, subscription) = desk.paired(&service).await?;
    desk.session.kill_keyring().await?;
    desk.session.start_locked_keyring().await?;
    let mut prompter = Prompter::start(&desk.session).await?;

    assert_eq!(diagnosis(&belfry).await?, ["keyring-locked"]);
    let mut run = belfry.run(&["--push-service", &service.websocket])?;
    let locked = run.next("locked").await?;
    assert_eq!(locked["code"], "keyring-locked", "{locked}");
    desk.send(&subscription, &titled("Meanwhile")).await?;
    assert_eq!(belfry.error_code(["site", "list"]).await?, "keyring");
    assert_eq!(diagnosis(&belfry).await?, ["keyring-locked"]);
    assert_eq!(prompter.already_asked(), None, "nobody has asked for it");

    desk.session.unlock_keyring().await?;
    run.next("unlocked").await?;
    assert_eq!(run.next("connected").await?["uaid"], "kept");
    assert_eq!(desk.notifications.next().await?.summary, "Meanwhile");
    assert_eq!(diagnosis(&belfry).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_dismissed_question_is_not_asked_again_by_itself() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    desk.run(&belfry, &service).await?.terminate().await?;
    desk.session.kill_keyring().await?;
    desk.session.start_locked_keyring().await?;
    let mut prompter = Prompter::start(&desk.session).await?;

    // Nobody owns the profile: this process asks.
    assert_eq!(belfry.error_code(["unlock"]).await?, "keyring");
    assert_eq!(prompter.dismissed().await?, "password");
    // A receiver does: it asks.
    let mut run = belfry.run(&["--push-service", &service.websocket])?;
    run.next("locked").await?;
    assert_eq!(belfry.error_code(["unlock"]).await?, "keyring");
    assert_eq!(prompter.dismissed().await?, "password");
    assert_eq!(diagnosis(&belfry).await?, ["keyring-locked"]);
    assert_eq!(prompter.already_asked(), None);

    desk.session.unlock_keyring().await?;
    run.next("connected").await?;
    belfry.command(["unlock"]).await?;
    assert_eq!(prompter.already_asked(), None, "it was unlocked");
    Ok(())
}

#[tokio::test]
async fn killed_while_receiving_it_costs_nothing_and_restarted_it_serves_again() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.session.kill_keyring().await?;
    desk.send(&subscription, &titled("Without a keyring")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Without a keyring");
    assert_eq!(diagnosis(&belfry).await?, ["keyring-absent"]);
    assert_eq!(belfry.error_code(["site", "add", "Builds"]).await?, "keyring");
    assert_eq!(belfry.json(["site", "list"]).await?.len(), 1, "nothing of it stays");

    desk.session.start_keyring().await?;
    let builds = belfry.add_site("Builds", &[]).await?;
    desk.send(&builds, &titled("With a new one")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "With a new one");
    assert_eq!(diagnosis(&belfry).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn started_before_the_keyring_it_waits_for_it() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    desk.session.kill_keyring().await?;
    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", &service.websocket])?;
    assert_eq!(run.next("locked").await?["code"], "keyring-absent");
    desk.session.start_keyring().await?;
    run.next("unlocked").await?;
    run.next("connected").await?;
    let (status, stderr) = run.terminate().await?;
    assert!(status.success(), "{stderr}");
    Ok(())
}

#[tokio::test]
async fn a_deleted_item_holds_up_its_own_site_only_and_nothing_is_lost() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let (lost, kept) = (belfry.add_site("Lost", &[]).await?, belfry.add_site("Kept", &[]).await?);
    for site in ["Lost", "Kept"] {
        belfry.command(["site", "set", site, "burst=off"]).await?;
    }
    run.terminate().await?;
    let items = keyring::items(desk.session.bus()).await?;
    let is_lost = |secret: &[u8]| {
        let record: Value = serde_json::from_slice(secret).unwrap_or_default();
        record.get("site").is_some_and(|site| site == "Lost")
    };
    let item = items.iter().find(|item| is_lost(&item.secret)).context("the item of Lost")?;
    keyring::delete(desk.session.bus(), item).await?;
    // More than a stored batch: it would stop at the first that is not acknowledged.
    for number in 0..12 {
        desk.send(&lost, &titled(&format!("Lost {number}"))).await?;
    }
    desk.send(&kept, &titled("Kept")).await?;

    let _run = desk.run(&belfry, &service).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Kept");
    assert_eq!(diagnosis(&belfry).await?, ["site-keys-missing", "messages-withheld"]);
    keyring::restore(desk.session.bus(), item).await?;
    for number in 0..12 {
        assert_eq!(desk.notifications.next().await?.summary, format!("Lost {number}"));
    }
    assert_eq!(belfry.json(["inbox"]).await?.len(), 13);
    assert_eq!(diagnosis(&belfry).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn where_there_is_no_keyring_a_sealed_file_takes_its_place_when_it_is_asked_for() -> Result<()> {
    let session = Session::without_keyring().await?;
    let credentials = session.folder().join("credentials");
    std::fs::create_dir(&credentials)?;
    let right = session.file("right", "correct horse battery staple\n")?;
    let wrong = session.file("wrong", "correct mule\n")?;
    let profile = session.folder().join("p");
    std::fs::create_dir(&profile)?;
    std::fs::write(profile.join("config.toml"), "keyring = \"file\"\n")?;
    let service =
        belfry_tests::belfry::PushService::start(&session, &session.folder().join("s"), &[]).await?;
    let plain = belfry_tests::belfry::Belfry::new(&session, profile.clone())?;
    let belfry = plain.clone().option("--passphrase-file", &right);
    assert_eq!(belfry.json(["unlock"]).await?, [json!({ "keyring": "absent" })], "and none is made");
    let options = ["--push-service", service.websocket.as_str(), "--notify", "none"];
    let mut run = belfry.run(&options)?;
    run.next("connected").await?;
    let open = plain.json(["unlock"]).await?.remove(0);
    assert_eq!((&open["keyring"], open["process"].is_u64()), (&json!("open"), true), "{open}");
    let subscription = belfry.add_site("Backups", &[]).await?;
    let to = session.file("to.json", &subscription.line)?;
    let to = to.to_str().context("a path")?.to_owned();
    belfry.feed(["send", "--to", &to, "--payload", "-"], &titled("Sealed")).await?;
    assert_eq!(run.next("push").await?["title"], "Sealed");
    run.terminate().await?;

    assert_eq!(plain.error_code(["site", "list"]).await?, "keyring");
    let mistaken = plain.clone().option("--passphrase-file", &wrong);
    assert_eq!(belfry.json(["unlock"]).await?, [json!({ "keyring": "passphrase_right" })]);
    for sealed in [&plain, &mistaken] {
        assert_eq!(sealed.error_code(["unlock"]).await?, "keyring");
        let said = String::from_utf8(sealed.output(["unlock"]).await?.stderr)?;
        assert!(said.contains("--passphrase-file") && !said.contains("`belfry unlock`"), "{said}");
    }
    assert_eq!(mistaken.error_code(["site", "list"]).await?, "keyring");
    // As systemd's LoadCredential= does it.
    std::fs::copy(&right, credentials.join("belfry-passphrase"))?;
    let unit = plain.with("CREDENTIALS_DIRECTORY", credentials.to_str().context("a path")?);
    assert_eq!(unit.json(["inbox"]).await?.first().context("an entry")?["title"], json!("Sealed"));
    Ok(())
}
