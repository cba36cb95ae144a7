//! Flat JSON: objects made by hand, by many projects, in much the same words.

use serde_json::{Map, Value};
use url::Url;

use super::fields::{boolean, direction, require_interaction, resolve, unsigned};
use super::plaintext::Plaintext;
use super::{Action, Content, Context, Notification};

const TITLE: &[&str] = &["title", "subject", "summary", "room_name"];
const BODY: &[&str] = &["body", "message", "text", "content.body", "description"];
const LINK: &[&str] = &[
    "navigate",
    "default_action_url",
    "url",
    "data.url",
    "click",
    "click_action",
    "link",
    "actionUrl",
    "action_url",
    "fcmOptions.link",
    "data.link",
    "data.path",
    "href",
];
const IMAGE: &[&str] = &["image", "attachment.url"];
const ICON: &[&str] = &["icon", "badge"];
const TAG: &[&str] = &["tag", "nid", "notification_id", "room_id", "id"];
const ACTION_LABEL: &[&str] = &["title", "label"];
const ACTION_LINK: &[&str] = &["navigate", "url"];

/// An object with a title, a body or a link.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Content> {
    let places = Places::of(plaintext.json()?.as_object()?);
    let named_base = places.text(&["base_url"]).and_then(|text| resolve(&text, context.base));
    let base = named_base.as_ref().or(context.base);

    let (title, body) = (places.text(TITLE), places.text(BODY));
    let navigate = places.url(LINK, base);
    if title.is_none() && body.is_none() && navigate.is_none() {
        return None;
    }
    let notification = Notification {
        title: title.unwrap_or_else(|| context.site.to_owned()),
        body: body.unwrap_or_default(),
        navigate,
        lang: places.text(&["lang"]).unwrap_or_default(),
        dir: places.first(direction).unwrap_or_default(),
        tag: places.text(TAG).unwrap_or_default(),
        icon: places.url(ICON, base),
        image: places.url(IMAGE, base),
        badge: places.url(&["badge"], base),
        silent: places.first(|place| boolean(place, "silent")),
        renotify: places.first(|place| boolean(place, "renotify")).unwrap_or(false),
        require_interaction: places.first(require_interaction).unwrap_or(false),
        timestamp: places.first(|place| unsigned(place, "timestamp")),
        actions: places.first(|place| place.get("actions")?.as_array()).map_or_else(Vec::new, |entries| {
            entries.iter().filter_map(|entry| action(entry.as_object()?, base)).collect()
        }),
    };
    Some(notification.into())
}

/// A button needs a label; one without a link is shown and opens nothing.
fn action(entry: &Map<String, Value>, base: Option<&Url>) -> Option<Action> {
    let entry = Places(vec![entry]);
    Some(Action {
        title: entry.text(ACTION_LABEL)?,
        action: entry.text(&["action"]).unwrap_or_default(),
        navigate: entry.url(ACTION_LINK, base),
        icon: entry.url(&["icon"], base),
    })
}

/// The objects a member may be in, the likeliest first.
struct Places<'a>(Vec<&'a Map<String, Value>>);

impl<'a> Places<'a> {
    /// `notification` wraps what is shown; `data` is the application's, and looked at last.
    fn of(root: &'a Map<String, Value>) -> Self {
        let inner = |object: &'a Map<String, Value>, name| object.get(name).and_then(Value::as_object);
        let notification = inner(root, "notification");
        let data = [notification.and_then(|object| inner(object, "data")), inner(root, "data")];
        Self([notification, Some(root)].into_iter().chain(data).flatten().collect())
    }

    fn first<T>(&self, read: impl Fn(&'a Map<String, Value>) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|place| read(place))
    }

    /// The first of these members that says something. Numbers are taken for text.
    fn text(&self, paths: &[&str]) -> Option<String> {
        self.find(paths, |value| match value {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        })
    }

    /// The first of these members that is a URL.
    fn url(&self, paths: &[&str], base: Option<&Url>) -> Option<Url> {
        self.find(paths, |value| resolve(value.as_str().filter(|text| !text.trim().is_empty())?, base))
    }

    /// `a.b` is member `b` of member `a`.
    fn find<T>(&self, paths: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        self.first(|place| paths.iter().find_map(|path| read(at(place, path)?)))
    }
}

fn at<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((outer, inner)) => object.get(outer)?.get(inner),
        None => object.get(path),
    }
}
