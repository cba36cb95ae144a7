//! No payload panics, and what comes out is bounded, whatever went in.

use crate::payload::{
    Action, Content, Context, Control, Dialect, FieldMapping, Notification, Payload, Request,
};
use crate::secrets::redact;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use url::Url;

const SECRET: &str = "s3cret-t0ken";

fn parse(plaintext: &[u8], base: bool) -> Payload {
    let url: Url = "https://app.example/".parse().unwrap();
    Payload::parse(
        plaintext,
        Context { site: "Example", base: base.then_some(&url) },
        &FieldMapping::default(),
    )
}

/// Whatever somebody points at: the same pointers for every field, one after the other.
fn parse_mapped(json: &Value, pointers: &[String]) {
    let url: Url = "https://app.example/".parse().unwrap();
    let at = |index: usize| pointers.get(index).and_then(|pointer| pointer.parse().ok());
    let mapping = FieldMapping { title: at(0), body: at(1), link: at(2), image: at(3), tag: at(4) };
    let context = Context { site: "Example", base: Some(&url) };
    judge(&Payload::parse(json.to_string().as_bytes(), context, &mapping));
}

/// The pointers to everything in a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.replace('~', "~0").replace('/', "~1"), member))
            .collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, member) in members {
        let pointer = format!("{at}/{name}");
        pointers(member, &pointer, found);
        found.push(pointer);
    }
}

fn judge(payload: &Payload) {
    assert!(!format!("{payload:?}").contains(SECRET));
    match &payload.content {
        Content::Notification(notification) => judge_notification(notification, payload.dialect),
        Content::Control(control) => judge_control(control),
    }
}

fn judge_notification(notification: &Notification, dialect: Dialect) {
    let Notification { title, body, tag, lang, actions, navigate, icon, image, badge, request, .. } =
        notification;
    let reorders = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_stray = |c: char| (c.is_control() && c != '\n' && c != '\t') || reorders(c);
    assert!(
        title.chars().count() <= 1_000 && !title.contains(|c: char| c.is_control() || reorders(c)),
        "{title:?}"
    );
    assert!(!title.is_empty() || dialect == Dialect::Declarative);
    assert!(body.chars().count() <= 16_000 && !body.contains(is_stray), "{body:?}");
    assert!(tag.chars().count() <= 256 && lang.len() <= 64 && actions.len() <= 16);
    let mut urls = vec![navigate, icon, image, badge];
    let mut requests = vec![request];
    for Action { action, title, navigate, icon, request } in actions {
        assert!(title.chars().count() <= 256 && action.chars().count() <= 256);
        assert!(navigate.is_none() || request.is_none(), "a button opens or sends, never both");
        urls.extend([navigate, icon]);
        requests.push(request);
    }
    assert!(urls.into_iter().flatten().all(|url| url.as_str().len() <= 8_192));
    for request in requests.into_iter().flatten() {
        let Request::Http { method, url, headers, body } = request else { continue };
        assert!(matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 8_192);
        assert!(method.len() <= 16 && body.len() <= 4_096 && headers.len() <= 16);
        assert!(headers.iter().all(|(name, value)| name.len() <= 4_096 && value.len() <= 4_096));
    }
    assert!(!serde_json::to_string(notification).unwrap().contains(SECRET));
}

fn judge_control(control: &Control) {
    if let Control::Withdraw(tags) = control {
        assert!(tags.len() <= 100 && tags.iter().all(|tag| !tag.is_empty() && tag.chars().count() <= 256));
        assert!(!tags.iter().any(|tag| tag.contains(SECRET)));
    }
    if let Some(notification) = control.notification(Context { site: "Example", base: None }) {
        judge_notification(&notification, Dialect::Control);
    }
}

/// JSON that often has the names and values the readings look for.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        Just(json!(8030)),
        "\\PC{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof!["/[a-z]{0,5}", "https?://[a-z0-9.:\\[]{0,9}", "data:,x{8000,9000}"].prop_map(Value::from),
        "[a-z\n ]{900,2000}".prop_map(Value::from),
        (0..5_usize).prop_map(|n| Value::from("long ".repeat(1000 * n))),
    ];
    let name = prop_oneof![
        4 => proptest::sample::select(vec![
            "web_push", "notification", "data", "title", "subject", "body", "message", "content", "navigate", "url",
            "link", "icon", "badge", "image", "attachment", "tag", "id", "lang", "dir", "silent", "vibrate", "renotify",
            "requireInteraction", "timestamp", "actions", "action", "label", "app_badge", "mutable", "base_url",
            "event", "topic", "message_id", "nid", "nids", "delete", "delete-multiple", "delete-all", "dismiss", "app",
            "activationToken", "room_id", "event_id", "sender", "unread", "notification_type", "notification_id",
            "onActionClick", "default", "operation", "method", "headers", "fcmMessageId", "from", "priority", "tags",
            "attachment", "payload", "options", "click_action", "en", "name", "author",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    leaf.prop_recursive(5, 80, 20, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            3 => proptest::collection::vec((name.clone(), inner), 0..20)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..6000), base in any::<bool>()) {
        judge(&parse(&bytes, base));
    }

    #[test]
    fn arbitrary_text(text in any::<String>(), base in any::<bool>()) {
        judge(&parse(text.as_bytes(), base));
    }

    #[test]
    fn arbitrary_json(json in any_json(), base in any::<bool>()) {
        judge(&parse(json.to_string().as_bytes(), base));
    }

    #[test]
    fn arbitrary_declarative_messages(
        members in proptest::collection::vec((
            prop_oneof!["body", "tag", "icon", "actions", "silent", "lang", "timestamp"], any_json()), 0..8),
    ) {
        let mut notification: Map<String, Value> = members.into_iter().collect();
        notification.insert("title".into(), json!("t\u{0}\n"));
        notification.insert("navigate".into(), json!("/x"));
        judge(&parse(json!({"web_push": 8030, "notification": notification}).to_string().as_bytes(), true));
    }

    #[test]
    fn whatever_is_mapped(json in any_json(), picks in proptest::collection::vec(any::<proptest::sample::Index>(), 5)) {
        let mut json = json;
        for place in ["", "/notification", "/data"] {
            if let Some(Value::Object(members)) = json.pointer_mut(place) {
                members.insert("jwt".into(), json!(SECRET));
            }
        }
        let mut found = vec!["/jwt".to_owned()];
        pointers(&json, "", &mut found);
        let picked: Vec<_> = picks.iter().map(|pick| pick.get(&found).clone()).collect();
        parse_mapped(&json, &picked);
    }

    #[test]
    fn json_that_is_cut_off(json in any_json(), keep in 0.0..1.0_f64) {
        let text = json.to_string();
        let kept = (text.len() as f64 * keep) as usize;
        judge(&parse(&text.as_bytes()[..kept], true));
    }

    #[test]
    fn secrets_wherever_they_are(
        json in any_json(),
        name in prop_oneof!["access_token", "jwt"],
        pair in proptest::sample::select(vec![("key", "value"), ("name", "val"), ("Name", "Value"), ("name", "VAL")]),
        cut in any::<bool>(),
    ) {
        let mut json = json;
        for place in ["/notification", ""] {
            if let Some(Value::Object(members)) = json.pointer_mut(place) {
                members.insert(name.clone(), json!(SECRET));
            }
        }
        let (of_name, of_value) = pair;
        let pair = json!({ of_name: name.to_uppercase(), of_value: SECRET });
        let pairs = json!([{"key": "title", "value": "t"}, pair]);
        let wrapped = json!({
            "list": [json!({ "data": json.clone() })], "data": pairs, "body": pairs.to_string(), name: SECRET, "z": json,
            "zz": pair,
        }).to_string();
        let kept = if cut { wrapped.len() - 1 } else { wrapped.len() };
        let kept = &wrapped.as_bytes()[..kept];
        judge(&parse(kept, true));
        assert!(!String::from_utf8_lossy(&redact(kept)).contains(SECRET));
    }
}

#[test]
fn the_largest_of_everything_is_cut_to_size() {
    let long = "ä\u{7}".repeat(40_000);
    let url = format!("https://x.example/{}", "y".repeat(9_000));
    let action = json!({"action": long, "title": long, "navigate": "https://x.example/"});
    let payload = json!({"web_push": 8030, "notification": {"title": long, "body": long, "tag": long, "lang": "x".repeat(99),
        "navigate": "https://x.example/", "icon": url, "actions": vec![action; 40]}});
    let payload = parse(payload.to_string().as_bytes(), false);
    judge(&payload);
    let Content::Notification(notification) = &payload.content else { panic!("{payload:?}") };
    let Notification { title, body, tag, icon, actions, .. } = &**notification;
    assert_eq!(payload.dialect, Dialect::Declarative);
    assert_eq!((title.chars().count(), body.chars().count(), tag.chars().count()), (1_000, 16_000, 256));
    assert_eq!((icon, actions.len()), (&None, 16));
}

#[test]
fn nesting_without_end_is_only_text() {
    let closed = |open: &str, close: &str, levels| format!("{}{}", open.repeat(levels), close.repeat(levels));
    for deep in [
        "[".repeat(100_000),
        "{\"data\":".repeat(10_000),
        closed("[", "]", 500),
        closed("[", "]", 10_000),
        format!("{}1{}", "{\"data\":".repeat(10_000), "}".repeat(10_000)),
    ] {
        judge(&parse(deep.as_bytes(), true));
    }
    // Each level is a document within a string: escapes double with every one.
    let mut nested = json!({"title": "t"}).to_string();
    for _ in 0..8 {
        nested = json!({ "data": nested }).to_string();
    }
    judge(&parse(nested.as_bytes(), true));
}

#[test]
fn a_megabyte_of_anything_is_read_in_bounds() {
    let long = "x".repeat(1 << 20);
    let flat: Map<String, Value> = (0..50_000).map(|n| (format!("name {n}"), json!("{"))).collect();
    let translated: Map<String, Value> = (0..50_000).map(|n| (format!("name{n}_de"), json!("x"))).collect();
    let wide = json!({ "data": vec![json!({"title": {"title": 5}}); 30_000] });
    for payload in [
        json!({"title": long, "body": long, "url": long, "icon": long, "tag": long}),
        json!({"notification": {"title": "t", "actions": vec![json!({"title": "a", "action": "b"}); 20_000]}}),
        json!({"event": "message", "message": {"topic": long, "event": "message", "tags": vec!["warning"; 50_000]}}),
        json!({"delete-multiple": true, "nids": (0..100_000).collect::<Vec<_>>()}),
        Value::Object(flat),
        Value::Object(translated),
        wide,
        json!("https://a.example/ ".repeat(50_000)),
        json!("\\\"{[".repeat(200_000)),
    ] {
        judge(&parse(payload.to_string().as_bytes(), true));
    }
    judge(&parse("\\ud800\"".repeat(100_000).as_bytes(), true));
    judge(&parse(long.as_bytes(), true));
}
