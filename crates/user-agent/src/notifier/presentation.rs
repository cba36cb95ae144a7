//! What a notification becomes on a desktop: the members of W3C's `NotificationOptions` in the words of a server that
//! has certain capabilities. Nothing remote is ever left to the server to load: pictures come as pixels.

#[cfg(test)]
mod tests;

use jiff::{Timestamp, ZonedDateTime};
use url::Url;
use webpush::Urgency;
use webpush::payload::Action;

use super::{Popup, text};
use crate::api::Verdict;
use crate::link;

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
    /// The first of `Notification::actions` that lead somewhere: which, and its label.
    pub(super) buttons: Vec<(usize, String)>,
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
        let origin = text::origin(&popup.origin(), ORIGIN_LIMIT);
        let mut summary = title(popup, &origin);
        let mut body = String::new();
        let time = time_of(popup, now);
        let aim = notification.navigate.as_ref().and_then(|url| aim(popup, url));
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
        let offered = notification.actions.iter().enumerate();
        let offered = offered.filter(|(_, action)| surface.actions && leads(popup, action)).take(BUTTONS);
        Self {
            summary,
            body,
            origin: surface.origin.then_some(origin),
            default_action: (surface.actions && opens(popup)).then_some("Open"),
            buttons: offered.map(|(index, action)| (index, label(index, action, popup))).collect(),
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

    /// Among how many of the first actions its buttons are: [`Card::buttons`](super::Card::buttons).
    pub(super) fn span(&self) -> u32 {
        let last = self.buttons.last().map_or(0, |(index, _)| index.saturating_add(1));
        u32::try_from(last).unwrap_or_default()
    }
}

/// Whether a click on it opens something: its link, or the window where a person has to do something there.
fn opens(popup: &Popup) -> bool {
    let Popup { entry, notification, .. } = popup;
    let link = notification.navigate.as_ref();
    link.is_some_and(|url| may_open(popup, url)) || notification.command.is_some() || entry.is_none()
}

/// Whether a click on this button does something: a request in the background is never sent, and one that says nothing leads
/// to where it can be read.
fn leads(popup: &Popup, action: &Action) -> bool {
    match &action.navigate {
        Some(url) => may_open(popup, url),
        None => action.request.is_none(),
    }
}

fn may_open(popup: &Popup, url: &Url) -> bool {
    link::is_web(url) && popup.links.judge(url, popup.website.as_ref()) != Verdict::Refused
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
    let origin = origin.map(|origin| match &popup.website {
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

/// Where a click leads that leaves the site, or would if the user let it.
fn aim(popup: &Popup, url: &Url) -> Option<String> {
    if may_open(popup, url) {
        return elsewhere(popup, url, ORIGIN_LIMIT).map(|host| format!("Opens {host}"));
    }
    let host = url.host_str().filter(|_| link::is_web(url))?;
    Some(format!("Link to {} is not opened", text::origin(host, ORIGIN_LIMIT)))
}

/// The host that a link leads to when it is not the site's own, so that nobody is taken there unawares. A site whose address
/// is not known has none of its own.
fn elsewhere(popup: &Popup, url: &Url, limit: usize) -> Option<String> {
    let own = popup.website.as_ref()?.host_str()?;
    url.host_str().filter(|host| *host != own).map(|host| text::origin(host, limit))
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
