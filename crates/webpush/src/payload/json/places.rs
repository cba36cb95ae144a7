//! Where in a document a member may be, and how its name may be written.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde_json::{Map, Value};

use crate::payload::fields::as_text;
use crate::payload::plaintext::structure;

/// Objects looked into; a payload of a person's making has a handful.
const MOST_PLACES: usize = 64;
/// Objects within objects.
const DEEPEST: usize = 6;

/// What an object is for, by the name it has where it is found: the likeliest to say what is shown comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::payload) enum Role {
    /// What is shown.
    Notification,
    /// The document itself.
    Document,
    /// Around what is shown, or beside it.
    Wrapper,
    /// The application's own.
    Data,
    /// Any other: what the message is about.
    Subject,
    /// A person, or the application.
    Person,
    /// A picture, a button, and whatever else is read as a part of something.
    Part,
}

impl Role {
    fn of(name: &str) -> Self {
        match bare(name).as_str() {
            "notification" | "aps" | "alert" => Self::Notification,
            "message" | "msg" | "payload" | "option" | "opt" | "notificationoption" | "push" | "webpush"
            | "web" | "content" | "param" | "event" | "body" | "chrome" | "webpayload" | "detail" => {
                Self::Wrapper
            }
            "data" | "extra" | "custom" | "customdata" | "additionaldata" | "meta" | "metadata" | "info"
            | "context" | "fcmoption" | "userinfo" => Self::Data,
            "user" | "author" | "sender" | "from" | "actor" | "creator" | "owner" | "account" | "profile"
            | "app" | "application" | "channel" | "group" | "room" | "site" | "recipient" | "to" => {
                Self::Person
            }
            "icon" | "image" | "picture" | "photo" | "avatar" | "logo" | "badge" | "attachment" | "media"
            | "action" | "button" | "file" | "thumbnail" | "sound" | "android" | "apn" | "ios" => Self::Part,
            _ => Self::Subject,
        }
    }
}

/// Lower case letters and digits, without a plural's end: `fcm_options` and `fcmOption` are the same.
fn bare(name: &str) -> String {
    let plain = plain(name);
    plain.strip_suffix('s').filter(|one| one.len() > 2 && *one != "ap").map(str::to_owned).unwrap_or(plain)
}

/// Lower case letters and digits: `click_action`, `clickAction` and `Click-Action` are the same name.
pub(in crate::payload) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What senders put before a name to say that it belongs to the notification.
const PREFIXES: [&str; 10] =
    ["notification", "notif", "note", "webpush", "push", "message", "msg", "alert", "fcm", "gcm"];

/// An object's members: the document's own, or those of a document within a string.
type Members<'a> = Cow<'a, Map<String, Value>>;

/// Objects of a document in which members are looked up, the likeliest first.
pub(in crate::payload) struct Places<'a>(Vec<Place<'a>>);

/// One of them.
pub(in crate::payload) struct Place<'a> {
    pub(super) role: Role,
    members: Members<'a>,
    /// The members' plain names, and those without a prefix.
    names: Vec<(String, String)>,
}

impl<'a> Places<'a> {
    /// Everything within a document. An array stands for its first object.
    pub(in crate::payload) fn of(document: &'a Value) -> Option<Self> {
        let root = match document {
            Value::Array(items) => items.iter().find_map(Value::as_object)?,
            Value::Object(root) => root,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        let mut queue = VecDeque::from([(Role::Document, 0, Cow::Borrowed(root))]);
        let mut places = Vec::new();
        while let Some((role, depth, members)) = queue.pop_front() {
            if places.len() == MOST_PLACES {
                break;
            }
            if depth < DEEPEST {
                queue.extend(
                    inner_objects(&members).into_iter().map(|(role, inner)| (role, depth + 1, inner)),
                );
            }
            places.push(Place::new(role, members));
        }
        places.sort_by_key(|place| place.role);
        Some(Self(places))
    }

    /// Those whose role is one of these.
    pub(super) fn in_roles(&self, roles: &'a [Role]) -> impl Iterator<Item = &Place<'a>> {
        self.0.iter().filter(|place| roles.contains(&place.role))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Place<'a>> {
        self.0.iter()
    }
}

/// The objects that are members of one, and what each is for.
fn inner_objects<'a>(members: &Members<'a>) -> Vec<(Role, Members<'a>)> {
    match members {
        Cow::Borrowed(members) => members
            .iter()
            .filter_map(|(name, value)| Some((Role::of(name), object(Role::of(name), value)?)))
            .collect(),
        Cow::Owned(members) => members
            .iter()
            .filter_map(|(name, value)| {
                let role = Role::of(name);
                Some((role, Cow::Owned(object(role, value)?.into_owned())))
            })
            .collect(),
    }
}

/// An object, one that a string holds, or the first of a list, where the others are of the same kind.
fn object(role: Role, value: &Value) -> Option<Members<'_>> {
    match value {
        Value::Object(members) => Some(Cow::Borrowed(members)),
        Value::Array(items) if role != Role::Part => {
            items.iter().find_map(Value::as_object).map(Cow::Borrowed)
        }
        Value::String(text) => match structure(text)? {
            Value::Object(embedded) => Some(Cow::Owned(embedded)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        },
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

impl<'a> Place<'a> {
    pub(super) fn new(role: Role, members: Members<'a>) -> Self {
        let names = members
            .keys()
            .map(|name| {
                let plain = plain(name);
                let short = PREFIXES.iter().find_map(|prefix| plain.strip_prefix(prefix)).unwrap_or_default();
                let short = short.to_owned();
                (plain, short)
            })
            .collect();
        Self { role, members, names }
    }

    /// Members with their plain names, and those without a prefix where there is one.
    pub(super) fn named_members(&self) -> impl Iterator<Item = ([&str; 2], &Value)> {
        self.names.iter().map(|(plain, short)| [plain.as_str(), short.as_str()]).zip(self.members.values())
    }

    /// Members with their plain names.
    pub(super) fn plain_members(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.names.iter().map(|(plain, _)| plain.as_str()).zip(self.members.values())
    }

    /// A member by its plain name: the one called exactly so, else the one that has a prefix before it.
    pub(super) fn get(&self, alias: &str) -> Option<&Value> {
        let by_short_name = || {
            let index = self.names.iter().position(|(_, short)| short == alias)?;
            self.members.values().nth(index)
        };
        self.get_exactly(alias).or_else(by_short_name)
    }

    /// A member whose plain name this is.
    pub(super) fn get_exactly(&self, plain: &str) -> Option<&Value> {
        self.plain_members().find(|(name, _)| *name == plain).map(|(_, value)| value)
    }

    /// The first of these members that says something, and its alias. Numbers are taken for text.
    pub(super) fn text<'n>(&self, aliases: &[&'n str]) -> Option<(&'n str, String)> {
        aliases.iter().find_map(|alias| Some((*alias, words(self.get(alias)?)?)))
    }
}

/// Text, or one of several translations; but not a document within a string, which is a place of its own.
pub(super) fn words(value: &Value) -> Option<String> {
    match value {
        Value::Object(translations) => {
            let is_language = |name: &str| {
                let primary = name.split(['-', '_']).next().unwrap_or_default();
                (2..=3).contains(&primary.len()) && name.len() <= 11
            };
            let are_translations =
                translations.iter().all(|(name, text)| is_language(name) && text.is_string());
            let chosen = translations.get("en").or_else(|| translations.values().next());
            chosen.filter(|_| are_translations).and_then(as_text)
        }
        Value::String(text) if structure(text).is_some() => None,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            as_text(value)
        }
    }
}
