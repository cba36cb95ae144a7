//! `Payload::parse` and `secrets::redact` on whatever a sender may have encrypted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use url::Url;
use webpush::payload::{Content, Context, FieldMapping, Notification, Payload};
use webpush::secrets;

fuzz_target!(|plaintext: &[u8]| {
    let base: Url = "https://app.example/".parse().unwrap();
    let pointer = |text: &str| text.parse().ok();
    let mapped = FieldMapping {
        title: pointer("/body"),
        body: pointer("/data/jwt"),
        link: pointer("/title"),
        image: pointer("/0"),
        tag: pointer("/notification/title"),
    };
    for (base, mapping) in [(Some(&base), &FieldMapping::default()), (None, &mapped)] {
        let context = Context { site: "Example", base };
        match Payload::parse(plaintext, context, mapping).content {
            Content::Notification(notification) => judge(&notification),
            Content::Control(control) => control.notification(context).iter().for_each(judge),
        }
    }
    if let Ok(kept) = serde_json::from_slice(&secrets::redact(plaintext)) {
        judge_kept(&kept);
    }
});

/// A name may stay, where the text became JSON only by losing the value.
fn judge_kept(kept: &Value) {
    match kept {
        Value::Object(members) => {
            for (name, member) in members {
                let is_secret =
                    ["access_token", "jwt"].iter().any(|secret| name.eq_ignore_ascii_case(secret));
                assert!(!is_secret || member.is_null(), "a secret was kept");
                judge_kept(member);
            }
        }
        Value::Array(items) => items.iter().for_each(judge_kept),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn judge(notification: &Notification) {
    assert!(notification.title.chars().count() <= 1_000 && !notification.title.contains(char::is_control));
    assert!(notification.body.chars().count() <= 16_000 && notification.tag.chars().count() <= 256);
    assert!(notification.actions.len() <= 16);
    assert!(notification.actions.iter().all(|action| action.navigate.is_none() || action.request.is_none()));
    let kept = serde_json::to_string(notification).unwrap();
    assert!(
        serde_json::from_str::<Notification>(&kept).unwrap() == *notification,
        "the history keeps it whole"
    );
}
