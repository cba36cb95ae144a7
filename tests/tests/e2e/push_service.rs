//! `belfry serve` as receivers and senders meet it.

use std::os::unix::process::ExitStatusExt as _;

use anyhow::Result;
use belfry_tests::autopush::UserAgent;
use belfry_tests::belfry::PushService;
use belfry_tests::desk::{Desk, titled};
use belfry_tests::endurance::Endurance;
use belfry_tests::session::Session;

/// SIGABRT.
const ABORTED: i32 = 6;

/// Posts to a push service whose power fails at this place, to a user agent that is connected or not. Returns the bodies of
/// what the next run of it delivers.
async fn delivered_after_dying_at(point: &str, connected: bool) -> Result<Vec<Vec<u8>>> {
    let session = Session::without_keyring().await?;
    let data = session.folder().join("push-service");
    let service = PushService::start_to_die_at(point, &session, &data).await?;
    let mut user_agent = UserAgent::connect(&service.websocket, None).await?;
    let (uaid, endpoint) = (user_agent.uaid.clone(), user_agent.register(None).await?);
    if !connected {
        user_agent.close().await?;
    }
    let client = belfry_tests::http_client_that_never_repeats().build()?;
    let post = |ttl: &'static str, body: &'static str| {
        client.post(&endpoint).header("ttl", ttl).header("content-encoding", "aes128gcm").body(body).send()
    };
    let answer = post("60", "x").await;
    assert!(answer.is_err(), "{point}: {answer:?}");
    let address = service.endpoint.clone();
    assert_eq!(service.ended().await?.signal(), Some(ABORTED), "{point}");

    let service = PushService::restart(&session, &data, &address, &[]).await?;
    let mut user_agent = UserAgent::connect(&service.websocket, Some(&uaid)).await?;
    assert_eq!(user_agent.uaid, uaid);
    assert_eq!(post("0", "marker").await?.status(), 201);
    let mut bodies = Vec::new();
    loop {
        let data = user_agent.push().await?.content.and_then(|content| content.data).unwrap_or_default();
        if data == b"marker" {
            return Ok(bodies);
        }
        bodies.push(data);
    }
}

#[tokio::test]
async fn a_push_service_that_dies_before_the_commit_has_promised_nothing() -> Result<()> {
    for connected in [true, false] {
        let delivered = delivered_after_dying_at("before-message-commit", connected).await?;
        assert!(delivered.is_empty(), "connected: {connected}");
    }
    Ok(())
}

#[tokio::test]
async fn a_push_service_that_dies_between_commit_and_answer_delivers_all_the_same() -> Result<()> {
    for connected in [true, false] {
        let delivered = delivered_after_dying_at("after-message-commit", connected).await?;
        assert_eq!(delivered, [b"x"], "connected: {connected}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_accepted_under_load_is_delivered_with_one_version_though_the_power_fails_thirty_times()
-> Result<()> {
    println!("{}", Endurance { seed: 7, kills: 30 }.run().await?);
    Ok(())
}

#[tokio::test]
async fn what_the_push_service_accepted_survives_its_power_failure() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let (belfry, subscription) = desk.paired(&service).await?;
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
    let (belfry, old) = desk.paired(&service).await?;
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
