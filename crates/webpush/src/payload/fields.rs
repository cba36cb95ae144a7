//! Members of JSON objects, read leniently: what has the wrong type is as good as absent.

use serde_json::{Map, Value};
use url::Url;

use super::{Direction, bounds};

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
