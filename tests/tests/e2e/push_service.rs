//! `belfry serve` as receivers and senders meet it.

use anyhow::Result;
use belfry_tests::belfry::PushService;
use belfry_tests::desk::{Desk, titled};

#[tokio::test]
async fn what_the_push_service_accepted_survives_its_power_failure() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    run.terminate().await?;
    let answer = desk.send(&subscription, &titled("Accepted")).await?;
    assert!(answer.contains("201"), "{answer}");
    let address = service.endpoint.clone();
    service.kill().await?;

    let service = PushService::restart(&desk.session, &desk.service_data(), &address, &[]).await?;
    let mut run = belfry.run(&[])?;
    assert_eq!(run.next("connected").await?["uaid"], "kept");
    assert_eq!(desk.notifications.next().await?.summary, "Accepted");
    assert_eq!(service.endpoint, address);
    Ok(())
}

#[tokio::test]
async fn the_receiver_comes_back_by_itself_when_the_push_service_does() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let address = service.endpoint.clone();
    service.kill().await?;
    let disconnected = run.next("disconnected").await?;
    assert!(disconnected["reason"].is_string() && disconnected["retry_in_ms"].is_u64(), "{disconnected}");

    let _service = PushService::restart(&desk.session, &desk.service_data(), &address, &[]).await?;
    assert_eq!(run.next("connected").await?["uaid"], "kept");
    desk.send(&subscription, &titled("Back")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Back");
    Ok(())
}

#[tokio::test]
async fn a_push_service_that_lost_its_data_is_noticed_and_every_site_gets_a_new_endpoint() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let old = belfry.add_site("Backups", &[]).await?;
    run.terminate().await?;
    let address = service.endpoint.clone();
    service.kill().await?;
    std::fs::remove_dir_all(desk.service_data())?;

    let _service = PushService::restart(&desk.session, &desk.service_data(), &address, &[]).await?;
    let mut run = belfry.run(&[])?;
    assert_eq!(run.next("connected").await?["uaid"], "replaced");
    assert_eq!(desk.notifications.next().await?.summary, "Backups needs pairing again");
    // An endpoint of its own follows once the service has answered; this command waits for that of another site.
    belfry.add_site("Builds", &[]).await?;
    let site = &belfry.json(["site", "show", "Backups"]).await?[0];
    assert_eq!(site["needs_pairing"], true);
    let line = belfry.command(["site", "show", "Backups", "--subscription"]).await?;
    assert_ne!(line.trim_end(), old.line);
    let to = desk.session.file("new.json", &line)?;
    let to = to.to_str().unwrap_or_default();
    belfry
        .command(["send", "--to", to, "--title", "Paired again", "--navigate", "https://example.com/"])
        .await?;
    assert_eq!(desk.notifications.next().await?.summary, "Paired again");
    assert_eq!(belfry.json(["site", "show", "Backups"]).await?[0]["needs_pairing"], false);
    Ok(())
}
