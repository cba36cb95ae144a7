//! What is sent while Belfry is not running.

use anyhow::Result;
use belfry_tests::belfry::{Belfry, PushService, Run};
use belfry_tests::desk::{Desk, titled};
use serde_json::json;

/// What is logged once a notification is marked as shown.
const HANDED_OVER: &str = "notification handed over";

/// Titles in the history, newest first.
async fn history(belfry: &Belfry) -> Result<Vec<String>> {
    let entries = belfry.json(["inbox"]).await?;
    Ok(entries.iter().map(|entry| entry["title"].as_str().unwrap_or_default().to_owned()).collect())
}

/// Starts it again and waits until the push service knows it again.
async fn again(belfry: &Belfry, service: &PushService) -> Result<Run> {
    let mut run = belfry.run(&["--push-service", &service.websocket, "-v"])?;
    let connected = run.next("connected").await?;
    anyhow::ensure!(connected.get("uaid").is_some_and(|uaid| uaid == "kept"), "{connected}");
    Ok(run)
}

#[tokio::test]
async fn what_was_sent_while_it_was_stopped_is_shown_once_when_it_is_back() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let (status, stderr) = run.terminate().await?;
    assert!(status.success(), "a stopped receiver ends well: {status}, {stderr}");

    for title in ["One", "Two"] {
        desk.send(&subscription, &titled(title)).await?;
    }
    for (round, stored) in [vec!["One", "Two"], vec![], vec![]].into_iter().enumerate() {
        let run = again(&belfry, &service).await?;
        for title in stored {
            assert_eq!(desk.notifications.next().await?.summary, title);
        }
        let live = format!("Live {round}");
        desk.send(&subscription, &titled(&live)).await?;
        assert_eq!(desk.notifications.next().await?.summary, live);
        run.terminate().await?;
    }
    assert_eq!(history(&belfry).await?, ["Live 2", "Live 1", "Live 0", "Two", "One"]);
    assert!(desk.notifications.already_shown().is_none());
    Ok(())
}

#[tokio::test]
async fn what_was_sent_after_the_power_failed_is_shown_once_when_it_is_back() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = belfry.run(&["--push-service", &service.websocket, "-v"])?;
    run.next("connected").await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &titled("Before")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Before");
    // It is marked as handed over by then: it may not be shown again.
    run.logged(HANDED_OVER, 1).await?;
    run.kill().await?;

    desk.send(&subscription, &titled("Meanwhile")).await?;
    for round in 0..3 {
        let mut run = again(&belfry, &service).await?;
        let live = format!("Live {round}");
        let expected = if round == 0 { vec!["Meanwhile", &live] } else { vec![live.as_str()] };
        for title in &expected {
            if *title == live {
                // Not before: what is sent now may overtake what is stored.
                desk.send(&subscription, &titled(&live)).await?;
            }
            assert_eq!(run.next("push").await?["title"], json!(title));
            assert_eq!(desk.notifications.next().await?.summary, *title);
        }
        run.logged(HANDED_OVER, expected.len()).await?;
        run.kill().await?;
    }
    assert_eq!(history(&belfry).await?, ["Live 2", "Live 1", "Live 0", "Meanwhile", "Before"]);
    Ok(())
}

#[tokio::test]
async fn a_burst_cut_off_by_a_power_failure_is_in_the_history_exactly_once() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let (belfry, subscription) = desk.paired(&service).await?;
    let titles: Vec<_> = (0..15).map(|number| format!("Push {number:02}")).collect();
    for title in &titles {
        desk.send(&subscription, &titled(title)).await?;
    }
    // Each time the first notification shown is the last thing that happens: committed and acknowledged are then
    // whatever they happen to be.
    for _ in 0..3 {
        let run = again(&belfry, &service).await?;
        desk.notifications.next().await?;
        run.kill().await?;
    }
    let mut run = again(&belfry, &service).await?;
    while history(&belfry).await?.len() < titles.len() {
        run.next("push").await?;
    }
    desk.send(&subscription, &titled("Last")).await?;
    while run.next("push").await?["title"] != "Last" {}
    let mut history = history(&belfry).await?;
    assert_eq!(history.remove(0), "Last");
    history.reverse();
    assert_eq!(history, titles);
    Ok(())
}

#[tokio::test]
async fn a_command_that_needs_the_push_service_leaves_what_arrives_for_the_receiver_to_show() -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let (belfry, subscription) = desk.paired(&service).await?;
    desk.send(&subscription, &titled("Waiting")).await?;
    // It connects with the profile's identity, so the push may be handed to it.
    belfry.add_site("Builds", &[]).await?;
    let _run = again(&belfry, &service).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Waiting");
    assert_eq!(history(&belfry).await?, ["Waiting"]);
    Ok(())
}
