//! What a decrypted push says. [`Payload::parse`] is total: whatever arrives becomes something to show.
//!
//! Each dialect is a file with a `read` function and a row in `READINGS`, tried in order. A reading answers `None` to what
//! is not its own. Secrets are gone before any reading sees the payload, and what it answers is bounded after.

mod bounds;
mod declarative;
mod fields;
mod json;
mod notification;
mod opaque;
mod plaintext;
mod text;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod limits;

use serde::{Deserialize, Serialize};
use url::Url;

pub use notification::{Action, Direction, Notification};

use plaintext::Plaintext;

/// A decrypted push, understood as far as possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// Which reading fitted.
    pub dialect: Dialect,
    /// What to show.
    pub notification: Notification,
    /// The count for the application's icon, where the sender gave one.
    pub app_badge: Option<AppBadge>,
    /// Declarative only: the sender would let a service worker change the notification first. Where there is none it is
    /// shown as it is.
    pub mutable: bool,
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
    /// 16,000, 16 actions, URLs 8,192, tag and action names 256) and free of control characters but newline and tab. Neither
    /// Mastodon's `access_token` nor Home Assistant's `jwt` reaches it.
    pub fn parse(plaintext: &[u8], context: Context<'_>) -> Self {
        let plaintext = Plaintext::new(plaintext);
        let fitting =
            READINGS.iter().find_map(|(dialect, read)| Some((*dialect, read(&plaintext, context)?)));
        let (dialect, content) =
            fitting.unwrap_or_else(|| (Dialect::Opaque, opaque::read(&plaintext, context).into()));
        let Content { notification, app_badge, mutable } = content;
        let mut notification = notification.bounded();
        if notification.title.trim().is_empty() && dialect != Dialect::Declarative {
            notification.title = bounds::one_line(context.site, bounds::TITLE);
        }
        Self { dialect, notification, app_badge, mutable }
    }
}

type Reading = fn(&Plaintext, Context<'_>) -> Option<Content>;

const READINGS: [(Dialect, Reading); 4] = [
    (Dialect::Declarative, declarative::read),
    (Dialect::Json, json::read),
    (Dialect::Text, text::read),
    (Dialect::Empty, text::read_empty),
];

/// What a reading found.
struct Content {
    notification: Notification,
    app_badge: Option<AppBadge>,
    mutable: bool,
}

impl From<Notification> for Content {
    fn from(notification: Notification) -> Self {
        Self { notification, app_badge: None, mutable: false }
    }
}
