//! No payload panics, and what comes out is bounded, whatever went in.

use crate::payload::{Context, Dialect, Notification, Payload};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use url::Url;

const SECRET: &str = "s3cret-t0ken";

fn parse(plaintext: &[u8], base: bool) -> Payload {
    let url: Url = "https://app.example/".parse().unwrap();
    Payload::parse(plaintext, Context { site: "Example", base: base.then_some(&url) })
}

fn judge(payload: &Payload) {
    let Notification { title, body, tag, lang, actions, navigate, icon, image, badge, .. } =
        &payload.notification;
    assert!(title.chars().count() <= 1_000 && !title.contains(char::is_control), "{title:?}");
    assert!(!title.is_empty() || payload.dialect == Dialect::Declarative);
    let is_stray = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(body.chars().count() <= 16_000 && !body.contains(is_stray), "{body:?}");
    assert!(tag.chars().count() <= 256 && lang.len() <= 64 && actions.len() <= 16);
    let mut urls = vec![navigate, icon, image, badge];
    for action in actions {
        assert!(action.title.chars().count() <= 256 && action.action.chars().count() <= 256);
        urls.extend([&action.navigate, &action.icon]);
    }
    assert!(urls.into_iter().flatten().all(|url| url.as_str().len() <= 8_192));
    assert!(!serde_json::to_string(&payload.notification).unwrap().contains(SECRET));
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
    fn json_that_is_cut_off(json in any_json(), keep in 0.0..1.0_f64) {
        let text = json.to_string();
        let kept = (text.len() as f64 * keep) as usize;
        judge(&parse(&text.as_bytes()[..kept], true));
    }

    #[test]
    fn secrets_wherever_they_are(json in any_json(), name in prop_oneof!["access_token", "jwt"], cut in any::<bool>()) {
        let mut json = json;
        for place in ["/notification", ""] {
            if let Some(Value::Object(members)) = json.pointer_mut(place) {
                members.insert(name.clone(), json!(SECRET));
            }
        }
        let wrapped = json!({ "list": [json!({ "data": json.clone() })], name: SECRET, "z": json }).to_string();
        let kept = if cut { wrapped.len() - 1 } else { wrapped.len() };
        judge(&parse(&wrapped.as_bytes()[..kept], true));
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
    let Notification { title, body, tag, icon, actions, .. } = &payload.notification;
    assert_eq!(payload.dialect, Dialect::Declarative);
    assert_eq!((title.chars().count(), body.chars().count(), tag.chars().count()), (1_000, 16_000, 256));
    assert_eq!((icon, actions.len()), (&None, 16));
}

#[test]
fn nesting_without_end_is_only_text() {
    for deep in
        ["[".repeat(100_000), "{\"data\":".repeat(5_000), format!("{}{}", "[".repeat(500), "]".repeat(500))]
    {
        judge(&parse(deep.as_bytes(), true));
    }
}
