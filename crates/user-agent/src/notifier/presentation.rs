//! What a notification becomes on a desktop: the members of W3C's `NotificationOptions` in the words of a server that
//! has certain capabilities. Nothing remote is ever left to the server to load: pictures come as pixels.

use jiff::{Timestamp, ZonedDateTime};
use url::Url;
use webpush::Urgency;
use webpush::payload::Action;

use super::{Popup, text};

/// The name notifications are shown under.
pub(super) const APP_NAME: &str = "Belfry";

/// The desktop file without its suffix: ties notifications to the program in the desktop's settings and history.
#[cfg(target_os = "linux")]
pub(super) const DESKTOP_ENTRY: &str = "belfry";

/// From the sound naming specification.
#[cfg(target_os = "linux")]
pub(super) const SOUND_NAME: &str = "message-new-instant";

/// About what servers show; a push holds more only to be a nuisance.
const TITLE_LIMIT: usize = 200;
const BODY_LIMIT: usize = 2_000;
const BODY_LINES: usize = 30;
const ORIGIN_LIMIT: usize = 100;
const LABEL_LIMIT: usize = 40;
const BUTTONS: usize = 3;

/// Chromium's time on screen for servers that keep no history.
const UNKEPT_MILLISECONDS: i32 = 25_000;

/// What a notification server can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Surface {
    body: bool,
    markup: bool,
    hyperlinks: bool,
    actions: bool,
    persistence: bool,
    sound: bool,
    /// Has a place of its own for who a notification is from.
    origin: bool,
    /// Keeps what asks to stay on screen until it is dismissed.
    stays: bool,
}

impl Surface {
    /// A freedesktop server of this name with these capabilities. No capability tells whether it minds how long a
    /// notification is to stay: as Chromium does, only Plasma is trusted to.
    #[cfg(target_os = "linux")]
    pub(super) fn of(name: &str, capabilities: &[String]) -> Self {
        let has = |name: &str| capabilities.iter().any(|capability| capability == name);
        Self {
            body: has("body"),
            markup: has("body-markup"),
            hyperlinks: has("body-hyperlinks"),
            actions: has("actions"),
            persistence: has("persistence"),
            sound: has("sound"),
            origin: has("x-kde-origin-name"),
            stays: name == "Plasma",
        }
    }

    /// macOS and Windows. Both have a line between title and body, which takes the origin.
    #[cfg(not(target_os = "linux"))]
    pub(super) const NATIVE: Self = Self {
        body: true,
        markup: false,
        hyperlinks: false,
        actions: true,
        persistence: true,
        sound: true,
        origin: true,
        stays: true,
    };
}

/// A notification as it is given to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Presentation {
    /// One line of plain text.
    pub(super) summary: String,
    /// Markup if the server has it, else plain text; empty where the server shows none.
    pub(super) body: String,
    /// Who it is from, where the server has a place for that; else it is part of the text.
    pub(super) origin: Option<String>,
    /// The label of a click on the notification itself.
    pub(super) default_action: Option<&'static str>,
    /// The labels of the first of `Notification::actions`.
    pub(super) buttons: Vec<String>,
    /// What to hear.
    pub(super) sound: Sound,
    /// Milliseconds; −1: the server decides, 0: until dismissed.
    pub(super) expire_timeout: i32,
    /// How far it may come to the fore.
    pub(super) urgency: Level,
}

/// `urgency` in the freedesktop specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Can wait.
    Low,
    /// Most.
    Normal,
    /// Stays on screen, and breaks the desktop's own do-not-disturb.
    Critical,
}

impl Level {
    /// Breaking do-not-disturb is not a sender's to decide: only what the user lets pass it may be critical, because it is
    /// urgent or because nothing else keeps it on this server's screen.
    fn of(popup: &Popup, surface: Surface) -> Self {
        let Popup { notification, passes_silence, .. } = popup;
        let must_stay = notification.require_interaction && !surface.stays;
        match notification.urgency {
            Some(Urgency::High) if *passes_silence => Self::Critical,
            _ if *passes_silence && must_stay => Self::Critical,
            Some(Urgency::VeryLow | Urgency::Low) => Self::Low,
            Some(Urgency::Normal | Urgency::High) | None => Self::Normal,
        }
    }

    /// As it is written in the hint.
    #[cfg(target_os = "linux")]
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::Critical => 2,
        }
    }
}

/// What to hear with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    /// Nothing.
    None,
    /// A sound the server is asked for.
    Named,
    /// What the server does by itself.
    Default,
}

impl Presentation {
    pub(super) fn new(popup: &Popup, surface: Surface, now: &ZonedDateTime) -> Self {
        let notification = &popup.notification;
        let origin = text::origin(popup.origin(), ORIGIN_LIMIT);
        let mut summary = title(popup, &origin);
        let mut body = String::new();
        let time = time_of(popup, now);
        let aim = notification.navigate.as_ref().and_then(|url| elsewhere(popup, url, ORIGIN_LIMIT));
        let aim = aim.map(|host| format!("Opens {host}"));
        let last: Vec<_> = [time, aim].into_iter().flatten().collect();
        let last = last.join(" · ");
        if surface.body {
            let from = (!surface.origin).then_some(origin.as_str());
            body = body_text(popup, surface, from, &last);
        } else {
            let rest = text::harmless(&text::line(&notification.body, TITLE_LIMIT));
            let rest = text::isolate(&rest, notification.dir);
            let from = if surface.origin { "" } else { &origin };
            let parts = [from, rest.as_ref(), last.as_str()];
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                summary.push_str(" – ");
                summary.push_str(part);
            }
        }
        let buttons = notification.actions.iter().enumerate().take(BUTTONS);
        Self {
            summary,
            body,
            origin: surface.origin.then_some(origin),
            default_action: (surface.actions && opens(popup)).then_some("Open"),
            buttons: buttons
                .filter(|_| surface.actions)
                .map(|(index, action)| label(index, action, popup))
                .collect(),
            sound: match popup.sound && notification.silent != Some(true) {
                false => Sound::None,
                true if surface.sound => Sound::Named,
                true => Sound::Default,
            },
            expire_timeout: match notification.require_interaction {
                true => 0,
                false if surface.persistence => -1,
                false => UNKEPT_MILLISECONDS,
            },
            urgency: Level::of(popup, surface),
        }
    }
}

/// Whether a click on it opens something: its link, or the window where a person has to do something there.
fn opens(popup: &Popup) -> bool {
    let Popup { entry, notification, .. } = popup;
    notification.navigate.is_some() || notification.command.is_some() || entry.is_none()
}

fn title(popup: &Popup, origin: &str) -> String {
    let title = text::line(&popup.notification.title, TITLE_LIMIT);
    if !title.is_empty() {
        return text::isolate(&text::harmless(&title), popup.notification.dir).into_owned();
    }
    match text::line(&popup.site_name, TITLE_LIMIT) {
        name if name.is_empty() => origin.to_owned(),
        name => text::harmless(&name),
    }
}

/// The origin, where it has no other place, comes first: nothing remote can push it off the notification.
fn body_text(popup: &Popup, surface: Surface, origin: Option<&str>, last: &str) -> String {
    let notification = &popup.notification;
    let written = |text: &str| if surface.markup { text::escape(text) } else { text.to_owned() };
    let body = text::paragraphs(&notification.body, BODY_LIMIT, BODY_LINES);
    let body = written(&text::isolate(&body, notification.dir));
    let origin = origin.map(|origin| match website(origin) {
        Some(url) if surface.markup && surface.hyperlinks => {
            format!("<a href=\"{}\">{}</a>", text::escape(url.as_str()), text::escape(origin))
        }
        _ => written(origin),
    });
    let mut out = origin.unwrap_or_default();
    if !body.is_empty() {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&body);
    }
    if !last.is_empty() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&written(last));
    }
    out
}

/// The host that a link leads to when it is not the site's own, so that nobody is taken there unawares. A site whose address
/// is not known has none of its own.
fn elsewhere(popup: &Popup, url: &Url, limit: usize) -> Option<String> {
    let own = popup.host.as_deref()?;
    url.host_str().filter(|host| *host != own).map(|host| text::origin(host, limit))
}

/// The site's own page, if the origin is a host's name rather than a site's.
fn website(origin: &str) -> Option<Url> {
    let is_host = origin.contains('.')
        && origin.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        && !origin.starts_with(['.', '-'])
        && !origin.ends_with(['.', '-']);
    is_host.then(|| Url::parse(&format!("https://{origin}/")).ok()).flatten()
}

/// When it happened or, where the sender does not say or names a time to come, when it arrived, if that is more than a
/// minute ago: fresh news needs no time.
fn time_of(popup: &Popup, now: &ZonedDateTime) -> Option<String> {
    let happened = popup.notification.timestamp.and_then(|milliseconds| i64::try_from(milliseconds).ok());
    let happened = happened.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    let is_old = |then: &Timestamp| now.timestamp().as_second().saturating_sub(then.as_second()) > 60;
    let then = happened.filter(is_old).or(Some(popup.received_at).filter(is_old))?;
    let then = then.to_zoned_datetime(now.time_zone().clone());
    let format = if then.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    Some(then.strftime(format).to_string())
}

/// Never empty: a button without a label cannot be told from its neighbours.
fn label(index: usize, action: &Action, popup: &Popup) -> String {
    let aim = action.navigate.as_ref().and_then(|url| elsewhere(popup, url, LABEL_LIMIT / 2));
    let limit = if aim.is_some() { LABEL_LIMIT / 2 } else { LABEL_LIMIT };
    let titles = [&action.title, &action.action].into_iter();
    let mut labels = titles.map(|title| text::line(title, limit)).filter(|label| !label.is_empty());
    let label = match labels.next() {
        Some(label) => text::isolate(&text::harmless(&label), popup.notification.dir).into_owned(),
        None => format!("Button {}", index + 1),
    };
    match aim {
        Some(host) => format!("{label} ({host})"),
        None => label,
    }
}

#[cfg(test)]
mod tests {
    use webpush::payload::Notification;

    use super::*;
    use crate::api::EntryId;
    use crate::notifier::Illustration;

    fn popup(notification: Notification) -> Popup {
        Popup {
            entry: Some(EntryId(1)),
            site_id: "s".into(),
            site_name: "Backups".into(),
            host: Some("backups.example.org".into()),
            notification,
            illustration: Illustration::default(),
            sound: true,
            passes_silence: false,
            received_at: noon().timestamp(),
        }
    }

    fn with(capabilities: &[&str]) -> Surface {
        let has = |name: &str| capabilities.contains(&name);
        Surface {
            body: has("body"),
            markup: has("body-markup"),
            hyperlinks: has("body-hyperlinks"),
            actions: has("actions"),
            persistence: has("persistence"),
            sound: has("sound"),
            origin: has("x-kde-origin-name"),
            stays: has("stays"),
        }
    }

    fn noon() -> ZonedDateTime {
        "2026-03-01T12:00:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn present(notification: Notification, capabilities: &[&str]) -> Presentation {
        Presentation::new(&popup(notification), with(capabilities), &noon())
    }

    #[test]
    fn a_link_that_leaves_the_site_names_its_host() {
        let link = |url: &str| url.parse::<Url>().ok();
        let button =
            |title: &str, url: &str| Action { title: title.into(), navigate: link(url), ..Action::default() };
        let said = Notification {
            title: "Done".into(),
            body: "All is well".into(),
            navigate: link("https://backups.example.org@bücher.example/a"),
            actions: vec![
                button("Own", "https://backups.example.org/log"),
                button("A title of more than twenty letters", "https://a.very.long.name.evil.example/"),
            ],
            ..Notification::default()
        };
        let shown = present(said.clone(), &["body", "body-markup", "actions"]);
        assert_eq!(shown.body, "backups.example.org\n\nAll is well\nOpens xn--bcher-kva.example");
        let labels: Vec<_> = shown.buttons.iter().map(String::as_str).collect();
        assert_eq!(labels, ["Own", "A title of more tha… (…g.name.evil.example)"]);
        let nameless = Popup { host: None, ..popup(said) };
        let shown = Presentation::new(&nameless, with(&["body", "actions"]), &noon());
        assert_eq!(shown.body, "Backups\n\nAll is well");
    }

    #[test]
    fn the_origin_is_shown_whatever_the_server_can_do() {
        let said =
            || Notification { title: "Done".into(), body: "Disk is full".into(), ..Default::default() };
        let shown = present(said(), &["body"]);
        assert_eq!(
            (shown.summary.as_str(), shown.body.as_str()),
            ("Done", "backups.example.org\n\nDisk is full")
        );
        let shown = present(said(), &["body", "body-markup", "body-hyperlinks"]);
        assert!(
            shown.body.starts_with("<a href=\"https://backups.example.org/\">backups.example.org</a>\n\n")
        );
        let shown = present(said(), &["body", "x-kde-origin-name"]);
        assert_eq!(
            (shown.body.as_str(), shown.origin.as_deref()),
            ("Disk is full", Some("backups.example.org"))
        );
        let shown = present(said(), &[]);
        assert_eq!(shown.summary, "Done – backups.example.org – Disk is full");
        assert_eq!(shown.body, "");
        let shown = present(Notification::default(), &["body"]);
        assert_eq!((shown.summary.as_str(), shown.body.as_str()), ("Backups", "backups.example.org"));
    }

    #[test]
    fn a_sites_name_is_not_made_a_link() {
        for name in ["Backups", "a.example/path", "a.example:1", "\"><b>.x", "ä.example", ".", "-a.b"] {
            assert_eq!(website(name), None, "{name}");
        }
    }

    #[test]
    fn markup_is_text_on_every_server() {
        let hostile =
            || Notification { title: "<b>a".into(), body: "<img src=x>&".into(), ..Default::default() };
        let shown = present(hostile(), &["body", "body-markup", "x-kde-origin-name"]);
        assert_eq!((shown.summary.as_str(), shown.body.as_str()), ("‹b>a", "&lt;img src=x&gt;&amp;"));
        let shown = present(hostile(), &["body", "x-kde-origin-name"]);
        assert_eq!(shown.body, "<img src=x>&");
    }

    #[test]
    fn buttons_need_the_capability_and_have_labels() {
        let action = |title: &str, action: &str| Action {
            action: action.into(),
            title: title.into(),
            ..Action::default()
        };
        let notification = Notification {
            navigate: Some("https://backups.example.org/".parse().unwrap()),
            actions: vec![
                action("Show\nlog", "default"),
                action("", "retry"),
                action(" ", ""),
                action("4", ""),
            ],
            ..Default::default()
        };
        let shown = present(notification.clone(), &["body", "actions"]);
        assert_eq!(shown.buttons, ["Show log", "retry", "Button 3"]);
        assert_eq!(shown.default_action, Some("Open"));
        let shown = present(notification, &["body"]);
        assert_eq!((shown.default_action, shown.buttons.len()), (None, 0));
        assert_eq!(present(Notification::default(), &["actions"]).default_action, None);
    }

    #[test]
    fn silence_wins_over_sound() {
        assert_eq!(present(Notification::default(), &["sound"]).sound, Sound::Named);
        assert_eq!(present(Notification::default(), &[]).sound, Sound::Default);
        let silent = Notification { silent: Some(true), ..Default::default() };
        assert_eq!(present(silent, &["sound"]).sound, Sound::None);
        let quiet_site = Popup { sound: false, ..popup(Notification::default()) };
        assert_eq!(Presentation::new(&quiet_site, with(&["sound"]), &noon()).sound, Sound::None);
    }

    #[test]
    fn it_stays_as_long_as_asked() {
        let asked = Notification { require_interaction: true, ..Default::default() };
        assert_eq!(present(asked, &["persistence"]).expire_timeout, 0);
        assert_eq!(present(Notification::default(), &["persistence"]).expire_timeout, -1);
        assert_eq!(present(Notification::default(), &[]).expire_timeout, 25_000);
    }

    #[test]
    fn old_news_carries_its_time() {
        let at = |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            let notification = Notification {
                body: "x".into(),
                timestamp: u64::try_from(time.as_millisecond()).ok(),
                ..Default::default()
            };
            present(notification, &["body", "x-kde-origin-name"]).body
        };
        assert_eq!(at("2026-03-01T10:59:30Z"), "x");
        assert_eq!(at("2026-03-01T12:00:00Z"), "x");
        assert_eq!(at("2026-03-01T08:05:00Z"), "x\n09:05");
        assert_eq!(at("2026-02-27T23:05:00Z"), "x\n2026-02-28 00:05");
        let absurd = Notification { timestamp: Some(u64::MAX), ..Default::default() };
        assert_eq!(present(absurd, &["body", "x-kde-origin-name"]).body, "");
    }

    #[test]
    fn what_was_shown_late_carries_the_time_it_arrived() {
        let arrived = |time: &str, timestamp: Option<u64>, capabilities: &[&str]| {
            let notification = Notification { title: "t".into(), timestamp, ..Default::default() };
            let late = Popup { received_at: time.parse().unwrap(), ..popup(notification) };
            Presentation::new(&late, with(capabilities), &noon())
        };
        let full = ["body", "x-kde-origin-name"];
        assert_eq!(arrived("2026-03-01T10:59:30Z", None, &full).body, "");
        assert_eq!(arrived("2026-03-01T08:05:00Z", None, &full).body, "09:05");
        let hour = 3_600_000;
        let now = u64::try_from(noon().timestamp().as_millisecond()).unwrap();
        assert_eq!(arrived("2026-03-01T08:05:00Z", Some(now - 5 * hour), &full).body, "07:00");
        let to_come = arrived("2026-03-01T08:05:00Z", Some(now + hour), &full);
        assert_eq!(to_come.body, "09:05", "an appointment says nothing of its age");
        assert_eq!(arrived("2026-03-01T08:05:00Z", None, &[]).summary, "t – backups.example.org – 09:05");
    }

    #[test]
    fn only_what_the_user_lets_pass_breaks_do_not_disturb() {
        let level = |urgency, require_interaction, passes_silence, capabilities: &[&str]| {
            let notification = Notification { urgency, require_interaction, ..Default::default() };
            let popup = Popup { passes_silence, ..popup(notification) };
            Presentation::new(&popup, with(capabilities), &noon()).urgency
        };
        for urgency in [None, Some(Urgency::Normal), Some(Urgency::High)] {
            assert_eq!(level(urgency, true, false, &[]), Level::Normal, "{urgency:?}");
        }
        for urgency in [Some(Urgency::VeryLow), Some(Urgency::Low)] {
            assert_eq!(level(urgency, false, true, &[]), Level::Low, "{urgency:?}");
        }
        assert_eq!(level(Some(Urgency::High), false, true, &["stays"]), Level::Critical);
        assert_eq!(level(None, false, true, &[]), Level::Normal);
        assert_eq!(level(None, true, true, &[]), Level::Critical);
        assert_eq!(level(None, true, true, &["stays"]), Level::Normal, "it stays without");
    }
}
