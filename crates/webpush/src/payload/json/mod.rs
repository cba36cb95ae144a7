//! Flat JSON: objects made by hand, by many projects, in much the same words. What a member is called, how that is
//! written, and which object it is in all vary; [`Places`] and [`aliases`] know how.

mod actions;
#[rustfmt::skip]
mod aliases;
mod languages;
mod links;
mod names;
mod places;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::fields::{app_badge, as_text, resolve, whole_number};
use super::plaintext::Plaintext;
use super::{AppBadge, Context, Direction, Notification, Reading};
use crate::Urgency;
use aliases::{
    BADGE, BODY, BODY_END, ICON, ICON_END, IMAGE, IMAGE_END, OWN_NAME, ROOM, SENDER, SENDER_END, SOURCE, TAG,
    TIME, TITLE, TITLE_END,
};
pub(super) use links::{is_web, resolve_leniently};
pub(super) use names::{plain, words_of};
pub(super) use places::Places;
use places::{Place, Role, words};

/// Who did it.
const PERSON: &[Role] = &[Role::Person];
/// Where they said it.
const PLACE: &[Role] = &[Role::Room];
/// What the sender wrote for the notification.
const SHELL: &[Role] = &[Role::Notification, Role::Document, Role::Wrapper];
/// That, and what it passes on to its page.
const WRITTEN: &[Role] = &[Role::Notification, Role::Document, Role::Wrapper, Role::Data];
/// That, and what it is about.
const ABOUT: &[Role] = &[Role::Notification, Role::Document, Role::Wrapper, Role::Data, Role::Subject];
/// That, and who did it.
const ANYWHERE: &[Role] =
    &[Role::Notification, Role::Document, Role::Wrapper, Role::Data, Role::Subject, Role::Person, Role::Room];
/// Links beside what it is about.
const LINKS: &[Role] = &[Role::Links];

/// A document with a title, a body or a link.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let places = Places::of(plaintext.json()?)?;
    Some(Reading { app_badge: places.badge(), ..notification(&places, context)?.into() })
}

/// What these places say; `None` if it is neither a title nor a text nor a link.
pub(super) fn notification(places: &Places<'_>, context: Context<'_>) -> Option<Notification> {
    let named_base = places.text(WRITTEN, &["baseurl"]).and_then(|text| resolve(&text, context.base));
    let base = named_base.as_ref().or(context.base);
    let (title, body) = places.texts();
    let actions = places.actions(base);
    let navigate = places.link(base, &actions);
    if title.is_none() && body.is_none() && navigate.is_none() {
        return None;
    }
    let title = title.or_else(|| places.name());
    let icon = places.picture(ANYWHERE, ICON, base).or_else(|| places.picture_ending(ICON_END, base));
    // `picture` may be either; the same one twice is one.
    let image = places.picture(ABOUT, IMAGE, base).or_else(|| places.picture_ending(IMAGE_END, base));
    let image = image.filter(|image| icon.as_ref() != Some(image));
    Some(Notification {
        title: title.unwrap_or_else(|| context.site.to_owned()),
        body: body.unwrap_or_default(),
        navigate,
        request: None,
        lang: places.text(WRITTEN, &["lang", "language", "locale", "preferredlocale"]).unwrap_or_default(),
        dir: places.first(WRITTEN, |place| direction(place.get("dir")?)).unwrap_or_default(),
        tag: places.replace_key().unwrap_or_default(),
        icon,
        image,
        badge: places.picture(WRITTEN, &["badge"], base),
        silent: places.boolean("silent"),
        renotify: places.boolean("renotify").unwrap_or(false),
        require_interaction: ["requireinteraction", "sticky", "persistent"]
            .iter()
            .find_map(|alias| places.boolean(alias))
            .unwrap_or(false),
        timestamp: places.first(WRITTEN, |place| TIME.iter().find_map(|alias| time(place.get(alias)?))),
        urgency: places.text(WRITTEN, &["urgency", "importance", "severity"]).and_then(|text| urgency(&text)),
        actions,
        command: None,
    })
}

impl<'a> Places<'a> {
    /// Whether somebody would read something.
    pub(super) fn has_text(&self) -> bool {
        self.title_and_body(ABOUT).is_some()
    }

    /// What a document says of itself under one of these plain names (`type`, `event` …).
    pub(super) fn kinds(&self, names: &'static [&'static str]) -> impl Iterator<Item = &str> {
        let places = self.in_roles(WRITTEN);
        places.flat_map(|place| names.iter().filter_map(|name| place.get_exactly(name)?.as_str()))
    }

    /// The tag of a notification, under one of these plain names.
    pub(super) fn tag(&self, names: &[&str]) -> Option<String> {
        self.first(WRITTEN, |place| names.iter().find_map(|name| as_text(place.get_exactly(name)?)))
    }

    fn first<T>(&self, roles: &'a [Role], read: impl Fn(&Place<'a>) -> Option<T>) -> Option<T> {
        self.in_roles(roles).find_map(read)
    }

    fn text(&self, roles: &'a [Role], aliases: &[&str]) -> Option<String> {
        self.first(roles, |place| place.text(aliases)).map(|(_, text)| text)
    }

    /// A title, and a text that is not the same member again: `subject` may be either.
    fn title_and_body(&self, roles: &'a [Role]) -> Option<(Option<String>, Option<String>)> {
        let title = self.first(roles, |place| place.text(TITLE));
        let is_title = |alias: &&str| title.as_ref().is_some_and(|(title, _)| title == alias);
        let others: Vec<&str> = BODY.iter().filter(|alias| !is_title(alias)).copied().collect();
        let body = self.text(roles, &others);
        let title = title.map(|(_, title)| title);
        (title.is_some() || body.is_some()).then_some((title, body))
    }

    /// The same, with what has a name that only ends like a title's or a text's, and with whom it is from where that is
    /// all there is to say.
    fn texts(&self) -> (Option<String>, Option<String>) {
        let (title, body) =
            self.title_and_body(WRITTEN).or_else(|| self.title_and_body(ABOUT)).unwrap_or_default();
        let title = match title {
            None if self.name().is_none() => self.ending(TITLE_END, body.as_deref()),
            title => title,
        };
        // A name with a digit may be no person's but a record's.
        let tells = |name: &String| {
            title.as_ref().is_some_and(|title| !title.contains(name))
                && (name.contains(' ') || !name.contains(|c: char| c.is_ascii_digit()))
        };
        let body = body.or_else(|| self.ending(BODY_END, title.as_deref()));
        let body = body.or_else(|| self.sender().filter(tells));
        (title, body)
    }

    /// What a person wrote under a name with this end, if it is not the other text. `welcome_mail` was written by a program.
    fn ending(&self, ends: &[&str], other: Option<&str>) -> Option<String> {
        let is_written =
            |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_uppercase() || !c.is_ascii());
        self.first(SHELL, |place| place.text_ending(ends))
            .filter(|text| is_name(text) && is_written(text) && Some(text.as_str()) != other)
    }

    fn called(&self, roles: &'a [Role], aliases: &'static [&'static str]) -> Option<String> {
        let names = |place: &Place<'a>| {
            aliases.iter().filter_map(|alias| words(place.get(alias)?)).find(|name| is_name(name))
        };
        self.first(roles, names)
    }

    fn sender(&self) -> Option<String> {
        let in_an_object = |place: &Place<'a>| {
            SENDER.iter().find_map(|alias| {
                let person = place.get(alias)?.as_object()?;
                Place::new(Role::Person, Cow::Borrowed(person)).text(OWN_NAME).map(|(_, name)| name)
            })
        };
        self.called(SHELL, SENDER)
            .or_else(|| self.first(SHELL, |place| place.text_ending(SENDER_END)).filter(|name| is_name(name)))
            .or_else(|| self.first(SHELL, in_an_object).filter(|name| is_name(name)))
    }

    /// Who it is from, and where they said it, where there is no title. A name written for the notification is not
    /// completed from what it is about.
    fn name(&self) -> Option<String> {
        let person_in_room = |(person, room): (Option<String>, Option<String>)| match (person, room) {
            (Some(person), Some(room)) if person != room => Some(format!("{person} ({room})")),
            (person, room) => person.or(room),
        };
        let within = || {
            let data = &[Role::Data];
            [SENDER, ROOM, SOURCE].into_iter().find_map(|aliases| self.called(data, aliases))
        };
        person_in_room((self.called(SHELL, SENDER), self.called(SHELL, ROOM)))
            .or_else(|| self.called(SHELL, SOURCE))
            .or_else(|| person_in_room((self.called(PERSON, OWN_NAME), self.called(PLACE, OWN_NAME))))
            .or_else(within)
    }

    /// What is beside what is shown: elsewhere an `id` may be anything's.
    fn replace_key(&self) -> Option<String> {
        let beside = || self.text(SHELL, TAG).or_else(|| self.text(WRITTEN, &["tag"]));
        let is_all_data = || self.title_and_body(SHELL).is_none();
        beside().or_else(|| is_all_data().then(|| self.tag(TAG)).flatten())
    }

    fn boolean(&self, alias: &str) -> Option<bool> {
        self.first(WRITTEN, |place| match place.get(alias)? {
            Value::Bool(value) => Some(*value),
            Value::Number(number) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                Some(_) | None => None,
            },
            Value::String(text) if matches!(text.to_ascii_lowercase().as_str(), "true" | "1") => Some(true),
            Value::String(text) if matches!(text.to_ascii_lowercase().as_str(), "false" | "0") => Some(false),
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        })
    }

    /// A count for the application's icon. `badge` is a picture for most and a number for some.
    fn badge(&self) -> Option<AppBadge> {
        self.first(WRITTEN, |place| {
            BADGE.iter().find_map(|alias| {
                let value = place.get(alias)?;
                // A flag called `unread` says nothing about a count.
                if value.is_boolean() && *alias != "appbadge" { None } else { app_badge(value) }
            })
        })
    }
}

/// Not the number of something, nor an identifier.
fn is_name(text: &str) -> bool {
    let is_identifier =
        text.len() >= 16 && !text.contains(' ') && text.contains(|c: char| c.is_ascii_digit());
    text.contains(char::is_alphabetic) && !is_identifier
}

fn direction(value: &Value) -> Option<Direction> {
    match value.as_str()? {
        "auto" => Some(Direction::Auto),
        "ltr" => Some(Direction::Ltr),
        "rtl" => Some(Direction::Rtl),
        _ => None,
    }
}

/// Milliseconds since the epoch, also written in seconds, as a string, or as a date with its offset (RFC 3339, RFC 2822);
/// other numbers are no time of our days.
fn time(value: &Value) -> Option<u64> {
    /// 2001-09-09 in seconds and 2286-11-20 in milliseconds: both notations have the years between to themselves.
    const SECONDS: std::ops::Range<u64> = 1_000_000_000..10_000_000_000;
    const MILLISECONDS: std::ops::Range<u64> = 1_000_000_000_000..10_000_000_000_000;
    let number = match value {
        Value::String(text) => text.parse().ok().or_else(|| date(text))?,
        Value::Number(number) => whole_number(value).or_else(|| number.as_f64().map(|n| n as u64))?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    match number {
        n if SECONDS.contains(&n) => Some(n * 1_000),
        n if MILLISECONDS.contains(&n) => Some(n),
        _ => None,
    }
}

/// In milliseconds. Without an offset it could be any of a day's.
fn date(text: &str) -> Option<u64> {
    let text = text.trim();
    let timestamp = text.parse().or_else(|_| jiff::fmt::rfc2822::parse(text).map(|zoned| zoned.timestamp()));
    timestamp.ok().and_then(|timestamp: Timestamp| timestamp.as_millisecond().try_into().ok())
}

/// `priority` is not asked: for most senders it is about delivery.
fn urgency(text: &str) -> Option<Urgency> {
    match text.to_ascii_lowercase().as_str() {
        "very-low" | "min" | "minimum" => Some(Urgency::VeryLow),
        "low" => Some(Urgency::Low),
        "normal" | "default" | "medium" => Some(Urgency::Normal),
        "high" | "urgent" | "critical" | "max" | "emergency" => Some(Urgency::High),
        _ => None,
    }
}

/// A link on its own, without a place to look it up in.
pub(super) fn web_link(text: &str, base: Option<&Url>) -> Option<Url> {
    links::resolve_leniently(text, base).filter(links::is_web)
}
