//! Draws the pictures in `docs/notifications`: `notifications [FOLDER]`. Real pushes through a real receiver, on a virtual
//! display, by each of two real notification daemons.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use belfry_tests::belfry::{Belfry, PushService, Subscription};
use belfry_tests::desk::declarative;
use belfry_tests::display::Display;
use belfry_tests::dunst::Dunst;
use belfry_tests::session::{Session, wait_until_free};
use belfry_tests::website::Website;
use belfry_tests::xfce::Xfce;
use serde_json::{Value, json};

/// What each daemon owns on the bus.
const NAME: &str = "org.freedesktop.Notifications";

const TITLE: &str = "Backup finished";

/// Neither the daemons' light nor their dark.
const BACKGROUND: u32 = 0x0076_8390;

#[tokio::main]
async fn main() -> Result<()> {
    let folder =
        std::env::args_os().nth(1).map_or_else(|| PathBuf::from("docs/notifications"), PathBuf::from);
    let mut session = Session::start().await?;
    let display = Display::start(&mut session).await?;
    display.paint(BACKGROUND)?;
    let website = Website::start().await?;
    let service = PushService::start(&session, &session.folder().join("push-service"), &[]).await?;
    let belfry = Belfry::new(&session, session.folder().join("profile"))?;
    let mut run = belfry.run(&["--push-service", &service.websocket])?;
    run.next("connected").await?;
    let site = belfry.add_site("Backups", &["--url", &website.url("/")]).await?;
    belfry.command(["site", "set", "Backups", "burst=off"]).await?;
    let sender = Sender { session: &session, belfry: &belfry, site: &site };
    let drawn = session.folder().join("drawn");
    for (name, document) in scenes(&website) {
        // Each is drawn by a daemon that has drawn nothing before.
        let dunst = Dunst::start(&session).await?;
        sender.send(&document).await?;
        keep(&dunst.picture(&drawn).await?, &folder.join(format!("dunst-{name}.png")))?;
        drop(dunst);
        wait_until_free(session.bus(), NAME).await?;
        let xfce = Xfce::start(&session).await?;
        sender.send(&document).await?;
        keep(&xfce.picture(&drawn).await?, &folder.join(format!("xfce4-notifyd-{name}.png")))?;
        drop(xfce);
        wait_until_free(session.bus(), NAME).await?;
    }
    Ok(())
}

/// What is drawn: a name for the picture, and the document that is sent.
fn scenes(website: &Website) -> [(&'static str, String); 4] {
    let text = json!({ "body": "42 GB in 12 minutes. The disk is 71 % full.", "requireInteraction": true });
    let with = |members: Value| {
        let mut all = text.clone();
        if let (Some(all), Value::Object(members)) = (all.as_object_mut(), members) {
            all.extend(members);
        }
        all
    };
    let linked = |members| declarative(TITLE, &website.url("/backups/42"), with(members));
    let actions = json!([
        { "action": "log", "title": "Show log", "navigate": website.url("/log") },
        { "action": "again", "title": "Run again", "navigate": website.url("/again") },
    ]);
    let (icon, image) = (website.url("/icon.png"), website.url("/disk.png"));
    [
        // A declarative document always has a link.
        ("text", with(json!({ "title": TITLE })).to_string()),
        ("icon", linked(json!({ "icon": icon }))),
        ("actions", linked(json!({ "actions": actions }))),
        ("image-actions", linked(json!({ "icon": icon, "image": image, "actions": actions }))),
    ]
}

struct Sender<'a> {
    session: &'a Session,
    belfry: &'a Belfry,
    site: &'a Subscription,
}

impl Sender<'_> {
    async fn send(&self, document: &str) -> Result<()> {
        let to = self.session.file("to.json", &self.site.line)?;
        let arguments =
            [OsStr::new("send"), "--to".as_ref(), to.as_os_str(), "--payload".as_ref(), "-".as_ref()];
        self.belfry.feed(arguments, document).await.map(drop)
    }
}

fn keep(picture: &Path, file: &Path) -> Result<()> {
    fs::create_dir_all(file.parent().context("a folder")?)?;
    fs::copy(picture, file).with_context(|| format!("write {}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}
