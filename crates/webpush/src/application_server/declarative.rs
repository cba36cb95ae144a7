//! A Declarative Web Push document (W3C Push API), as strict as its strictest reader.

use std::fmt;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::payload::{AppBadge, Notification};

/// What a Declarative Web Push document says. `Debug` shows sizes only.
#[derive(Clone, Default, PartialEq)]
pub struct DeclarativeMessage {
    /// What is shown. Its [`request`](Notification::request) and [`urgency`](Notification::urgency) are other dialects' and
    /// its [`command`](Notification::command) is ours: the standard has no members for them.
    pub notification: Notification,
    /// The count for the application's icon.
    pub app_badge: Option<AppBadge>,
    /// Let a service worker change the notification first, where there is one.
    pub mutable: bool,
    /// Milliseconds of vibration and of pauses, in turn.
    pub vibrate: Vec<u32>,
    /// For the page or service worker of the sender.
    pub data: Option<Value>,
}

/// Why a message makes no Declarative Web Push document: receivers would take it for an ordinary push, or leave out what
/// it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotDeclarative {
    /// The title is empty (WebKit refuses that).
    #[error("a declarative message needs a title")]
    Title,
    /// `navigate` is missing.
    #[error("a declarative message needs a link")]
    Navigate,
    /// A button without a link of its own.
    #[error("every action of a declarative message needs a link")]
    ActionNavigate,
    /// `renotify` without a tag.
    #[error("renotify needs a tag")]
    RenotifyWithoutTag,
    /// `silent` with a `vibrate` pattern.
    #[error("a silent notification does not vibrate")]
    SilentVibration,
}

impl From<Notification> for DeclarativeMessage {
    fn from(notification: Notification) -> Self {
        Self { notification, ..Self::default() }
    }
}

impl DeclarativeMessage {
    /// The document, without the members that have their default value. Serialize it into
    /// [`Push::payload`](super::Push::payload).
    pub fn document(&self) -> Result<Value, NotDeclarative> {
        let Self { notification, app_badge, mutable, vibrate, data } = self;
        if notification.title.is_empty() {
            return Err(NotDeclarative::Title);
        }
        if notification.navigate.is_none() {
            return Err(NotDeclarative::Navigate);
        }
        if notification.actions.iter().any(|action| action.navigate.is_none()) {
            return Err(NotDeclarative::ActionNavigate);
        }
        if notification.renotify && notification.tag.is_empty() {
            return Err(NotDeclarative::RenotifyWithoutTag);
        }
        if notification.silent == Some(true) && !vibrate.is_empty() {
            return Err(NotDeclarative::SilentVibration);
        }
        let mut notification = members(notification);
        if !vibrate.is_empty() {
            notification.insert("vibrate".into(), json!(vibrate));
        }
        if let Some(data) = data {
            notification.insert("data".into(), data.clone());
        }
        let mut document = Map::new();
        document.insert("web_push".into(), json!(8030));
        document.insert("notification".into(), Value::Object(notification));
        // At the top level, as the text has them since 2025; earlier readers look there as well.
        if let Some(badge) = app_badge {
            document.insert("app_badge".into(), badge_value(*badge));
        }
        if *mutable {
            document.insert("mutable".into(), json!(true));
        }
        Ok(Value::Object(document))
    }
}

/// `Notification` is written with the standard's names.
fn members(notification: &Notification) -> Map<String, Value> {
    let written = |notification: &Notification| match serde_json::to_value(notification) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let default = written(&Notification::default());
    let mut members = written(notification);
    let is_ours = |name: &str| matches!(name, "request" | "urgency" | "command");
    members.retain(|name, value| !is_ours(name) && default.get(name) != Some(value));
    for action in members.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(action) = action {
            action.retain(|name, value| !is_ours(name) && !value.is_null());
        }
    }
    members
}

/// A number wherever it can be one: WebKit takes no boolean.
fn badge_value(badge: AppBadge) -> Value {
    match badge {
        AppBadge::Clear => json!(0),
        AppBadge::Unspecified => json!(true),
        AppBadge::Count(count) => json!(count),
    }
}

impl fmt::Debug for DeclarativeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeclarativeMessage({:?}, …)", self.notification)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Action, Direction};

    fn minimal() -> Notification {
        Notification {
            title: "Hi".to_owned(),
            navigate: Some("https://example.com/a".parse().unwrap()),
            ..Notification::default()
        }
    }

    fn document(notification: Notification) -> Result<Value, NotDeclarative> {
        DeclarativeMessage::from(notification).document()
    }

    #[test]
    fn a_document_has_only_what_was_given() {
        let expected = json!({ "web_push": 8030, "notification": { "title": "Hi", "navigate": "https://example.com/a" } });
        assert_eq!(document(minimal()), Ok(expected));
        let audible = Notification { silent: Some(false), ..minimal() };
        assert_eq!(document(audible).unwrap()["notification"]["silent"], json!(false));
    }

    #[test]
    fn a_document_holds_every_member_under_its_standard_name() {
        let url = |path: &str| Some(format!("https://example.com/{path}").parse().unwrap());
        let action = |action: &str, icon| Action {
            action: action.to_owned(),
            title: format!("Title of {action}"),
            navigate: url(action),
            icon,
            ..Action::default()
        };
        let notification = Notification {
            body: "Did you hear?".to_owned(),
            lang: "en-US".to_owned(),
            dir: Direction::Ltr,
            tag: "mail".to_owned(),
            icon: url("icon"),
            image: url("image"),
            badge: url("badge"),
            silent: Some(false),
            renotify: true,
            require_interaction: true,
            timestamp: Some(1_700_000_000_000),
            actions: vec![action("open", None), action("reply", url("reply.png"))],
            ..minimal()
        };
        let message = DeclarativeMessage {
            app_badge: Some(AppBadge::Count(3)),
            mutable: true,
            vibrate: vec![100, 50],
            data: Some(json!({ "order": 7 })),
            ..notification.into()
        };
        assert_eq!(
            message.document().unwrap(),
            json!({ "web_push": 8030, "app_badge": 3, "mutable": true, "notification": {
                "title": "Hi", "navigate": "https://example.com/a", "body": "Did you hear?", "lang": "en-US",
                "dir": "ltr", "tag": "mail", "icon": "https://example.com/icon",
                "image": "https://example.com/image", "badge": "https://example.com/badge", "silent": false,
                "renotify": true, "requireInteraction": true, "timestamp": 1_700_000_000_000u64,
                "vibrate": [100, 50], "data": { "order": 7 },
                "actions": [
                    { "action": "open", "title": "Title of open", "navigate": "https://example.com/open" },
                    { "action": "reply", "title": "Title of reply", "navigate": "https://example.com/reply",
                      "icon": "https://example.com/reply.png" },
                ],
            } })
        );
    }

    #[test]
    fn what_receivers_would_not_take_as_declarative_is_refused() {
        let action = Action { action: "open".to_owned(), title: "Open".to_owned(), ..Action::default() };
        for (notification, error) in [
            (Notification { title: String::new(), ..minimal() }, NotDeclarative::Title),
            (Notification { navigate: None, ..minimal() }, NotDeclarative::Navigate),
            (Notification { actions: vec![action], ..minimal() }, NotDeclarative::ActionNavigate),
            (Notification { renotify: true, ..minimal() }, NotDeclarative::RenotifyWithoutTag),
        ] {
            assert_eq!(document(notification), Err(error));
        }
        let silent = Notification { silent: Some(true), ..minimal() };
        let message = DeclarativeMessage { vibrate: vec![1], ..silent.into() };
        assert_eq!(message.document(), Err(NotDeclarative::SilentVibration));
    }

    #[test]
    fn debug_shows_nothing_that_is_sent() {
        let message = DeclarativeMessage { data: Some(json!("a secret")), ..minimal().into() };
        let shown = format!("{message:?}");
        assert!(!shown.contains("secret") && !shown.contains("Hi"), "{shown}");
    }
}
