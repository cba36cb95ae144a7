//! A push on its way, step by step and with real parts: `demo [--headless] [FOLDER]`.
//!
//! On a desktop the notification appears there, and a click on it ends the demonstration. Without one (or with
//! `--headless`) it makes its own: a virtual display, a session bus, a keyring and dunst, whose drawing of the
//! notification is left in FOLDER (`target/demo` when not given).

mod stage;
mod steps;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use belfry_tests::belfry::{Belfry, PushService};
use belfry_tests::overheard::Overheard;
use belfry_tests::website::Website;
use serde_json::json;

use crate::stage::Stage;
use crate::steps::Steps;

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
    let mut run = belfry.run(&["--push-service", &service.websocket])?;
    run.next("connected").await?;
    steps.done("agent up", &format!("connected to {}", service.websocket));

    let outcome = pair_and_push(steps, &mut stage, &belfry, &mut run, folder).await;
    // Whatever happened: nothing stays in the keyring of the person whose desktop this is.
    let _ = run.terminate().await;
    let forgotten = stage.forget_keys(belfry.profile()).await;
    outcome?;
    forgotten.context("delete the demonstration's keys from the keyring")?;
    steps.finished();
    Ok(())
}

async fn pair_and_push(
    steps: &mut Steps,
    stage: &mut Stage,
    belfry: &Belfry,
    run: &mut belfry_tests::belfry::Run,
    folder: PathBuf,
) -> Result<()> {
    let mut website = Website::start().await?;
    let subscription = belfry.add_site("Backups", &["--url", &website.url("/")]).await?;
    // The rest of an endpoint is a secret.
    let endpoint = subscription.parsed.endpoint.origin();
    steps.done("site paired", &format!("“Backups” may post to {endpoint}/wpush/…"));

    let mut overheard = Overheard::start(&stage.session).await?;
    let to = stage.session.file("subscription.json", &subscription.line)?;
    let payload = stage.session.file("push.json", document(&website))?;
    let send = [OsStr::new("send"), "--to".as_ref(), to.as_ref(), "--payload".as_ref(), payload.as_ref()];
    let answer = belfry.command(send).await?;
    let [first, second] = BUTTONS.map(|(label, _)| label);
    steps.done("push sent", answer.lines().next().unwrap_or_default());
    steps.detail("title", TITLE);
    steps.detail("body", BODY);
    steps.detail("image", &website.url("/disk.png"));
    steps.detail("buttons", &format!("[{first}] [{second}]"));

    let push = run.next("push").await?;
    ensure!(push.get("disposition").is_some_and(|it| it == "shown"), "the push was not shown: {push}");
    let heard = overheard.next(TITLE).await?;
    ensure!(heard.body.contains(BODY), "another text was shown: {heard:?}");
    steps.done("notification shown", &format!("{} | {}", heard.summary, heard.body.replace('\n', " | ")));
    let buttons: Vec<_> = heard.buttons.iter().map(|label| format!("[{label}]")).collect();
    steps.detail("buttons", &buttons.join(" "));
    if let Some(picture) = stage.picture(&folder).await? {
        steps.done("screenshot", &picture.display().to_string());
    }

    let link = website.url(PAGE);
    if let Some(opened) = stage.click().await? {
        if opened != link {
            bail!("{opened} was opened instead of {link}");
        }
    } else {
        println!("          click the notification within two minutes …");
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(120), website.visited(PAGE));
        waiting.await.context("nobody clicked the notification")??;
    }
    steps.done("link opened", &link);
    if stage.keeps_history() {
        let (title, body) = stage.close(&mut overheard).await?;
        ensure!(title == TITLE && body.contains(BODY), "dunst has kept another text: {title} | {body}");
    }
    Ok(())
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
