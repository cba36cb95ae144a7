//! Members of JSON objects, read leniently: what has the wrong type is as good as absent.

use serde_json::{Map, Value};
use url::Url;

use super::{AppBadge, Direction, Notification, bounds};

/// A boolean member.
pub(super) fn boolean(object: &Map<String, Value>, name: &str) -> Option<bool> {
    object.get(name).and_then(Value::as_bool)
}

/// A string member.
pub(super) fn string<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// A member that is a whole number from 0 up, also when written as `5.0`: the same number in JSON.
pub(super) fn unsigned(object: &Map<String, Value>, name: &str) -> Option<u64> {
    object.get(name).and_then(whole_number)
}

/// A whole number from 0 up.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    /// Every whole number up to here has a float of its own.
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || value.as_f64().filter(|n| (0.0..=LARGEST_EXACT).contains(n) && n.fract() == 0.0);
    value.as_u64().or_else(|| float().map(|n| n as u64))
}

/// A member that is a URL, absolute or relative to `base`.
pub(super) fn url(object: &Map<String, Value>, name: &str, base: Option<&Url>) -> Option<Url> {
    resolve(string(object, name)?, base)
}

/// An absolute URL, or a relative one where there is a base. `None` also when it is too long.
pub(super) fn resolve(text: &str, base: Option<&Url>) -> Option<Url> {
    let short = text.len() <= bounds::URL;
    short.then(|| Url::options().base_url(base).parse(text).ok()).flatten().filter(bounds::fits)
}

/// The `dir` member.
pub(super) fn direction(object: &Map<String, Value>) -> Option<Direction> {
    match string(object, "dir")? {
        "auto" => Some(Direction::Auto),
        "ltr" => Some(Direction::Ltr),
        "rtl" => Some(Direction::Rtl),
        _ => None,
    }
}

/// `requireInteraction`, written `require_interaction` by generators that followed drafts before 2025.
pub(super) fn require_interaction(object: &Map<String, Value>) -> Option<bool> {
    boolean(object, "requireInteraction").or_else(|| boolean(object, "require_interaction"))
}

/// The options of the Notifications API that every dialect of that shape has, wherever its title, links and buttons come
/// from. What has the wrong type is ignored.
pub(super) fn options(object: &Map<String, Value>, base: Option<&Url>) -> Notification {
    Notification {
        title: string(object, "title").unwrap_or_default().to_owned(),
        body: string(object, "body").unwrap_or_default().to_owned(),
        lang: string(object, "lang").unwrap_or_default().to_owned(),
        dir: direction(object).unwrap_or_default(),
        tag: string(object, "tag").unwrap_or_default().to_owned(),
        icon: url(object, "icon", base),
        image: url(object, "image", base),
        badge: url(object, "badge", base),
        silent: boolean(object, "silent"),
        renotify: boolean(object, "renotify").unwrap_or(false),
        require_interaction: require_interaction(object).unwrap_or(false),
        timestamp: unsigned(object, "timestamp"),
        ..Notification::default()
    }
}

/// A number, a string of digits, or a boolean.
pub(super) fn app_badge(value: &Value) -> Option<AppBadge> {
    let count = match value {
        Value::Bool(true) => return Some(AppBadge::Unspecified),
        Value::Bool(false) => 0,
        Value::String(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        Value::Number(_) => whole_number(value)?,
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(if count == 0 { AppBadge::Clear } else { AppBadge::Count(count) })
}

/// A member that is a string or a number, as text that says something.
pub(super) fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(as_text)
}

/// A string that is not blank, trimmed, or a number.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A member that is an object.
pub(super) fn object<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    object.get(name).and_then(Value::as_object)
}

/// Whether a member is `true`.
pub(super) fn is_true(object: &Map<String, Value>, name: &str) -> bool {
    boolean(object, name) == Some(true)
}

/// Whether it says nothing: null, white space, or made of nothing else.
pub(super) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_blank),
        Value::Object(members) => members.values().all(is_blank),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
