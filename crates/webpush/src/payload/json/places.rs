//! Where in a document a member may be, and how its name may be written.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::aliases::{NO_TEXT, NOBODYS_TEXT};
use super::languages::{self, SideBySide};
use super::names::{bare, plain, without_prefix, words_before};
use crate::payload::fields::{as_text, is_blank};
use crate::payload::plaintext::structure;
use crate::secrets;

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
    /// Where a person said it.
    Room,
    /// Links by what they are to the subject, as HAL has them in `_links`.
    Links,
    /// A picture, a button, and whatever else is read as a part of something.
    Part,
}

impl Role {
    fn of(name: &str, value: &Value) -> Self {
        // Those in a list say what they are to the subject themselves, or are buttons.
        if value.is_object() && plain(name) == "links" {
            return Self::Links;
        }
        match bare(name).as_str() {
            "notification" | "aps" | "alert" => Self::Notification,
            "message" | "msg" | "payload" | "option" | "opt" | "notificationoption" | "push" | "webpush"
            | "web" | "content" | "param" | "event" | "body" | "chrome" | "webpayload" | "detail" => {
                Self::Wrapper
            }
            "data" | "extra" | "custom" | "customdata" | "additionaldata" | "meta" | "metadata" | "info"
            | "context" | "fcmoption" | "userinfo" => Self::Data,
            "user" | "author" | "sender" | "from" | "actor" | "creator" | "owner" | "account" | "profile"
            | "app" | "application" | "site" | "recipient" | "to" => Self::Person,
            "channel" | "group" | "room" => Self::Room,
            "icon" | "image" | "picture" | "photo" | "avatar" | "logo" | "badge" | "attachment" | "media"
            | "action" | "button" | "file" | "thumbnail" | "sound" | "android" | "apn" | "ios" => Self::Part,
            _ => Self::Subject,
        }
    }
}

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
            if depth < DEEPEST && role != Role::Links && !is_buttons(role, &members) {
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

/// Buttons, each under its own name: what they say and open is not the notification's.
fn is_buttons(role: Role, members: &Map<String, Value>) -> bool {
    let is_button = |value: &Value| {
        value.as_object().is_some_and(|button| {
            button.keys().any(|name| matches!(plain(name).as_str(), "title" | "label" | "text"))
        })
    };
    role == Role::Part
        && members.iter().all(|(name, value)| Role::of(name, value) == Role::Subject && is_button(value))
}

/// The objects that are members of one, and what each is for.
fn inner_objects<'a>(members: &Members<'a>) -> Vec<(Role, Members<'a>)> {
    let language = languages::chosen_object(members);
    let is_read = |name: &str| language.is_none_or(|language| language == name);
    match members {
        Cow::Borrowed(members) => members
            .iter()
            .filter(|(name, _)| is_read(name))
            .flat_map(|(name, value)| {
                let role = Role::of(name, value);
                objects(role, value).into_iter().map(move |object| (role, object))
            })
            .collect(),
        Cow::Owned(members) => members
            .iter()
            .filter(|(name, _)| is_read(name))
            .flat_map(|(name, value)| {
                let role = Role::of(name, value);
                objects(role, value).into_iter().map(move |object| (role, Cow::Owned(object.into_owned())))
            })
            .collect(),
    }
}

/// An object, one that a string holds, or those of a list: of several with the same members, which are of the same kind, the
/// first.
fn objects(role: Role, value: &Value) -> Vec<Members<'_>> {
    match value {
        Value::Object(members) => vec![Cow::Borrowed(members)],
        Value::Array(items) if role != Role::Part => {
            let mut items: Vec<_> = items.iter().filter_map(Value::as_object).take(MOST_PLACES).collect();
            if let Some(pairs) = pairs(&items) {
                return vec![Cow::Owned(pairs)];
            }
            items.sort_by_key(|item| !languages::says_english(item));
            let mut unlike: Vec<&Map<String, Value>> = Vec::new();
            for item in items {
                if !unlike.iter().any(|other| other.keys().eq(item.keys())) {
                    unlike.push(item);
                }
            }
            unlike.into_iter().map(Cow::Borrowed).collect()
        }
        Value::String(text) => match structure(text) {
            Some(Value::Object(embedded)) => vec![Cow::Owned(embedded)],
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
            | None => Vec::new(),
        },
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// An object written as a list of names and values.
fn pairs(items: &[&Map<String, Value>]) -> Option<Map<String, Value>> {
    let pair = |item: &&Map<String, Value>| {
        let member = |names: [&str; 2]| {
            item.iter()
                .find(|(name, _)| names.contains(&plain(name).as_str()))
                .map(|(_, value)| value.clone())
        };
        let (name, value) = (member(["key", "name"])?, member(["value", "val"])?);
        (item.len() == 2).then_some((name.as_str()?.to_owned(), value))
    };
    let mut pairs = Value::Object(items.iter().map(pair).collect::<Option<_>>()?);
    secrets::remove(&mut pairs);
    let Value::Object(pairs) = pairs else { return None };
    (!pairs.is_empty()).then_some(pairs)
}

impl<'a> Place<'a> {
    pub(super) fn new(role: Role, members: Members<'a>) -> Self {
        let side_by_side = SideBySide::of(members.keys().map(String::as_str));
        let short = |name: &str| match side_by_side.chosen(name) {
            Some(stem) => {
                let stem = plain(stem);
                without_prefix(&stem).map(str::to_owned).unwrap_or(stem)
            }
            None => without_prefix(&plain(name)).unwrap_or_default().to_owned(),
        };
        let names = members.keys().map(|name| (plain(name), short(name))).collect();
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

    /// A member by its plain name: the one called exactly so, else the one that has a prefix before it or a language after
    /// it. What is blank gives way to what is not.
    pub(super) fn get(&self, alias: &str) -> Option<&Value> {
        telling(self.called(alias))
    }

    /// A member whose plain name this is.
    pub(super) fn get_exactly(&self, plain: &str) -> Option<&Value> {
        telling(self.called_exactly(plain))
    }

    fn called<'n>(&'n self, alias: &str) -> impl Iterator<Item = &'n Value> + Clone {
        let by_short_name =
            self.names.iter().zip(self.members.values()).filter(move |((_, short), _)| short == alias);
        self.called_exactly(alias).chain(by_short_name.map(|(_, value)| value))
    }

    fn called_exactly<'n>(&'n self, plain: &str) -> impl Iterator<Item = &'n Value> + Clone {
        let named = self.names.iter().zip(self.members.values()).filter(move |((name, _), _)| name == plain);
        named.map(|(_, value)| value)
    }

    /// What the first member says whose name has one of these ends, and a word of the sender's before it.
    pub(super) fn text_ending(&self, ends: &[&str]) -> Option<String> {
        let ending = |end: &str| {
            let named = self.members.keys().zip(self.plain_members()).filter(|(name, (plain, _))| {
                words_before(name, plain, end).is_some_and(|before| !before.iter().any(is_no_text))
            });
            named.map(|(_, (_, value))| value).filter(|value| !value.is_number()).find_map(words)
        };
        ends.iter().find_map(|end| ending(end))
    }

    /// The first of these members that says something, and its alias. Numbers are taken for text.
    pub(super) fn text<'n>(&self, aliases: &[&'n str]) -> Option<(&'n str, String)> {
        aliases.iter().find_map(|alias| Some((*alias, self.called(alias).find_map(words)?)))
    }
}

/// The first that is not blank, or else the first.
fn telling<'v>(mut values: impl Iterator<Item = &'v Value> + Clone) -> Option<&'v Value> {
    values.clone().find(|value| !is_blank(value)).or_else(|| values.next())
}

/// Whether this word before a text's name makes it none to show.
fn is_no_text(word: &String) -> bool {
    let one = word.strip_suffix('s').unwrap_or(word);
    NO_TEXT.iter().any(|no| word == no || one == *no) || NOBODYS_TEXT.iter().any(|no| word.contains(no))
}

/// Text, or one of several translations; but not a document within a string, which is a place of its own.
pub(super) fn words(value: &Value) -> Option<String> {
    match value {
        Value::Object(translations) => languages::translation(translations).and_then(as_text),
        Value::String(text) if structure(text).is_some() => None,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            as_text(value)
        }
    }
}
