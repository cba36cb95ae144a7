//! Where a person has said that a sender's words are, for payloads that no reading gets right.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use super::Notification;
use super::json::{is_web, resolve_leniently};

/// The longest pointer that is kept, in characters.
const LONGEST: usize = 500;

/// A place in a JSON document (RFC 6901), but not all of it: begins with a slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonPointer(String);

/// Why a text is no [`JsonPointer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPointer {
    /// It does not begin with a slash.
    #[error("a JSON pointer begins with a slash, such as /notification/title")]
    Start,
    /// A tilde that is not part of an escape.
    #[error("in a JSON pointer a tilde is written ~0, and a slash within a name ~1")]
    Escape,
    /// Longer than any member's place.
    #[error("a JSON pointer has at most {LONGEST} characters")]
    Length,
}

/// What a pointer can be given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappedField {
    /// [`Notification::title`].
    Title,
    /// [`Notification::body`].
    Body,
    /// [`Notification::navigate`].
    Link,
    /// [`Notification::image`].
    Image,
    /// [`Notification::tag`].
    Tag,
}

/// A site's own places of things. They win over what the dialects make of a payload, where there is something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldMapping {
    /// Of the title.
    pub title: Option<JsonPointer>,
    /// Of the text.
    pub body: Option<JsonPointer>,
    /// Of what a click opens.
    pub link: Option<JsonPointer>,
    /// Of the large picture.
    pub image: Option<JsonPointer>,
    /// Of the tag, which a later notification replaces by.
    pub tag: Option<JsonPointer>,
}

impl JsonPointer {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A string, a number or a boolean, as text. Objects, arrays and null say nothing.
    fn text(&self, document: &Value) -> Option<String> {
        match document.pointer(&self.0)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

impl MappedField {
    /// Every one, in the order in which people read them.
    pub const ALL: [Self; 5] = [Self::Title, Self::Body, Self::Link, Self::Image, Self::Tag];

    /// As it is written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
            Self::Link => "link",
            Self::Image => "image",
            Self::Tag => "tag",
        }
    }
}

impl FieldMapping {
    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The pointer of a field.
    pub fn get(&self, field: MappedField) -> Option<&JsonPointer> {
        let Self { title, body, link, image, tag } = self;
        match field {
            MappedField::Title => title.as_ref(),
            MappedField::Body => body.as_ref(),
            MappedField::Link => link.as_ref(),
            MappedField::Image => image.as_ref(),
            MappedField::Tag => tag.as_ref(),
        }
    }

    /// Gives a field a pointer, or takes it away.
    pub fn set(&mut self, field: MappedField, pointer: Option<JsonPointer>) {
        let place = match field {
            MappedField::Title => &mut self.title,
            MappedField::Body => &mut self.body,
            MappedField::Link => &mut self.link,
            MappedField::Image => &mut self.image,
            MappedField::Tag => &mut self.tag,
        };
        *place = pointer;
    }

    /// Puts what the pointers find into the notification, which is bounded after. A pointer that finds nothing, or for a
    /// link or picture nothing that is one, leaves what was there. Returns the fields that were found.
    pub(super) fn apply(
        &self,
        document: &Value,
        base: Option<&Url>,
        notification: &mut Notification,
    ) -> Vec<MappedField> {
        let Self { title, body, link, image, tag } = self;
        let text = |pointer: &Option<JsonPointer>| pointer.as_ref().and_then(|it| it.text(document));
        // An empty one would be the site itself, a number or a boolean a page of that name.
        let written = |pointer: &Option<JsonPointer>| document.pointer(pointer.as_ref()?.as_str())?.as_str();
        let url = |pointer| {
            let text = written(pointer).filter(|text| !text.trim().is_empty());
            text.and_then(|text| resolve_leniently(text, base))
        };
        let mut found = Vec::new();
        if let Some(text) = text(title) {
            notification.title = text;
            found.push(MappedField::Title);
        }
        if let Some(text) = text(body) {
            notification.body = text;
            found.push(MappedField::Body);
        }
        if let Some(link) = url(link).filter(is_web) {
            notification.navigate = Some(link);
            // A click opens or sends, never both.
            notification.request = None;
            found.push(MappedField::Link);
        }
        if let Some(image) = url(image).filter(|url| is_web(url) || url.as_str().starts_with("data:image/")) {
            notification.image = Some(image);
            found.push(MappedField::Image);
        }
        if let Some(text) = text(tag) {
            notification.tag = text;
            found.push(MappedField::Tag);
        }
        found
    }
}

impl FromStr for JsonPointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        if !text.starts_with('/') {
            return Err(InvalidPointer::Start);
        }
        if text.chars().count() > LONGEST {
            return Err(InvalidPointer::Length);
        }
        if text.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
            return Err(InvalidPointer::Escape);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for JsonPointer {
    type Error = InvalidPointer;

    fn try_from(text: String) -> Result<Self, InvalidPointer> {
        text.parse()
    }
}

impl From<JsonPointer> for String {
    fn from(pointer: JsonPointer) -> Self {
        pointer.0
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MappedField {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        Self::ALL.into_iter().find(|field| field.as_str() == text).ok_or(UnknownField)
    }
}

/// Not one of the fields that can be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("only title, body, link, image and tag can be mapped")]
pub struct UnknownField;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Content, Context, Control, Dialect, Payload};
    use serde_json::json;

    fn mapping(pairs: &[(&str, &str)]) -> FieldMapping {
        let mut mapping = FieldMapping::default();
        for (field, pointer) in pairs {
            mapping.set(field.parse().unwrap(), Some(pointer.parse().unwrap()));
        }
        mapping
    }

    fn parse(payload: &str, pairs: &[(&str, &str)]) -> Payload {
        let base: Url = "https://app.example/".parse().unwrap();
        let context = Context { site: "Example", base: Some(&base) };
        Payload::parse(payload.as_bytes(), context, &mapping(pairs))
    }

    fn notification(payload: &Value, pairs: &[(&str, &str)]) -> Notification {
        match parse(&payload.to_string(), pairs).content {
            Content::Notification(notification) => *notification,
            Content::Control(control) => panic!("{control:?}"),
        }
    }

    #[test]
    fn a_pointer_is_one_of_rfc_6901_and_names_a_member() {
        for good in ["/", "/a", "/a/0", "/a~1b/m~0n", "/ä \"", &format!("/{}", "x".repeat(499))] {
            assert_eq!(good.parse::<JsonPointer>().unwrap().as_str(), good);
        }
        let error = |text: &str| text.parse::<JsonPointer>().unwrap_err();
        assert_eq!([error(""), error("title"), error("#/a")], [InvalidPointer::Start; 3]);
        assert_eq!([error("/a~"), error("/~2"), error("/~0~")], [InvalidPointer::Escape; 3]);
        assert_eq!(error(&format!("/{}", "x".repeat(500))), InvalidPointer::Length);
        assert!(serde_json::from_value::<FieldMapping>(json!({"title": "t"})).is_err());
    }

    #[test]
    fn every_field_is_found_where_somebody_pointed() {
        let payload = json!({"title": "Parsed", "url": "/parsed", "deep": [{"a/b": "Title", "n~": {"text": "Body"}}],
            "to": "orders/7", "pic": "//cdn.example/7.png", "n": 12});
        let all = [
            ("title", "/deep/0/a~1b"),
            ("body", "/deep/0/n~0/text"),
            ("link", "/to"),
            ("image", "/pic"),
            ("tag", "/n"),
        ];
        let Notification { title, body, navigate, image, tag, .. } = notification(&payload, &all);
        assert_eq!((title.as_str(), body.as_str(), tag.as_str()), ("Title", "Body", "12"));
        assert_eq!(navigate.unwrap().as_str(), "https://app.example/orders/7");
        assert_eq!(image.unwrap().as_str(), "https://cdn.example/7.png");
        assert_eq!(parse(&payload.to_string(), &all).mapped, MappedField::ALL);
    }

    #[test]
    fn what_finds_nothing_leaves_what_was_read() {
        let payload = json!({"title": "Parsed", "body": "Text", "url": "https://a.example/", "tag": "t", "list": [],
            "none": null, "script": "javascript:alert(1)", "app": "intent://x", "bad": "https://[bad", "blank": " "});
        let parsed = notification(&payload, &[]);
        for pointer in ["/missing", "/list", "/none", "/list/0", "/title/0", "/list/-"] {
            let pairs = MappedField::ALL.map(|field| (field.as_str(), pointer));
            assert!(parse(&payload.to_string(), &pairs).mapped.is_empty(), "{pointer}");
            assert_eq!(notification(&payload, &pairs), parsed, "{pointer}");
        }
        for pointer in ["/script", "/app", "/bad", "/blank"] {
            assert_eq!(notification(&payload, &[("link", pointer), ("image", pointer)]), parsed, "{pointer}");
        }
    }

    #[test]
    fn a_boolean_and_a_number_are_text() {
        let payload = json!({"title": "t", "ok": true, "n": -1.5});
        let Notification { title, body, .. } = notification(&payload, &[("title", "/ok"), ("body", "/n")]);
        assert_eq!((title.as_str(), body.as_str()), ("true", "-1.5"));
    }

    #[test]
    fn an_empty_title_is_the_sites_name_and_an_empty_text_is_empty() {
        let payload = json!({"title": "Parsed", "body": "Text", "empty": " \n"});
        let Notification { title, body, .. } =
            notification(&payload, &[("title", "/empty"), ("body", "/empty")]);
        assert_eq!((title.as_str(), body.trim()), ("Example", ""));
    }

    #[test]
    fn it_goes_for_every_dialect_and_for_json_within_a_string() {
        let declarative = json!({"web_push": 8030, "x": "Mine",
            "notification": {"title": "Parsed", "navigate": "https://a.example/"}});
        let payload = parse(&declarative.to_string(), &[("title", "/x"), ("link", "/nothing")]);
        assert_eq!((payload.dialect, payload.mapped), (Dialect::Declarative, vec![MappedField::Title]));
        assert_eq!(notification(&declarative, &[("title", "/x")]).title, "Mine");
        let twice = Value::from(json!({"alert": {"x": "Mine"}}).to_string());
        assert_eq!(notification(&twice, &[("title", "/alert/x")]).title, "Mine");
        let opaque = json!({"q": {"z": 5}});
        assert_eq!(notification(&opaque, &[("title", "/q/z")]).title, "5");
        let ntfy = json!({"event": "message", "message": {"id": "1", "time": 1, "event": "message", "topic": "t",
            "message": "Parsed", "x": "Mine"}});
        assert_eq!(notification(&ntfy, &[("body", "/message/x")]).body, "Mine");
        for text in ["no JSON: /title", "", "\u{feff}", "[1,"] {
            assert!(parse(text, &[("title", "/title")]).mapped.is_empty());
        }
    }

    #[test]
    fn a_click_that_opens_what_was_mapped_sends_nothing() {
        let payload = json!({"notification": {"title": "t",
            "data": {"onActionClick": {"default": {"operation": "sendRequest", "url": "/send"}}}}, "at": "/open"});
        assert!(notification(&payload, &[]).request.is_some());
        let Notification { navigate, request, .. } = notification(&payload, &[("link", "/at")]);
        assert_eq!((navigate.unwrap().as_str(), request), ("https://app.example/open", None));
    }

    #[test]
    fn a_frame_that_controls_stays_one() {
        let frame = json!({"tag": "washing", "dismiss": true}).to_string();
        let payload = parse(&frame, &[("title", "/tag"), ("body", "/dismiss")]);
        assert_eq!(payload.content, Content::Control(Control::Withdraw(vec!["washing".into()])));
        assert!(payload.mapped.is_empty());
    }

    #[test]
    fn no_secret_can_be_pointed_at() {
        let payload = json!({"title": "t", "access_token": "s3cret", "data": {"jwt": "s3cret",
            "nested": "{\"JWT\":\"s3cret\"}"}});
        for pointer in ["/access_token", "/data/jwt"] {
            assert_eq!(notification(&payload, &[("title", pointer), ("body", pointer)]).title, "t");
        }
        let nested = notification(&payload, &[("body", "/data/nested")]).body;
        assert!(!nested.contains("s3cret"), "{nested}");
    }
}
