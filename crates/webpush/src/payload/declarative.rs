//! Declarative Web Push (W3C Push API): `{"web_push": 8030, "notification": {"title": …, "navigate": …}}`.

use serde_json::{Map, Value};
use url::Url;

use super::fields::{self, app_badge, boolean, resolve, string, url, whole_number};
use super::plaintext::Plaintext;
use super::{Action, Context, Notification, Reading};

/// The number that marks a declarative message, after RFC 8030.
const MAGIC: f64 = 8030.0;

/// Lenient as the specification is: an optional member of the wrong type is ignored; without the required ones, or with
/// members that contradict each other, it is no declarative message.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let document = plaintext.json()?.as_object()?;
    if document.get("web_push").and_then(Value::as_f64) != Some(MAGIC) {
        return None;
    }
    let options = document.get("notification")?.as_object()?;
    let base = context.base;
    let notification = Notification {
        title: string(options, "title")?.to_owned(),
        navigate: Some(url(options, "navigate", base)?),
        actions: actions(options, base)?,
        ..fields::options(options, base)
    };
    let contradicts_itself = (notification.silent == Some(true) && vibrates(options))
        || (notification.renotify && notification.tag.is_empty());
    // WebKit's first versions had both of these inside `notification`.
    let places = [document, options];
    (!contradicts_itself).then_some(Reading {
        content: notification.into(),
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
            let navigate = Some(resolve(navigate, base)?);
            Some(Action { action, title, navigate, icon, ..Action::default() })
        })
        .collect()
}

/// Whether there is a `vibrate` pattern, which even when empty does not go with `silent`.
fn vibrates(options: &Map<String, Value>) -> bool {
    let is_duration = |value: &Value| whole_number(value).is_some_and(|n| u32::try_from(n).is_ok());
    options.get("vibrate").and_then(Value::as_array).is_some_and(|pattern| pattern.iter().all(is_duration))
}
