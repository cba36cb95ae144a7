//! What a person does with the tray's icon: the menu is the real one, read and clicked over the bus as a panel does it.

use anyhow::Result;
use belfry_tests::belfry::{Belfry, PushService, Subscription};
use belfry_tests::desk::{Desk, titled};
use belfry_tests::desktop::Desktop;
use belfry_tests::menu::Line;
use belfry_tests::screen::Screen;
use belfry_tests::senders::{Sender, Sending};
use belfry_tests::tray::{Icon, Panel};
use serde_json::json;

const SITE: [&str; 2] = ["Sites", "Backups"];

/// A person's desktop with the app in its tray, and one site.
struct Tray {
    icon: Icon,
    subscription: Subscription,
    app: Desktop,
    belfry: Belfry,
    service: PushService,
    panel: Panel,
    screen: Screen,
    desk: Desk,
}

impl Tray {
    async fn start() -> Result<Self> {
        let mut desk = Desk::start().await?;
        let screen = Screen::start(&mut desk.session).await?;
        let mut panel = Panel::start(&desk.session).await?;
        let service = desk.service().await?;
        let belfry = desk.profile("p")?;
        let app = start(&desk, &belfry, &service)?;
        let icon = panel.icon().await?;
        let subscription = belfry.add_site("Backups", &[]).await?;
        Ok(Self { icon, subscription, app, belfry, service, panel, screen, desk })
    }

    /// Chooses a line of the site's menu, and waits until these lines are on, and no others.
    async fn set(&mut self, label: &str, on: &[&str]) -> Result<()> {
        set(&mut self.icon, label, on).await
    }

    /// Returns once the menu's first line is this.
    async fn headline(&mut self, text: &str) -> Result<()> {
        self.icon.menu.until(&[text], |line| !line.enabled).await.map(drop)
    }

    async fn push(&self, title: &str) -> Result<()> {
        self.desk.send(&self.subscription, &titled(title)).await.map(drop)
    }

    /// Titles and dispositions in the site's history, oldest first.
    async fn history(&self) -> Result<Vec<[String; 2]>> {
        let entries = self.belfry.json(["inbox", "--site", "Backups"]).await?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        Ok(entries.iter().rev().map(|it| [text(&it["title"]), text(&it["disposition"])]).collect())
    }
}

fn start(desk: &Desk, belfry: &Belfry, service: &PushService) -> Result<Desktop> {
    let options = ["--hidden", "--push-service", &service.websocket];
    Desktop::start(&desk.session, belfry.profile(), &options)
}

/// A line that was chosen is on at once, whatever comes of it; what else is on only the app can change.
async fn set(icon: &mut Icon, label: &str, on: &[&str]) -> Result<()> {
    icon.menu.choose(&[&SITE[..], &[label]].concat()).await?;
    let checked = |line: &&Line| line.checked == Some(true);
    let wanted = |site: &Line| {
        site.lines.iter().filter(checked).map(|line| line.label.as_str()).eq(on.iter().copied())
    };
    icon.menu.until(&SITE, wanted).await.map(drop)
}

#[tokio::test]
async fn a_site_is_blocked_and_allowed_again() -> Result<()> {
    let mut it = Tray::start().await?;
    let labels =
        |lines: &[Line]| -> Vec<_> { lines.iter().map(|line| (line.label.clone(), line.checked)).collect() };
    let site = it.icon.menu.until(&SITE, |_| true).await?;
    let expected = [
        ("Allowed", Some(true)),
        ("Alerts", Some(true)),
        ("Quiet", Some(false)),
        ("History only", Some(false)),
        ("Block", Some(false)),
        ("Copy subscription", None),
    ];
    assert_eq!(labels(&site.lines), expected.map(|(label, checked)| (label.to_owned(), checked)));

    let send = async |it: &Tray, title: &str| {
        let payload = titled(title);
        let sending =
            Sending { subscription: &it.subscription, payload: &payload, ca: None, vapid_key: None };
        Sender::Pywebpush.send(&it.desk.session, &sending).await
    };
    let witness = it.belfry.add_site("Witness", &[]).await?;
    it.set("Block", &["Block"]).await?;
    send(&it, "Unwanted").await?;
    it.desk.taken_in(&witness).await?;
    it.set("Allowed", &["Allowed", "Alerts"]).await?;
    send(&it, "Wanted").await?;
    let shown = it.desk.notifications.next().await?;
    assert_eq!((shown.summary.as_str(), shown.has_sound()), ("Wanted", true));
    assert!(it.desk.notifications.already_shown().is_none());
    assert_eq!(it.history().await?, [["Wanted", "shown"]]);
    Ok(())
}

#[tokio::test]
async fn a_site_is_heard_seen_or_only_kept() -> Result<()> {
    let mut it = Tray::start().await?;
    let witness = it.belfry.add_site("Witness", &[]).await?;
    it.set("History only", &["Allowed", "History only"]).await?;
    it.push("Kept").await?;
    it.desk.taken_in(&witness).await?;
    it.set("Quiet", &["Allowed", "Quiet"]).await?;
    it.push("Seen").await?;
    let shown = it.desk.notifications.next().await?;
    assert_eq!((shown.summary.as_str(), shown.is_silenced()), ("Seen", true));
    it.set("Alerts", &["Allowed", "Alerts"]).await?;
    it.push("Heard").await?;
    let shown = it.desk.notifications.next().await?;
    assert_eq!((shown.summary.as_str(), shown.is_silenced()), ("Heard", false));
    assert_eq!(it.history().await?, [["Kept", "recorded"], ["Seen", "shown"], ["Heard", "shown"]]);
    Ok(())
}

#[tokio::test]
async fn do_not_disturb_is_switched_in_the_menu_and_by_the_desktop_entrys_action() -> Result<()> {
    let mut it = Tray::start().await?;
    const AWAKE: &str = "Connected to this computer";
    const ASLEEP: &str = "Connected to this computer · Do not disturb";
    let switch = ["Do not disturb"];
    it.headline(AWAKE).await?;
    assert_eq!(it.icon.menu.line(&switch).await?.checked, Some(false));
    let awake = it.icon.picture().await?;

    it.icon.menu.choose(&switch).await?;
    it.headline(ASLEEP).await?;
    assert_eq!(it.icon.menu.line(&switch).await?.checked, Some(true));
    let asleep = it.icon.picture().await?;
    assert_ne!(awake, asleep);
    assert!(asleep.starts_with(it.belfry.profile()) && asleep.is_file(), "{}", asleep.display());
    it.push("At night").await?;
    it.icon.menu.until(&["Open Belfry (1 unread)"], |_| true).await?;
    it.icon.menu.choose(&switch).await?;
    it.headline(AWAKE).await?;

    for (headline, title) in [(ASLEEP, "At night again"), (AWAKE, "In the morning")] {
        belfry_tests::desktop::launch(&it.desk.session, it.belfry.profile(), &["--do-not-disturb"]).await?;
        it.headline(headline).await?;
        it.push(title).await?;
        let entries = if headline == ASLEEP { 2 } else { 3 };
        it.icon.menu.until(&[&format!("Open Belfry ({entries} unread)")], |_| true).await?;
    }
    assert_eq!(it.desk.notifications.next().await?.summary, "In the morning");
    assert!(it.desk.notifications.already_shown().is_none());
    let expected = [["At night", "recorded"], ["At night again", "recorded"], ["In the morning", "shown"]];
    assert_eq!(it.history().await?, expected);
    assert!(it.app.web_parts()?.is_empty(), "none of that needs a window");
    Ok(())
}

#[tokio::test]
async fn a_subscription_is_copied_and_nothing_more() -> Result<()> {
    let mut it = Tray::start().await?;
    it.belfry.add_site("R&D_x", &[]).await?;
    for (name, line) in [("Backups", Some(&it.subscription.line)), ("R&D_x", None)] {
        it.icon.menu.choose(&["Sites", name, "Copy subscription"]).await?;
        it.screen.copied().await?;
        let printed = it.belfry.command(["site", "show", name, "--subscription"]).await?;
        let copied = it.screen.clipboard().await?;
        assert_eq!(format!("{copied}\n"), printed);
        assert!(line.is_none_or(|line| *line == copied), "{copied}");
    }
    Ok(())
}

#[tokio::test]
async fn open_shows_the_window_and_closing_it_leaves_the_receiver() -> Result<()> {
    let mut it = Tray::start().await?;
    assert!(it.app.web_parts()?.is_empty());
    for round in ["First", "Second"] {
        it.icon.menu.choose(&["Open Belfry"]).await?;
        let window = it.screen.shown().await?;
        assert_eq!(window.title, "Belfry");
        it.screen.drawn(&window).await?;
        let pages = it.app.pages()?;
        assert!(!pages.is_empty());
        it.screen.close(&window)?;
        it.screen.hidden(&window).await?;
        for page in pages {
            page.ended().await?;
        }
        it.push(round).await?;
        let shown = it.desk.notifications.next().await?;
        assert_eq!(shown.summary, round);
        it.desk.notifications.click(&shown, None).await?;
        it.desk.opener.next().await?;
    }
    Ok(())
}

#[tokio::test]
async fn quit_ends_the_app_and_loses_nothing() -> Result<()> {
    let mut it = Tray::start().await?;
    let titles = ["One", "Two", "Three", "Four", "Five"];
    for title in titles {
        it.push(title).await?;
    }
    assert_eq!(it.desk.notifications.next().await?.summary, "One");
    it.icon.menu.choose(&["Quit"]).await?;
    let (status, stderr) = it.app.ended().await?;
    assert!(status.success(), "{status}: {stderr}");
    let stored = it.history().await?;
    assert_eq!(stored[0], ["One", "shown"]);

    // Whatever had not come by then is still at the push service.
    let app = start(&it.desk, &it.belfry, &it.service)?;
    it.icon = it.panel.icon().await?;
    it.push("Last").await?;
    while it.desk.notifications.next().await?.summary != "Last" {}
    let all: Vec<_> = it.history().await?.into_iter().map(|[title, _]| title).collect();
    assert_eq!(all, [&titles[..], &["Last"]].concat());
    drop(app);
    Ok(())
}

#[tokio::test]
async fn a_panel_that_comes_later_or_once_more_gets_the_icon() -> Result<()> {
    let mut desk = Desk::start().await?;
    let _screen = Screen::start(&mut desk.session).await?;
    let service = desk.service().await?;
    let (belfry, subscription) = desk.paired(&service).await?;
    let app = start(&desk, &belfry, &service)?;
    desk.send(&subscription, &titled("Early")).await?;
    assert_eq!(desk.notifications.next().await?.summary, "Early");
    for (state, on) in [("Quiet", &["Allowed", "Quiet"][..]), ("Block", &["Block"])] {
        let mut panel = Panel::start(&desk.session).await?;
        set(&mut panel.icon().await?, state, on).await?;
    }
    assert_eq!(belfry.json(["site", "show", "Backups"]).await?[0]["state"], json!("blocked"));
    let (status, stderr) = app.terminate().await?;
    assert!(status.success(), "{status}: {stderr}");
    Ok(())
}
