//! The process dies at a named place, and the next one goes on.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;

use anyhow::{Result, ensure};
use belfry_tests::desk::{Desk, titled};

/// SIGABRT.
const ABORTED: i32 = 6;

/// Sends so many pushes while nobody receives, lets a receiver die at `point`, and lets another go on. Checks that every
/// push is in the history exactly once; returns how often each was shown.
async fn shown_after(point: &str, pushes: usize) -> Result<BTreeMap<String, usize>> {
    let mut desk = Desk::start().await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    belfry.command(["site", "set", "Backups", "burst=off"]).await?;
    run.terminate().await?;
    let mut titles: Vec<_> = (0..pushes).map(|number| format!("Push {number:02}")).collect();
    for title in &titles {
        desk.send(&subscription, &titled(title)).await?;
    }
    let dying = belfry.clone().with("BELFRY_CRASH_AT", point).run(&["--push-service", &service.websocket])?;
    let status = dying.ended().await?;
    ensure!(status.signal() == Some(ABORTED), "it did not die at {point}: {status}");

    let mut run = desk.run(&belfry, &service).await?;
    // A live push overtakes what is stored: the last one is sent when everything else is there.
    desk.send(&subscription, &titled("Live")).await?;
    titles.push("Live".into());
    while belfry.json(["inbox"]).await?.len() < titles.len() {
        run.next("push").await?;
    }
    desk.send(&subscription, &titled("Last")).await?;
    titles.push("Last".into());
    let mut shown = BTreeMap::<String, usize>::new();
    while !shown.contains_key("Last") {
        *shown.entry(desk.notifications.next().await?.summary).or_default() += 1;
    }
    let mut history: Vec<_> = belfry
        .json(["inbox"])
        .await?
        .iter()
        .filter_map(|entry| Some(entry.get("title")?.as_str()?.to_owned()))
        .collect();
    history.sort();
    titles.sort();
    assert_eq!(history, titles, "{point}");
    assert!(desk.notifications.already_shown().is_none(), "{point}");
    assert!(shown.keys().eq(titles.iter().collect::<std::collections::BTreeSet<_>>()), "{point}: {shown:?}");
    Ok(shown)
}

#[tokio::test]
async fn between_commit_and_ack_nothing_is_lost_or_shown_twice() -> Result<()> {
    let shown = shown_after("after-commit", 3).await?;
    assert!(shown.values().all(|times| *times == 1), "{shown:?}");
    Ok(())
}

#[tokio::test]
async fn after_the_ack_what_was_not_shown_is_shown() -> Result<()> {
    // The notifications are under way by then: one may have been shown and not marked.
    let shown = shown_after("after-ack", 3).await?;
    assert!(shown.values().filter(|times| **times == 2).count() <= 1, "{shown:?}");
    assert!(shown.values().all(|times| *times <= 2), "{shown:?}");
    Ok(())
}

#[tokio::test]
async fn before_it_is_shown_nothing_is_shown_twice() -> Result<()> {
    for point in ["before-notify", "before-notify:2"] {
        let shown = shown_after(point, 3).await?;
        assert!(shown.values().all(|times| *times == 1), "{point}: {shown:?}");
    }
    Ok(())
}

#[tokio::test]
async fn only_between_the_servers_answer_and_the_mark_is_one_shown_again() -> Result<()> {
    let shown = shown_after("after-notify:2", 3).await?;
    assert_eq!(
        shown.into_values().collect::<Vec<_>>(),
        [1, 1, 1, 2, 1],
        "Last, Live, and the second of three twice"
    );
    Ok(())
}

#[tokio::test]
async fn in_the_middle_of_catching_up_nothing_is_lost_and_at_most_one_shown_twice() -> Result<()> {
    for point in ["mid-catch-up:2", "mid-catch-up:12"] {
        let shown = shown_after(point, 15).await?;
        // What an earlier read from the socket brought, be it a single push, is under way to the screen.
        let twice = shown.values().filter(|times| **times == 2).count();
        assert!(twice <= 1 && shown.values().all(|times| *times <= 2), "{point}: {shown:?}");
    }
    Ok(())
}
