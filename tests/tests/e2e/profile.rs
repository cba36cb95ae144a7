//! One profile, one owner.

use anyhow::Result;
use belfry_tests::desk::{Desk, titled};
use belfry_tests::session::Session;

#[tokio::test]
async fn a_second_receiver_on_the_same_profile_is_refused() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let _run = desk.run(&belfry, &service).await?;
    assert_eq!(belfry.error_code(["run"]).await?, "profile-in-use");
    // The first is none the worse for it.
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &titled("Still here")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Still here");
    Ok(())
}

#[tokio::test]
async fn two_profiles_receive_side_by_side() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let (one, two) = (desk.profile("one")?, desk.profile("two")?);
    let (_first, _second) = (desk.run(&one, &service).await?, desk.run(&two, &service).await?);
    for (belfry, name) in [(&one, "One"), (&two, "Two")] {
        let subscription = belfry.add_site("Backups", &[]).await?;
        desk.send(&subscription, &titled(name)).await?;
        assert_eq!(desk.notifications.next().await?.summary, name);
        assert_eq!(belfry.json(["inbox"]).await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_profile_may_have_a_path_longer_than_a_sockets() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let folder =
        desk.session.folder().join("a folder whose name alone is so long ".repeat(4)).join("profile");
    assert!(folder.as_os_str().len() > 120);
    let belfry = desk.profile_in(&folder)?;
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &titled("From afar")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "From afar");
    Ok(())
}

#[tokio::test]
async fn a_profile_left_by_a_power_failure_is_taken_over() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    belfry.add_site("Backups", &[]).await?;
    run.kill().await?;
    assert_eq!(belfry.json(["site", "list"]).await?.len(), 1);
    let _run = desk.run(&belfry, &service).await?;
    assert_eq!(belfry.json(["site", "list"]).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn without_a_keyring_it_says_so_and_stores_nothing() -> Result<()> {
    let session = Session::without_keyring().await?;
    let belfry = belfry_tests::belfry::Belfry::new(&session, session.folder().join("p"))?;
    assert_eq!(belfry.error_code(["site", "list"]).await?, "keyring");
    assert!(!belfry.profile().join("belfry.db").exists());
    Ok(())
}

#[tokio::test]
async fn a_database_whose_key_is_not_in_the_keyring_is_left_alone() -> Result<()> {
    let desk = Desk::start().await?;
    let service = desk.service().await?;
    let (belfry, _) = desk.paired(&service).await?;
    let bus = desk.session.bus();
    let items = belfry_tests::keyring::items(bus).await?;
    for item in items.iter().filter(|item| matches!(item.subscription_keys(), Ok(None))) {
        belfry_tests::keyring::delete(bus, item).await?;
    }
    let database = belfry.profile().join("belfry.db");
    let before = std::fs::read(&database)?;
    assert_eq!(belfry.error_code(["site", "list"]).await?, "keyring");
    assert_eq!(std::fs::read(&database)?, before);
    assert_eq!(belfry_tests::keyring::items(bus).await?.len(), 1, "no new key was made");
    Ok(())
}
