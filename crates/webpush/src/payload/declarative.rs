//! Declarative Web Push (W3C Push API): `{"web_push": 8030, "notification": {"title": …, "navigate": …}}`.

use serde_json::{Map, Value};
use url::Url;

use super::fields::{boolean, direction, require_interaction, resolve, string, unsigned, url, whole_number};
use super::plaintext::Plaintext;
use super::{Action, AppBadge, Content, Context, Notification};

/// The number that marks a declarative message, after RFC 8030.
const MAGIC: f64 = 8030.0;

/// Lenient as the specification is: an optional member of the wrong type is ignored; without the required ones, or with
/// members that contradict each other, it is no declarative message.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Content> {
    let document = plaintext.json()?.as_object()?;
    if document.get("web_push").and_then(Value::as_f64) != Some(MAGIC) {
        return None;
    }
    let options = document.get("notification")?.as_object()?;
    let base = context.base;
    let notification = Notification {
        title: string(options, "title")?.to_owned(),
        body: string(options, "body").unwrap_or_default().to_owned(),
        navigate: Some(url(options, "navigate", base)?),
        lang: string(options, "lang").unwrap_or_default().to_owned(),
        dir: direction(options).unwrap_or_default(),
        tag: string(options, "tag").unwrap_or_default().to_owned(),
        icon: url(options, "icon", base),
        image: url(options, "image", base),
        badge: url(options, "badge", base),
        silent: boolean(options, "silent"),
        renotify: boolean(options, "renotify").unwrap_or(false),
        require_interaction: require_interaction(options).unwrap_or(false),
        timestamp: unsigned(options, "timestamp"),
        actions: actions(options, base)?,
    };
    let contradicts_itself = (notification.silent == Some(true) && vibrates(options))
        || (notification.renotify && notification.tag.is_empty());
    // WebKit's first versions had both of these inside `notification`.
    let places = [document, options];
    (!contradicts_itself).then_some(Content {
        notification,
        app_badge: places.iter().find_map(|place| app_badge(place.get("app_badge")?)),
        mutable: places.iter().find_map(|place| boolean(place, "mutable")).unwrap_or(false),
    })
}

/// `None`: an action's link is broken, which spoils the whole message. Malformed entries are only left out.
fn actions(options: &Map<String, Value>, base: Option<&Url>) -> Option<Vec<Action>> {
    let entries = options.get("actions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let well_formed = entries.iter().filter_map(|entry| {
        let entry = entry.as_object()?;
        let (action, title) = (string(entry, "action")?.to_owned(), string(entry, "title")?.to_owned());
        Some((action, title, string(entry, "navigate")?, url(entry, "icon", base)))
    });
    well_formed
        .map(|(action, title, navigate, icon)| {
            Some(Action { action, title, navigate: Some(resolve(navigate, base)?), icon })
        })
        .collect()
}

/// Whether there is a `vibrate` pattern, which even when empty does not go with `silent`.
fn vibrates(options: &Map<String, Value>) -> bool {
    let is_duration = |value: &Value| whole_number(value).is_some_and(|n| u32::try_from(n).is_ok());
    options.get("vibrate").and_then(Value::as_array).is_some_and(|pattern| pattern.iter().all(is_duration))
}

/// A number, a string of digits, or a boolean.
fn app_badge(value: &Value) -> Option<AppBadge> {
    let count = match value {
        Value::Bool(true) => return Some(AppBadge::Unspecified),
        Value::Bool(false) => 0,
        Value::String(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        Value::Number(_) => whole_number(value)?,
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(if count == 0 { AppBadge::Clear } else { AppBadge::Count(count) })
}
