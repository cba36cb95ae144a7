//! What a person does in the window: the real one, with the real receiver behind it, used through WebDriver.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use belfry_tests::belfry::{Belfry, PushService, Subscription};
use belfry_tests::desk::{Desk, declarative, titled};
use belfry_tests::desktop::Desktop;
use belfry_tests::page::Page;
use belfry_tests::screen::{Screen, Window};
use belfry_tests::senders::{Sender, Sending};
use belfry_tests::tray::Panel;
use serde_json::json;
use tokio::time::timeout;

/// A person's desktop with a panel, and a push service.
struct Room {
    service: PushService,
    belfry: Belfry,
    panel: Panel,
    screen: Screen,
    desk: Desk,
}

impl Room {
    async fn enter() -> Result<Self> {
        let mut desk = Desk::start().await?;
        let screen = Screen::start(&mut desk.session).await?;
        let panel = Panel::start(&desk.session).await?;
        let (service, belfry) = (desk.service().await?, desk.profile("p")?);
        Ok(Self { service, belfry, panel, screen, desk })
    }

    /// The app, receiving from the push service.
    fn start(&self, options: &[&str]) -> Result<Desktop> {
        let options = [&["--push-service", &self.service.websocket], options].concat();
        Desktop::start_driven(&self.desk.session, self.belfry.profile(), &options)
    }

    /// The window that is about to be shown.
    async fn window(&mut self, app: &Desktop) -> Result<(Window, Page)> {
        let window = self.screen.shown().await?;
        assert_eq!(window.title, "Belfry");
        Ok((window, Page::of(&self.desk.session, app).await?))
    }

    /// Adds the site `Backups` and copies its subscription, as a person does.
    async fn add_site(&mut self, page: &Page) -> Result<Subscription> {
        page.click("nav-sites").await?;
        page.click("site-add").await?;
        page.type_into("site-name", "Backups").await?;
        page.click("site-add-submit").await?;
        page.click("copy-subscription").await?;
        self.screen.copied().await?;
        Subscription::parse(&self.screen.clipboard().await?)
    }

    /// Names a file in the desktop's question for one, which is about to be shown.
    async fn name_file(&mut self, title: &str, file: &Path) -> Result<()> {
        let question = self.screen.shown().await?;
        assert_eq!(question.title, title);
        // To where one types it, and over what is there.
        self.screen.press(&question, "ctrl+l").await?;
        self.screen.press(&question, "ctrl+a").await?;
        self.screen.type_into(&question, file.to_str().context("a path that can be typed")?).await?;
        // GTK passes over what is pressed while it still reads the folder, and tells nobody when it has.
        for _ in 0..30 {
            // An error where it has gone meanwhile.
            let _ = self.screen.press(&question, "Return").await;
            if let Ok(hidden) = timeout(Duration::from_secs(2), self.screen.hidden(&question)).await {
                return hidden;
            }
        }
        bail!("{title:?} stays open")
    }

    /// A push by a real sender.
    async fn push(&self, subscription: &Subscription, payload: &str) -> Result<()> {
        let sending = Sending { subscription, payload, ca: None, vapid_key: None };
        Sender::Pywebpush.send(&self.desk.session, &sending).await
    }

    async fn shown(&mut self) -> Result<String> {
        Ok(self.desk.notifications.next().await?.summary)
    }
}

#[tokio::test]
async fn a_site_is_added_and_what_it_sends_is_in_the_inbox_at_once() -> Result<()> {
    let mut room = Room::enter().await?;
    let app = room.start(&[])?;
    let (window, page) = room.window(&app).await?;
    page.find_with("connection", "Connected").await?;

    let subscription = room.add_site(&page).await?;
    page.find_with("toast", "copied").await?;
    let printed = room.belfry.command(["site", "show", "Backups", "--subscription"]).await?;
    assert_eq!(printed, format!("{}\n", subscription.line));
    page.click("copy-endpoint").await?;
    room.screen.copied().await?;
    assert_eq!(room.screen.clipboard().await?, subscription.endpoint());

    page.click("nav-inbox").await?;
    page.run("window.sameAsBefore = true; arguments[0]();", &[]).await?;
    let members = json!({ "body": "42 GB & <b>12</b> minutes" });
    room.push(&subscription, &declarative("Backup finished", "https://example.com/42", members)).await?;
    assert_eq!(room.shown().await?, "Backup finished");
    page.find_with("inbox-unread-count", "1").await?;
    page.find_with("inbox-entry", "Backup finished").await?.click().await?;
    assert_eq!(page.find("entry-title").await?.text().await?, "Backup finished");
    assert_eq!(page.find("entry-body").await?.text().await?, "42 GB & <b>12</b> minutes");
    page.click("entry-open").await?;
    assert_eq!(room.desk.opener.next().await?.arguments, "https://example.com/42");
    page.gone("inbox-unread-count", "1").await?;
    page.drawn().await?;
    let picture = room.desk.session.folder().join("window.png");
    room.screen.picture(&window, &picture).await?;
    assert!(std::fs::read(picture)?.starts_with(b"\x89PNG"));
    assert_eq!(page.run("arguments[0](window.sameAsBefore);", &[]).await?, json!(true), "it was loaded anew");
    Ok(())
}

#[tokio::test]
async fn a_site_is_blocked_allowed_and_removed() -> Result<()> {
    let mut room = Room::enter().await?;
    let app = room.start(&[])?;
    room.panel.icon().await?;
    let (_window, page) = room.window(&app).await?;
    page.click("nav-sites").await?;
    let subscription = room.belfry.add_site("Backups", &[]).await?;
    page.click("site-entry").await?;
    let witness = room.belfry.add_site("Witness", &[]).await?;

    page.click("site-state-blocked").await?;
    page.find_with("site-entry", "Blocked").await?;
    room.push(&subscription, &titled("Unwanted")).await?;
    room.desk.taken_in(&witness).await?;
    page.click("site-state-alert").await?;
    page.find_with("site-entry", "Alerts").await?;
    room.push(&subscription, &titled("Wanted")).await?;
    assert_eq!(room.shown().await?, "Wanted");
    assert!(room.desk.notifications.already_shown().is_none());
    page.find_with("inbox-unread-count", "2").await?;
    assert_eq!(room.belfry.json(["inbox", "--site", "Backups"]).await?.len(), 1);

    page.click("site-remove").await?;
    page.click("site-remove-confirm").await?;
    page.find_with("toast", "removed").await?;
    page.gone("site-entry", "Backups").await?;
    assert_eq!(room.belfry.json(["site", "list"]).await?.len(), 1, "the witness stays");
    assert!(room.push(&subscription, &titled("Too late")).await.is_err(), "its endpoint is gone");
    Ok(())
}

#[tokio::test]
async fn the_first_run_asks_for_a_push_service_and_leads_to_the_first_site() -> Result<()> {
    let mut room = Room::enter().await?;
    let nothing: [&str; 0] = [];
    let app = Desktop::start_driven(&room.desk.session, room.belfry.profile(), &nothing)?;
    let (_window, page) = room.window(&app).await?;
    page.find("firstrun-continue").await?;
    let preselected = "arguments[0](document.querySelector('[data-testid=push-service-mozilla]').checked);";
    assert_eq!(page.run(preselected, &[]).await?, json!(true));
    page.click("push-service-own").await?;
    page.type_into("push-service-url", &room.service.websocket).await?;
    page.click("firstrun-continue").await?;
    page.type_into("site-name", "Backups").await?;
    page.click("site-add-submit").await?;
    page.click("copy-subscription").await?;
    room.screen.copied().await?;
    let subscription = Subscription::parse(&room.screen.clipboard().await?)?;
    assert!(subscription.endpoint().starts_with(&room.service.endpoint), "{}", subscription.endpoint());
    Ok(())
}

#[tokio::test]
async fn what_came_without_a_window_is_there_when_it_is_opened() -> Result<()> {
    let mut room = Room::enter().await?;
    let app = room.start(&["--hidden"])?;
    let mut icon = room.panel.icon().await?;
    let subscription = room.belfry.add_site("Backups", &[]).await?;
    room.push(&subscription, &titled("Early")).await?;
    assert_eq!(room.shown().await?, "Early");
    assert!(app.web_parts()?.is_empty(), "nothing of the web without a window: {:?}", app.parts()?);

    icon.menu.choose(&["Open Belfry (1 unread)"]).await?;
    let (window, page) = room.window(&app).await?;
    page.find_with("inbox-entry", "Early").await?;
    drop(page);
    room.screen.close(&window)?;
    room.screen.hidden(&window).await?;
    room.push(&subscription, &titled("Late")).await?;
    assert_eq!(room.shown().await?, "Late");
    Ok(())
}

#[tokio::test]
async fn a_window_on_the_receiver_of_another_process_is_a_window_like_any_other() -> Result<()> {
    let mut room = Room::enter().await?;
    let mut run = room.desk.run(&room.belfry, &room.service).await?;
    let mut app = room.start(&[])?;
    let (window, page) = room.window(&app).await?;
    let subscription = room.add_site(&page).await?;
    page.click("nav-inbox").await?;
    room.push(&subscription, &titled("Seen")).await?;
    assert_eq!(run.next("push").await?["title"], "Seen");
    page.find_with("inbox-entry", "Seen").await?;

    room.screen.close(&window)?;
    let (status, stderr) = app.ended().await?;
    assert!(status.success(), "{status}: {stderr}");
    room.push(&subscription, &titled("Still here")).await?;
    assert_eq!(run.next("push").await?["title"], "Still here");
    Ok(())
}

#[tokio::test]
async fn a_window_goes_on_receiving_when_the_process_that_did_has_ended() -> Result<()> {
    let mut room = Room::enter().await?;
    let run = room.desk.run(&room.belfry, &room.service).await?;
    let subscription = room.belfry.add_site("Backups", &[]).await?;
    let app = room.start(&[])?;
    let (_window, page) = room.window(&app).await?;
    page.find_with("connection", "Connected").await?;
    run.terminate().await?;
    room.panel.icon().await?;
    room.push(&subscription, &titled("Here now")).await?;
    assert_eq!(room.shown().await?, "Here now");
    page.find_with("inbox-entry", "Here now").await?;
    Ok(())
}

#[tokio::test]
async fn sites_move_to_another_profile_in_a_file_chosen_in_the_desktops_own_dialog() -> Result<()> {
    let mut room = Room::enter().await?;
    let file = room.desk.session.folder().join("sites.json");
    let old = room.start(&[])?;
    let (_window, page) = room.window(&old).await?;
    let subscription = room.belfry.add_site("Backups", &[]).await?;
    page.click("nav-settings").await?;
    page.click("sites-export").await?;
    page.click("sites-export-keys").await?;
    page.type_into("sites-passphrase", "correct horse").await?;
    page.type_into("sites-passphrase-again", "correct horse").await?;
    page.click("sites-export-save").await?;
    room.name_file("Export sites", &file).await?;
    let said = page.find("sites-exported").await?.text().await?;
    assert_eq!(Path::new(&said), file);
    let written = std::fs::read_to_string(&file)?;
    assert!(!written.contains("Backups") && !written.contains(&subscription.endpoint()), "{written}");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    drop(page);
    old.terminate().await?;

    room.belfry = room.desk.profile("other")?;
    let new = room.start(&[])?;
    let (_window, page) = room.window(&new).await?;
    page.click("nav-settings").await?;
    page.click("sites-import").await?;
    room.name_file("Import sites", &file).await?;
    page.type_into("sites-passphrase", "battery staple").await?;
    page.click("sites-import-confirm").await?;
    page.find_with("sites-import-problem", "passphrase is wrong").await?;
    let typed = "arguments[0](document.querySelector('[data-testid=sites-passphrase]').value);";
    assert_eq!(page.run(typed, &[]).await?, json!(""), "it is not kept in the page");
    page.type_into("sites-passphrase", "correct horse").await?;
    page.click("sites-import-confirm").await?;
    page.find_with("sites-imported", "Goes on with its subscription").await?;
    page.click("sites-import-done").await?;
    room.push(&subscription, &titled("Moved")).await?;
    assert_eq!(room.shown().await?, "Moved");
    Ok(())
}
