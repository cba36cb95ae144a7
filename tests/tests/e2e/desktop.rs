//! The app as a process: one per profile, started once more, closed, and beside the command line.

use anyhow::Result;
use belfry_tests::desk::{Desk, titled};
use belfry_tests::desktop::{Desktop, launch};
use belfry_tests::screen::Screen;
use belfry_tests::tray::Panel;
use serde_json::json;

#[tokio::test]
async fn the_command_line_reaches_the_running_app() -> Result<()> {
    let mut desk = Desk::start().await?;
    let _screen = Screen::start(&mut desk.session).await?;
    let mut panel = Panel::start(&desk.session).await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let options = ["--hidden", "--push-service", &service.websocket];
    let app = Desktop::start(&desk.session, belfry.profile(), &options)?;
    panel.icon().await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let sites = belfry.json(["site", "list"]).await?;
    assert_eq!((sites.len(), &sites[0]["name"]), (1, &json!("Backups")));
    assert_eq!(belfry.error_code(["run"]).await?, "profile-in-use");
    desk.send(&subscription, &titled("Shown")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Shown");
    assert_eq!(belfry.json(["inbox"]).await?.len(), 1);
    let (status, stderr) = app.terminate().await?;
    assert!(status.success(), "{status}: {stderr}");
    Ok(())
}

#[tokio::test]
async fn a_second_launch_shows_the_window_of_the_first_and_brings_it_to_the_front() -> Result<()> {
    let mut desk = Desk::start().await?;
    let mut screen = Screen::start(&mut desk.session).await?;
    let mut panel = Panel::start(&desk.session).await?;
    let belfry = desk.profile("p")?;
    let mut app = Desktop::start(&desk.session, belfry.profile(), &["--hidden"])?;
    panel.icon().await?;
    launch(&desk.session, belfry.profile(), &["--hidden"]).await?;
    launch(&desk.session, belfry.profile(), &[]).await?;
    let window = screen.shown().await?;
    assert_eq!(window.title, "Belfry");
    for options in [&[][..], &["--add"]] {
        screen.cover().await?;
        launch(&desk.session, belfry.profile(), options).await?;
        screen.raised(&window).await?;
    }
    launch(&desk.session, belfry.profile(), &["--quit"]).await?;
    let (status, stderr) = app.ended().await?;
    assert!(status.success(), "{status}: {stderr}");
    // With nothing to end it ends itself, and no other one is left behind.
    launch(&desk.session, belfry.profile(), &["--quit"]).await?;
    assert!(belfry.json(["site", "list"]).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn where_another_process_receives_the_app_is_a_window_that_ends_when_it_is_closed() -> Result<()> {
    let mut desk = Desk::start().await?;
    let mut screen = Screen::start(&mut desk.session).await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;
    let mut run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("Backups", &[]).await?;
    let nothing: [&str; 0] = [];
    let mut app = Desktop::start(&desk.session, belfry.profile(), &nothing)?;
    let window = screen.shown().await?;
    screen.drawn(&window).await?;
    screen.close(&window)?;
    let (status, stderr) = app.ended().await?;
    assert!(status.success(), "{status}: {stderr}");
    desk.send(&subscription, &titled("Still here")).await?;
    assert_eq!(run.next("push").await?["title"], "Still here");

    // Without a window it would be nothing.
    let mut app = Desktop::start(&desk.session, belfry.profile(), &["--hidden"])?;
    let (status, stderr) = app.ended().await?;
    assert!(status.success() && stderr.contains("another process receives"), "{status}: {stderr}");
    Ok(())
}

#[tokio::test]
async fn without_a_tray_closing_the_window_asks_once_whether_to_go_on_receiving() -> Result<()> {
    let mut desk = Desk::start().await?;
    let mut screen = Screen::start(&mut desk.session).await?;
    let service = desk.service().await?;
    let (belfry, subscription) = desk.paired(&service).await?;
    let options = ["--push-service", &service.websocket];
    let app = Desktop::start(&desk.session, belfry.profile(), &options)?;
    let window = screen.shown().await?;
    screen.drawn(&window).await?;
    desk.send(&subscription, &titled("With a window")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "With a window");

    screen.close(&window)?;
    let question = screen.shown().await?;
    screen.drawn(&question).await?;
    screen.press(&question, "Return").await?;
    screen.hidden(&window).await?;
    desk.send(&subscription, &titled("Without one")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Without one");

    // The answer holds from now on.
    launch(&desk.session, belfry.profile(), &[]).await?;
    let window = screen.shown().await?;
    screen.drawn(&window).await?;
    screen.close(&window)?;
    screen.hidden(&window).await?;
    desk.send(&subscription, &titled("As before")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "As before");
    let (status, stderr) = app.terminate().await?;
    assert!(status.success(), "{status}: {stderr}");
    Ok(())
}
