//! Angular's service worker: options of the Notifications API, and in `data.onActionClick` what each click does.

use serde_json::{Map, Value};
use url::Url;

use super::fields::{self, object, resolve, string, text};
use super::plaintext::Plaintext;
use super::{Action, Context, Notification, Reading, Request};

/// The entry for a click on the notification itself.
const DEFAULT: &str = "default";

/// Without `onActionClick` a message of this shape could be anybody's, and is read as such.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let options = object(plaintext.json()?.as_object()?, "notification")?;
    let clicks = object(object(options, "data")?, "onActionClick")?;
    let title = text(options, "title")?;
    let (navigate, request) = click(clicks, DEFAULT, context.base);
    let entries = options.get("actions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let actions =
        entries.iter().filter_map(|entry| action(entry.as_object()?, clicks, context.base)).collect();
    Some(Notification { title, navigate, request, actions, ..fields::options(options, context.base) }.into())
}

fn action(entry: &Map<String, Value>, clicks: &Map<String, Value>, base: Option<&Url>) -> Option<Action> {
    let (action, title) = (text(entry, "action").unwrap_or_default(), text(entry, "title")?);
    let (navigate, request) = click(clicks, &action, base);
    Some(Action { action, title, navigate, icon: fields::url(entry, "icon", base), request })
}

/// Outside a browser there is no window to focus: all of those operations open the page.
fn click(clicks: &Map<String, Value>, name: &str, base: Option<&Url>) -> (Option<Url>, Option<Request>) {
    let Some(click) = object(clicks, name) else { return (None, None) };
    let url = || resolve(string(click, "url").unwrap_or_default(), base);
    match string(click, "operation") {
        Some("openWindow" | "focusLastFocusedOrOpen" | "navigateLastFocusedOrOpen") => (url(), None),
        Some("sendRequest") => {
            (None, url().and_then(|url| Request::http("GET", url, std::iter::empty(), "")))
        }
        Some(_) | None => (None, None),
    }
}
