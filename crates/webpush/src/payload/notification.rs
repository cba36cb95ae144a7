//! A notification as every dialect is turned into.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Request, bounds};
use crate::Urgency;

/// A notification in the words of W3C's `NotificationOptions`, plus `navigate`, `request` and `urgency`. Text is plain, never markup. URLs may
/// have any scheme: whoever opens one checks it. `Debug` shows sizes only.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Notification {
    /// One line. May be empty in a declarative message.
    pub title: String,
    /// Possibly several lines.
    pub body: String,
    /// Opened by a click on the notification.
    pub navigate: Option<Url>,
    /// Sent by a click on the notification, if the user consented for this site. Never opened in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
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
    /// How urgent the sender says it is for the person. `None`: it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<Urgency>,
    /// Buttons, in order.
    pub actions: Vec<Action>,
    /// For the person to run in a terminal, in words of this crate: no payload brings one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
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

/// A button of a notification. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Action {
    /// The sender's name for it; never used as a key towards the desktop.
    pub action: String,
    /// Its label.
    pub title: String,
    /// Opened by a click on it. `None`: nothing opens; there is no fallback to the notification's own link.
    pub navigate: Option<Url>,
    /// A picture for it.
    pub icon: Option<Url>,
    /// Sent by a click on it, if the user consented for this site. Never opened in a browser; `navigate` is `None` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

impl Notification {
    /// Within the limits of [`bounds`], whatever a reading put in. Names every member, so that a new one is not forgotten.
    pub(super) fn bounded(self) -> Self {
        let Self {
            title,
            body,
            navigate,
            request,
            lang,
            dir,
            tag,
            icon,
            image,
            badge,
            silent,
            renotify,
            require_interaction,
            timestamp,
            urgency,
            actions,
            command,
        } = self;
        Self {
            title: bounds::one_line(&title, bounds::TITLE),
            body: bounds::lines(&body, bounds::BODY),
            navigate: navigate.filter(bounds::fits),
            request,
            lang: bounds::language_tag(lang),
            dir,
            tag: bounds::key(&tag, bounds::NAME),
            icon: icon.filter(bounds::fits),
            image: image.filter(bounds::fits),
            badge: badge.filter(bounds::fits),
            silent,
            renotify,
            require_interaction,
            timestamp,
            urgency,
            actions: actions.into_iter().take(bounds::ACTIONS).map(Action::bounded).collect(),
            command,
        }
    }
}

impl Action {
    fn bounded(self) -> Self {
        let Self { action, title, navigate, icon, request } = self;
        Self {
            action: bounds::key(&action, bounds::NAME),
            title: bounds::one_line(&title, bounds::NAME),
            navigate: navigate.filter(bounds::fits),
            icon: icon.filter(bounds::fits),
            request,
        }
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, body, actions) = (self.title.len(), self.body.len(), self.actions.len());
        write!(f, "Notification(title {title} bytes, body {body} bytes, {actions} actions)")
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Action(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_a_sender_wrote() {
        let text = || "Ada".to_owned();
        let action = Action { action: text(), title: text(), ..Action::default() };
        let notification = Notification {
            title: text(),
            body: text(),
            tag: text(),
            actions: vec![action],
            ..Notification::default()
        };
        assert!(!format!("{notification:?} {:?}", notification.actions).contains("Ada"));
    }
}
