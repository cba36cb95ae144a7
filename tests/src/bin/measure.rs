//! What the app takes: memory without a window, with one, and after it was closed, and the time until a window is there.
//!
//! Started by hand, with the programs to measure: `BELFRY_TEST_BIN_DIR=target/release cargo run --bin measure`. It makes its
//! own display, session and push service. Memory is the sum over the app's processes of what each has to itself and its share
//! of the rest (PSS); the programs of the desktop are not in it.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::desktop::Desktop;
use belfry_tests::screen::{Screen, Window};
use belfry_tests::tray::{Icon, Panel};

/// How long nothing may be asked of the app before its memory is read: it frees some of it only when it has nothing to do.
const REST: Duration = Duration::from_secs(5);
const WINDOWS: usize = 5;

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<()> {
    let mut desk = Desk::start().await?;
    let mut screen = Screen::start(&mut desk.session).await?;
    let mut panel = Panel::start(&desk.session).await?;
    let service = desk.service().await?;
    let belfry = desk.profile("p")?;

    let options = ["--hidden", "--push-service", &service.websocket];
    let started = Instant::now();
    let app = Desktop::start(&desk.session, belfry.profile(), &options)?;
    let mut icon = panel.icon().await?;
    println!("{:>6} ms  from the start to the icon", started.elapsed().as_millis());

    let subscription = belfry.add_site("Backups", &[]).await?;
    desk.send(&subscription, &titled("Hello")).await?;
    desk.notifications.next().await?;
    report("hidden, one message received", &app).await?;

    for number in 1..=WINDOWS {
        let window = open(&mut icon, &mut screen, number).await?;
        if number == WINDOWS {
            report("window open", &app).await?;
        }
        screen.close(&window)?;
        screen.hidden(&window).await?;
        for page in app.pages()? {
            page.ended().await?;
        }
    }
    report("window closed again", &app).await?;
    app.terminate().await?;
    Ok(())
}

/// Chooses "Open Belfry" in the tray.
async fn open(icon: &mut Icon, screen: &mut Screen, number: usize) -> Result<Window> {
    let lines = icon.menu.lines().await?;
    let label = lines.iter().map(|line| line.label.clone()).find(|label| label.starts_with("Open Belfry"));
    let label = label.context("the line that opens the window")?;
    let clicked = Instant::now();
    icon.menu.choose(&[&label]).await?;
    let window = screen.shown().await?;
    let shown = clicked.elapsed();
    screen.drawn(&window).await?;
    println!(
        "{:>6} ms  from the click to window {number}, {} ms until its page is drawn",
        shown.as_millis(),
        clicked.elapsed().as_millis()
    );
    Ok(window)
}

async fn report(when: &str, app: &Desktop) -> Result<()> {
    tokio::time::sleep(REST).await;
    let mut total = 0;
    let mut parts = Vec::new();
    for part in app.parts()? {
        let memory = part.memory()?;
        total += memory;
        parts.push(format!("{} {}", part.name, megabytes(memory)));
    }
    println!("{:>6} MB  {when}: {}", megabytes(total), parts.join(", "));
    Ok(())
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}
