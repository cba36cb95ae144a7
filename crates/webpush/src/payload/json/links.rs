//! Links and pictures, told from what only has the same name.

use serde_json::Value;
use url::Url;

use super::aliases::{ADDRESS, LINK, NO_PAGE, PAGE, PATH};
use super::names::plain;
use super::places::{Place, Places, Role};
use super::{ABOUT, LINKS, WRITTEN};
use crate::payload::Action;
use crate::payload::fields::resolve;

impl<'a> Places<'a> {
    /// The first link that a browser can open; else the first of any kind, for whoever opens it to refuse.
    /// Those of buttons are not the notification's.
    pub(super) fn link(&self, base: Option<&Url>, buttons: &[Action]) -> Option<Url> {
        let buttons: Vec<String> = buttons.iter().map(|button| plain(&button.action)).collect();
        let called = |roles, aliases: &'static [&'static str], is_path| {
            let places = self.in_roles(roles);
            places.filter(|place| place.is_for_people()).flat_map(move |place| {
                aliases.iter().filter_map(move |alias| link(place.at(alias)?, alias, is_path, base))
            })
        };
        let by_name = called(WRITTEN, LINK, false)
            .chain(self.in_roles(WRITTEN).flat_map(|place| place.pages(base, &buttons)))
            .chain(called(WRITTEN, PATH, true))
            .chain(called(LINKS, PAGE, false))
            .chain(called(ABOUT, ADDRESS, false))
            .chain(called(LINKS, ADDRESS, false));
        let mut other = None;
        for url in by_name {
            if is_web(&url) {
                return Some(url);
            }
            other.get_or_insert(url);
        }
        other
    }

    pub(super) fn picture(
        &self,
        roles: &'static [Role],
        aliases: &[&str],
        base: Option<&Url>,
    ) -> Option<Url> {
        self.in_roles(roles)
            .find_map(|place| aliases.iter().find_map(|alias| picture(place.get(alias)?, base)))
    }
}

impl<'a> Places<'a> {
    /// The first picture whose name has one of these ends.
    pub(super) fn picture_ending(&self, ends: &[&str], base: Option<&Url>) -> Option<Url> {
        let ending = |place: &Place<'a>| {
            let named = place.plain_members().filter(|(name, _)| ends.iter().any(|end| name.ends_with(end)));
            named.filter(|(_, value)| value.is_string()).find_map(|(_, value)| picture(value, base))
        };
        self.in_roles(WRITTEN).find_map(ending)
    }
}

impl Place<'_> {
    /// Members of a name nobody has heard of that says, though, that it is a link.
    fn pages(&self, base: Option<&Url>, buttons: &[String]) -> impl Iterator<Item = Url> {
        let is_page = |name: &str| {
            !buttons.iter().any(|button| !button.is_empty() && name.starts_with(button.as_str()))
                && ["url", "link", "uri", "href"].iter().any(|word| name.contains(word))
                && !NO_PAGE.iter().any(|word| name.contains(word))
        };
        let members = self.plain_members().filter(move |(name, value)| is_page(name) && value.is_string());
        members.filter_map(move |(_, value)| link(value, "", true, base))
    }

    /// Whether this is no link to what only a program reads: one that says what it is to the subject (`rel`) is a page or
    /// none.
    fn is_for_people(&self) -> bool {
        let relation = self.get_exactly("rel").and_then(Value::as_str);
        relation.is_none_or(|relation| PAGE.contains(&plain(relation).as_str()))
    }

    /// `a.b` is member `b` of member `a`.
    fn at(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            Some((outer, inner)) => {
                let outer = self.get(outer)?.as_object()?;
                outer.iter().find(|(name, _)| plain(name) == inner).map(|(_, value)| value)
            }
            None => self.get(path),
        }
    }
}

/// A string, or an object that stands for a link.
pub(super) fn link(value: &Value, alias: &str, is_path: bool, base: Option<&Url>) -> Option<Url> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            // `click_action` often holds an Android intent's name, `action` a verb.
            let must_look_like_one = is_path || matches!(alias, "click" | "clickaction");
            let fits = if must_look_like_one { looks_like_link(text) } else { could_be_link(text) };
            fits.then(|| resolve_leniently(text, base)).flatten()
        }
        Value::Object(members) => {
            let within = |name: &&str| {
                link(members.get(*name).filter(|value| value.is_string())?, name, is_path, base)
            };
            ADDRESS.iter().find_map(within)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// A picture's address: not a name from a set of icons, nor a file that is no picture.
fn picture(value: &Value, base: Option<&Url>) -> Option<Url> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let has_path = text.contains(['/', '.']) && !text.contains(char::is_whitespace);
            let url = has_path.then(|| resolve_leniently(text, base)).flatten()?;
            (is_web(&url) || text.starts_with("data:image/")).then_some(url)
        }
        Value::Array(items) => {
            items.iter().filter(|item| !item.is_array()).find_map(|item| picture(item, base))
        }
        Value::Object(members) => {
            let of_kind = ["type", "mime_type", "mimeType", "contentType"]
                .iter()
                .find_map(|name| members.get(*name)?.as_str());
            let is_picture = of_kind.is_none_or(|kind| kind.starts_with("image") || !kind.contains('/'));
            let address =
                ADDRESS.iter().find_map(|name| members.get(*name).filter(|value| value.is_string()));
            picture(address.filter(|_| is_picture)?, base)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

pub(in crate::payload) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// As an address bar reads it: `www.` and `//` begin a host also where there is no base.
pub(in crate::payload) fn resolve_leniently(text: &str, base: Option<&Url>) -> Option<Url> {
    let text = text.trim();
    let starts_with =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if starts_with("www.") {
        return resolve(&format!("https://{text}"), None);
    }
    if starts_with("//") && base.is_none() {
        return resolve(&format!("https:{text}"), None);
    }
    resolve(text, base)
}

/// Absolute, or a path from the root on.
fn looks_like_link(text: &str) -> bool {
    let has_host = text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric()) && !rest.is_empty()
    });
    (has_host || text.starts_with(['/', '?', '#']) || text.starts_with("./") || text.starts_with("www."))
        && !text.contains(char::is_whitespace)
}

/// A path without any sign of being one may still be meant so; a sentence or a constant's name is not.
fn could_be_link(text: &str) -> bool {
    let is_constant = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    !text.is_empty() && !is_constant && (looks_like_link(text) || !text.contains(char::is_whitespace))
}

/// Whether a place of this role may hold the links of buttons.
pub(super) fn may_hold_links(role: Role) -> bool {
    !matches!(role, Role::Person | Role::Room)
}
