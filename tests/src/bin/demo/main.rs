//! A push on its way, step by step and with real parts: `demo [--headless] [FOLDER]`.
//!
//! On a desktop the window and the notification appear there, and a click on the latter ends the demonstration. Without one
//! (or with `--headless`) it makes its own: a virtual display, a session bus, a keyring and dunst. Pictures of the window,
//! and of the notification where it draws one, are left in FOLDER (`target/demo` when not given).

mod stage;
mod steps;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use belfry_tests::belfry::{Belfry, PushService};
use belfry_tests::desktop::Desktop;
use belfry_tests::overheard::Overheard;
use belfry_tests::page::Page;
use belfry_tests::website::Website;
use serde_json::json;
use webpush::PushSubscription;

use crate::stage::Stage;
use crate::steps::Steps;

const SITE: &str = "Backups";
const TITLE: &str = "Backup finished";
const BODY: &str = "42 GB in 12 minutes. The disk is 71 % full.";
const BUTTONS: [(&str, &str); 2] = [("Show log", "/log"), ("Run again", "/again")];
const PAGE: &str = "/backups/42";

#[tokio::main]
async fn main() -> ExitCode {
    let mut headless = !stage::has_desktop();
    let mut folder = PathBuf::from("target/demo");
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--headless") => headless = true,
            Some(option) if option.starts_with('-') => {
                eprintln!("usage: demo [--headless] [FOLDER]");
                return ExitCode::from(2);
            }
            _ => folder = argument.into(),
        }
    }
    let mut steps = Steps::start();
    match play(&mut steps, headless, folder).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: failed after `{}`: {error:#}", steps.last());
            ExitCode::FAILURE
        }
    }
}

async fn play(steps: &mut Steps, headless: bool, folder: PathBuf) -> Result<()> {
    let mut stage = if headless { Stage::headless().await? } else { Stage::desktop().await? };
    steps.done("desktop", &stage.describe().await?);

    let data = stage.session.folder().join("push-service");
    let service = PushService::start(&stage.session, &data, &[]).await?;
    steps.done("service up", &service.endpoint);

    let belfry = Belfry::new(&stage.session, stage.session.folder().join("profile"))?;
    let outcome = receive(steps, &mut stage, &belfry, &service, &folder).await;
    // Whatever happened: nothing stays in the keyring of the person whose desktop this is.
    let forgotten = stage.forget_keys(belfry.profile()).await;
    outcome?;
    forgotten.context("delete the demonstration's keys from the keyring")?;
    steps.finished();
    Ok(())
}

async fn receive(
    steps: &mut Steps,
    stage: &mut Stage,
    belfry: &Belfry,
    service: &PushService,
    folder: &Path,
) -> Result<()> {
    let app =
        Desktop::start_driven(&stage.session, belfry.profile(), &["--push-service", &service.websocket])?;
    stage.window(belfry).await?;
    let page = Page::of(&stage.session, &app).await?;
    let connection = page.find_with("connection", "Connected").await?.text().await?;
    steps.done("app up", &connection.to_lowercase());

    let outcome = pair_and_push(steps, stage, belfry, &page, folder).await;
    // Its last pictures too want a page that is there.
    drop(page);
    let (status, stderr) = app.terminate().await?;
    outcome?;
    ensure!(status.success(), "the app ended with {status}: {stderr}");

    if stage.darken() {
        let nothing: [&str; 0] = [];
        let app = Desktop::start_driven(&stage.session, belfry.profile(), &nothing)?;
        stage.window(belfry).await?;
        let page = Page::of(&stage.session, &app).await?;
        page.find_with("connection", "Connected").await?;
        show(stage, &page, "dark", folder).await?;
        drop(page);
        app.terminate().await?;
        steps.done("once more in the dark", "everything is still there");
    }
    Ok(())
}

async fn pair_and_push(
    steps: &mut Steps,
    stage: &mut Stage,
    belfry: &Belfry,
    page: &Page,
    folder: &Path,
) -> Result<()> {
    let mut website = Website::start().await?;
    page.click("nav-sites").await?;
    page.click("site-add").await?;
    page.type_into("site-name", SITE).await?;
    page.type_into("site-url", &website.url("/")).await?;
    page.click("site-add-submit").await?;
    page.find("copy-subscription").await?;
    let subscription = stage.copy_subscription(page, belfry, SITE).await?;
    // The rest of an endpoint is a secret.
    let parsed: PushSubscription = serde_json::from_str(&subscription).context("a subscription")?;
    steps.done("site paired", &format!("“{SITE}” may post to {}/wpush/…", parsed.endpoint.origin()));

    let mut overheard = Overheard::start(&stage.session).await?;
    let to = stage.session.file("subscription.json", &subscription)?;
    let payload = stage.session.file("push.json", document(&website))?;
    let send = [OsStr::new("send"), "--to".as_ref(), to.as_ref(), "--payload".as_ref(), payload.as_ref()];
    let answer = belfry.command(send).await?;
    let [first, second] = BUTTONS.map(|(label, _)| label);
    steps.done("push sent", answer.lines().next().unwrap_or_default());
    steps.detail("title", TITLE);
    steps.detail("body", BODY);
    steps.detail("image", &website.url("/disk.png"));
    steps.detail("buttons", &format!("[{first}] [{second}]"));

    let heard = overheard.next(TITLE).await?;
    ensure!(heard.body.contains(BODY), "another text was shown: {heard:?}");
    steps.done("notification shown", &format!("{} | {}", heard.summary, heard.body.replace('\n', " | ")));
    let buttons: Vec<_> = heard.buttons.iter().map(|label| format!("[{label}]")).collect();
    steps.detail("buttons", &buttons.join(" "));
    if let Some(picture) = stage.picture(folder).await? {
        steps.done("screenshot", &picture.display().to_string());
    }

    page.click("nav-inbox").await?;
    page.find_with("inbox-entry", TITLE).await?;
    steps.done("message in the inbox", &format!("{TITLE}, without reloading"));

    let link = website.url(PAGE);
    if let Some(opened) = stage.click().await? {
        if opened != link {
            bail!("{opened} was opened instead of {link}");
        }
    } else {
        println!("          click the notification within two minutes …");
        let opened = [PAGE.to_owned()];
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(120), website.visited(&opened));
        waiting.await.context("nobody clicked the notification")??;
    }
    steps.done("link opened", &link);
    if stage.keeps_history() {
        let (title, body) = stage.close(&mut overheard).await?;
        ensure!(title == TITLE && body.contains(BODY), "dunst has kept another text: {title} | {body}");
    }
    if let Some(picture) = show(stage, page, "light", folder).await? {
        steps.done("screenshots", &picture.display().to_string());
    }
    Ok(())
}

/// Visits each page, and leaves a picture of it where nobody else is looking. Returns the first.
async fn show(stage: &Stage, page: &Page, theme: &str, folder: &Path) -> Result<Option<PathBuf>> {
    let mut pictures = Vec::new();
    for (place, listed, shown) in [
        ("inbox", Some("inbox-entry"), "entry-title"),
        ("sites", Some("site-entry"), "copy-subscription"),
        ("settings", None, "push-service-own"),
    ] {
        page.click(&format!("nav-{place}")).await?;
        if let Some(listed) = listed {
            page.click(listed).await?;
        }
        page.find(shown).await?;
        page.drawn().await?;
        pictures.extend(stage.window_picture(&folder.join(format!("{place}-{theme}.png"))).await?);
    }
    Ok(pictures.into_iter().next())
}

/// The document an application server would send.
fn document(website: &Website) -> String {
    let actions: Vec<_> = BUTTONS
        .iter()
        .map(|(label, path)| json!({ "action": path, "title": label, "navigate": website.url(path) }))
        .collect();
    let members = json!({ "body": BODY, "image": website.url("/disk.png"), "actions": actions });
    belfry_tests::desk::declarative(TITLE, &website.url(PAGE), members)
}
