//! Buttons: each has a label; its link may be far from it.

use std::borrow::Cow;

use serde_json::{Map, Value};
use url::Url;

use super::WRITTEN;
use super::aliases::{
    ACTION_ICON, ACTION_LABEL, ACTION_LINK, ACTION_NAME, ACTIONS, ACTIONS_BY_NAME, BUTTON_LABEL, BUTTON_LINK,
    BUTTONS,
};
use super::links::{is_web, link, may_hold_links};
use super::names::plain;
use super::places::{Place, Places, Role};
use crate::payload::fields::as_text;
use crate::payload::{Action, Request, bounds};

/// Words by which a button says that it sends a request rather than opens a page.
const REQUESTS: [&str; 7] = ["http", "request", "sendrequest", "fetch", "api", "webhook", "callback"];

/// Members of an object that says what a button far from it does; each button would look through a larger one.
const LARGEST_AIM: usize = 64;

impl<'a> Places<'a> {
    pub(super) fn actions(&self, base: Option<&Url>) -> Vec<Action> {
        let listed = self.in_roles(WRITTEN).find_map(|place| {
            ACTIONS.iter().find_map(|alias| {
                let value = place.get(alias)?;
                let is_read = !value.is_object() || ACTIONS_BY_NAME.contains(alias);
                let actions = if is_read { self.listed(value, base) } else { Vec::new() };
                (!actions.is_empty()).then_some(actions)
            })
        });
        listed
            .unwrap_or_else(|| self.in_roles(WRITTEN).flat_map(|place| place.single_buttons(base)).collect())
    }

    fn listed(&self, value: &Value, base: Option<&Url>) -> Vec<Action> {
        match value {
            Value::Array(entries) => {
                let entries = entries.iter().take(2 * bounds::ACTIONS);
                entries.filter_map(|entry| self.action(entry, base)).collect()
            }
            Value::String(text) => match serde_json::from_str(text) {
                Ok(entries @ Value::Array(_)) => self.listed(&entries, base),
                _ => Vec::new(),
            },
            // Each under its own name.
            Value::Object(entries) => {
                let entries = entries.iter().take(2 * bounds::ACTIONS).filter(|(_, entry)| entry.is_object());
                let named = entries.filter_map(|(name, entry)| Some((name, self.action(entry, base)?)));
                let named = named.map(|(name, action)| match action.action.as_str() {
                    "" => Action { action: name.clone(), ..action },
                    _ => action,
                });
                named.collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
        }
    }

    fn action(&self, entry: &Value, base: Option<&Url>) -> Option<Action> {
        let entry = match entry {
            Value::String(label) => {
                let title = Some(label.trim()).filter(|label| !label.is_empty())?.to_owned();
                return Some(Action { action: title.clone(), title, ..Action::default() });
            }
            Value::Object(entry) => entry,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
        };
        let place = Place::new(Role::Part, Cow::Borrowed(entry));
        let (_, title) = place.text(ACTION_LABEL)?;
        let action = place.text(ACTION_NAME).map(|(_, name)| name).unwrap_or_default();
        let icon =
            ACTION_ICON.iter().find_map(|alias| link(place.get(alias)?, alias, false, base).filter(is_web));
        let (navigate, request) = match aim(&place, base) {
            Some(aim) => aim,
            None => self.far_aim(&action, base).unwrap_or_default(),
        };
        Some(Action { action, title, navigate, icon, request })
    }

    /// Where a button without a link of its own leads: what is called like the button. `actionButton1Url` belongs to
    /// `action1`.
    fn far_aim(&self, action: &str, base: Option<&Url>) -> Option<Aim> {
        let essence = |name: &str| name.replace("button", "");
        let name = essence(&plain(action));
        if name.is_empty() {
            return None;
        }
        let named = |member: &str| {
            essence(member)
                .strip_prefix(name.as_str())
                .is_some_and(|rest| matches!(rest, "" | "url" | "link"))
        };
        self.iter().filter(|place| may_hold_links(place.role)).find_map(|place| {
            let called_so = place.named_members().filter(|(names, _)| names.iter().any(|name| named(name)));
            called_so.map(|(_, value)| value).find_map(|value| match value {
                Value::String(_) => Some((Some(link(value, "", true, base).filter(is_web)?), None)),
                Value::Object(members) if members.len() <= LARGEST_AIM => {
                    aim(&Place::new(Role::Part, Cow::Borrowed(members)), base)
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
            })
        })
    }
}

impl Place<'_> {
    /// Buttons that are two members side by side: `actionTitle` and `actionUrl`.
    fn single_buttons(&self, base: Option<&Url>) -> impl Iterator<Item = Action> {
        let member =
            |stem: &str, ends: &[&str]| ends.iter().find_map(|end| self.get_exactly(&format!("{stem}{end}")));
        BUTTONS.iter().filter_map(move |stem| {
            let title = as_text(member(stem, BUTTON_LABEL)?)?;
            let navigate = Some(link(member(stem, BUTTON_LINK)?, "", false, base).filter(is_web)?);
            Some(Action { title, navigate, ..Action::default() })
        })
    }
}

/// What a click opens, or what it sends.
type Aim = (Option<Url>, Option<Request>);

fn aim(entry: &Place<'_>, base: Option<&Url>) -> Option<Aim> {
    let find = |alias: &&str| link(entry.get(alias)?, alias, matches!(*alias, "path" | "target"), base);
    let url = ACTION_LINK.iter().find_map(find)?;
    if !sends_request(entry) {
        return Some((Some(url), None));
    }
    let string = |alias: &str| entry.get(alias).and_then(Value::as_str);
    let no_headers = Map::new();
    let headers = entry.get("headers").and_then(Value::as_object).unwrap_or(&no_headers);
    let headers = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let body = match entry.get("body").or_else(|| entry.get("payload")) {
        Some(Value::String(body)) => body.clone(),
        Some(body @ (Value::Object(_) | Value::Array(_))) => body.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_)) | None => String::new(),
    };
    let by_default = if string("operation") == Some("sendRequest") { "GET" } else { "POST" };
    Some((None, Request::http(string("method").unwrap_or(by_default), url, headers, &body)))
}

/// By what it says of itself, or by having what only a request has. `action` is a name of the sender's choice, but for
/// ntfy's.
fn sends_request(entry: &Place<'_>) -> bool {
    let string = |alias: &str| entry.get(alias).and_then(Value::as_str);
    let kinds = ["type", "kind", "operation"].iter().filter_map(|alias| string(alias));
    let says_so =
        kinds.map(plain).any(|kind| REQUESTS.contains(&kind.as_str())) || string("action") == Some("http");
    let method = string("method");
    says_so
        || method.is_some_and(|method| !method.eq_ignore_ascii_case("get"))
        || entry.get("headers").is_some()
}
