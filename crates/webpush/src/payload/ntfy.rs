//! ntfy: `{event, subscription_id, message: {…}}`, the message as in its other interfaces.

use serde_json::{Map, Value};
use url::Url;

use super::fields::{object, resolve, string, text, unsigned, url};
use super::plaintext::Plaintext;
use super::{Action, Context, Control, Notification, Reading, Request, bounds};
use crate::Urgency;

/// Below the default, nothing is heard: "no vibration or sound".
const QUIET: std::ops::RangeInclusive<u64> = 1..=2;

pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let frame = plaintext.json()?.as_object()?;
    let message = object(frame, "message")?;
    let topic = string(message, "topic")?;
    let event = string(message, "event").or_else(|| string(frame, "event"))?;
    let id = text(message, "sequence_id").or_else(|| text(message, "id")).unwrap_or_default();
    // A person may choose the sequence's name, and one subscription has several topics.
    let tag = bounds::key(&format!("{topic}/{id}"), bounds::NAME);
    match event {
        "message" => Some(notification(frame, message, topic, tag, context).into()),
        "message_delete" | "message_clear" => Some(Control::Withdraw(vec![tag]).into()),
        _ => None,
    }
}

fn notification(
    frame: &Map<String, Value>,
    message: &Map<String, Value>,
    topic: &str,
    tag: String,
    context: Context<'_>,
) -> Notification {
    let base = context.base;
    let emoji = emoji(message);
    let (title, body) = (text(message, "title"), text(message, "message").unwrap_or_default());
    let marked = |text: &str| if emoji.is_empty() { text.to_owned() } else { format!("{emoji} {text}") };
    let (title, body) = match &title {
        Some(title) => (marked(title), body),
        None => (topic.to_owned(), marked(&body)),
    };
    let priority = unsigned(message, "priority");
    let topic_page = || resolve(string(frame, "subscription_id")?, None).or_else(|| resolve(topic, base));
    let (image, file) = attachment(message, base);
    let listed = message.get("actions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Notification {
        title,
        body: body.trim_end().to_owned(),
        navigate: url(message, "click", base).or_else(topic_page),
        tag,
        icon: url(message, "icon", base),
        image,
        silent: priority.filter(|priority| QUIET.contains(priority)).map(|_| true),
        renotify: true,
        timestamp: unsigned(message, "time").and_then(|seconds| seconds.checked_mul(1_000)),
        urgency: priority.and_then(urgency),
        actions: listed.iter().filter_map(|entry| action(entry.as_object()?, base)).chain(file).collect(),
        ..Notification::default()
    }
}

/// Tags that are names of emoji stand before the title; the others are the sender's own.
fn emoji(message: &Map<String, Value>) -> String {
    let tags = message.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let emoji = tags.iter().take(8).filter_map(|tag| emojis::get_by_shortcode(tag.as_str()?));
    emoji.map(emojis::Emoji::as_str).collect::<Vec<_>>().join(" ")
}

fn urgency(priority: u64) -> Option<Urgency> {
    match priority {
        1 => Some(Urgency::VeryLow),
        2 => Some(Urgency::Low),
        3 => Some(Urgency::Normal),
        4 | 5 => Some(Urgency::High),
        _ => None,
    }
}

/// A picture is shown; any other file gets a button.
fn attachment(message: &Map<String, Value>, base: Option<&Url>) -> (Option<Url>, Option<Action>) {
    let several = || message.get("attachments")?.as_array()?.first()?.as_object();
    let Some(attachment) = several().or_else(|| object(message, "attachment")) else { return (None, None) };
    let name = text(attachment, "name").unwrap_or_else(|| "Attachment".into());
    let is_picture = match string(attachment, "type") {
        Some(kind) => kind.starts_with("image/"),
        None => [".png", ".jpg", ".jpeg", ".gif", ".webp"]
            .iter()
            .any(|end| name.to_ascii_lowercase().ends_with(end)),
    };
    let navigate = url(attachment, "url", base);
    match navigate {
        Some(_) if is_picture => (navigate, None),
        Some(_) => {
            (None, Some(Action { action: "attachment".into(), title: name, navigate, ..Action::default() }))
        }
        None => (None, None),
    }
}

/// `broadcast` is for Android, `copy` for a clipboard: no button then.
fn action(entry: &Map<String, Value>, base: Option<&Url>) -> Option<Action> {
    let title = text(entry, "label")?;
    let target = url(entry, "url", base)?;
    let (navigate, request) = match string(entry, "action")? {
        "view" => (Some(target), None),
        "http" => {
            let headers = object(entry, "headers").into_iter().flatten();
            let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
            let method = string(entry, "method").unwrap_or("POST");
            (None, Some(Request::http(method, target, headers, string(entry, "body").unwrap_or_default())?))
        }
        _ => return None,
    };
    Some(Action { action: text(entry, "id").unwrap_or_default(), title, navigate, icon: None, request })
}
