//! What a decrypted push says. [`Payload::parse`] is total: whatever arrives becomes something to show or to do.
//!
//! Each dialect is a file with a `read` function and a row in `READINGS`, tried in order. A reading answers `None` to what
//! is not its own. Secrets are gone before any reading sees the payload, and what it answers is bounded after.

mod angular;
mod bounds;
mod control;
mod declarative;
mod fields;
mod firebase;
mod home_assistant;
mod json;
mod mapping;
mod mastodon;
mod nextcloud;
mod notification;
mod ntfy;
mod opaque;
mod plaintext;
mod request;
mod sygnal;
mod text;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod round_trip;

use serde::{Deserialize, Serialize};
use url::Url;

pub use control::Control;
pub use mapping::{FieldMapping, InvalidPointer, JsonPointer, MappedField, UnknownField};
pub use notification::{Action, Direction, Notification};
pub use request::Request;

use plaintext::Plaintext;

/// A decrypted push, understood as far as possible.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// Which reading fitted.
    pub dialect: Dialect,
    /// What to show or to do.
    pub content: Content,
    /// The count for the application's icon, where the sender gave one.
    pub app_badge: Option<AppBadge>,
    /// Declarative only: the sender would let a service worker change the notification first. Where there is none it is
    /// shown as it is.
    pub mutable: bool,
    /// Where the site's [`FieldMapping`] found something.
    pub mapped: Vec<MappedField>,
}

/// What a push is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// To be shown.
    Notification(Box<Notification>),
    /// To be done.
    Control(Control),
}

/// The readings, in the order they are tried. Uptime Kuma, Apprise and most scripts have none of their own: they write what
/// [`Dialect::Json`] and [`Dialect::Text`] read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Declarative Web Push.
    Declarative,
    /// A frame that changes what is shown.
    Control,
    /// ntfy.
    Ntfy,
    /// Nextcloud.
    Nextcloud,
    /// Mastodon, and servers compatible with it.
    Mastodon,
    /// Matrix, through Sygnal.
    Sygnal,
    /// Home Assistant.
    HomeAssistant,
    /// Angular's service worker.
    Angular,
    /// Firebase Cloud Messaging.
    Firebase,
    /// JSON with a title, body or link under one of the usual names.
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
    /// Mastodon's `access_token` nor Home Assistant's `jwt` reaches it, whatever is mapped.
    ///
    /// The mapping is for what is shown. A control frame stays one: it was made by a sender that a reading understood, and
    /// what is to be withdrawn must not be shown because a member of it has the name that a title has elsewhere.
    pub fn parse(plaintext: &[u8], context: Context<'_>, mapping: &FieldMapping) -> Self {
        let plaintext = Plaintext::new(plaintext);
        let fitting =
            READINGS.iter().find_map(|(dialect, read)| Some((*dialect, read(&plaintext, context)?)));
        let (dialect, reading) =
            fitting.unwrap_or_else(|| (Dialect::Opaque, opaque::read(&plaintext, context).into()));
        let Reading { content, app_badge, mutable } = reading;
        let mut mapped = Vec::new();
        let content = match content {
            Content::Notification(mut notification) => {
                if let Some(document) = plaintext.json() {
                    mapped = mapping.apply(document, context.base, &mut notification);
                }
                let mut notification = notification.bounded();
                if notification.title.trim().is_empty() && dialect != Dialect::Declarative {
                    notification.title = bounds::one_line(context.site, bounds::TITLE);
                }
                notification.into()
            }
            Content::Control(control) => Content::Control(control),
        };
        Self { dialect, content, app_badge, mutable, mapped }
    }
}

type Read = fn(&Plaintext, Context<'_>) -> Option<Reading>;

/// The named ones are told apart by members that no other has; only their order to those before and after them counts.
const READINGS: [(Dialect, Read); 12] = [
    (Dialect::Declarative, declarative::read),
    (Dialect::Control, control::read),
    (Dialect::Ntfy, ntfy::read),
    (Dialect::Nextcloud, nextcloud::read),
    (Dialect::Mastodon, mastodon::read),
    (Dialect::Sygnal, sygnal::read),
    (Dialect::HomeAssistant, home_assistant::read),
    (Dialect::Angular, angular::read),
    (Dialect::Firebase, firebase::read),
    (Dialect::Json, json::read),
    (Dialect::Text, text::read),
    (Dialect::Empty, text::read_empty),
];

/// What a reading found.
struct Reading {
    content: Content,
    app_badge: Option<AppBadge>,
    mutable: bool,
}

impl From<Content> for Reading {
    fn from(content: Content) -> Self {
        Self { content, app_badge: None, mutable: false }
    }
}

impl From<Notification> for Reading {
    fn from(notification: Notification) -> Self {
        Content::from(notification).into()
    }
}

impl From<Control> for Reading {
    fn from(control: Control) -> Self {
        Content::Control(control).into()
    }
}

impl From<Notification> for Content {
    fn from(notification: Notification) -> Self {
        Self::Notification(Box::new(notification))
    }
}
