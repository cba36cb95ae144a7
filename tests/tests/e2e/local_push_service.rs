//! `local`: a push service of one's own that is there when it is needed.

use anyhow::{Context as _, Result, ensure};
use belfry_tests::desk::{Desk, titled};
use rustix::process::{Signal, kill_process};

#[tokio::test]
async fn it_is_started_when_it_is_named_and_queues_while_nobody_receives() -> Result<()> {
    let mut desk = Desk::start().await?;
    let belfry = desk.profile("p")?;
    let subscription = belfry.add_site("Backups", &["--push-service", "local"]).await?;
    ensure!(subscription.endpoint().starts_with("http://127.0.0.1:"), "only this computer reaches it");
    // The command that started it has ended.
    desk.send(&subscription, &titled("Queued")).await?;
    let mut run = belfry.run(&["--push-service", "local"])?;
    run.next("connected").await?;
    assert_eq!(desk.notifications.next().await?.summary, "Queued");
    assert_eq!(desk.session.processes("serve")?.len(), 1, "it was not started twice");
    Ok(())
}

#[tokio::test]
async fn the_receiver_starts_it_again_at_the_same_address_when_it_has_died() -> Result<()> {
    let mut desk = Desk::start().await?;
    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", "local"])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;

    let service = *desk.session.processes("serve")?.first().context("the local push service")?;
    kill_process(service, Signal::KILL)?;
    run.next("disconnected").await?;
    let connected = run.next("connected").await?;
    assert_eq!(connected["uaid"], "kept");
    assert_ne!(desk.session.processes("serve")?, [service]);
    desk.send(&subscription, &titled("After")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "After");
    Ok(())
}

#[tokio::test]
async fn it_outlives_a_receiver_that_is_killed() -> Result<()> {
    let mut desk = Desk::start().await?;
    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", "local"])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    run.kill().await?;
    desk.send(&subscription, &titled("Meanwhile")).await?;
    let _run = belfry.run(&[])?;
    assert_eq!(desk.notifications.next().await?.summary, "Meanwhile");
    Ok(())
}

#[tokio::test]
async fn it_ends_when_it_is_removed_also_without_a_service_manager() -> Result<()> {
    let desk = Desk::start().await?;
    let belfry = desk.profile("p")?;
    belfry.add_site("Backups", &["--push-service", "local"]).await?;
    assert_eq!(desk.session.processes("serve")?.len(), 1);
    belfry.command(["site", "remove", "Backups", "--yes"]).await?;
    belfry.command(["service", "remove", "local"]).await?;
    assert!(desk.session.processes("serve")?.is_empty(), "it has ended");
    Ok(())
}
