//! Golden files under `golden/payload`: `NAME.push` is what a sender encrypted, `NAME.json` what is made of it, members
//! with their default value left out. Those in `without-base` belong to a site whose origin is not known; those in `wild`, `wild2` and
//! `wild3` have the shapes of senders found in public code, which the readings were not written for. `UPDATE_GOLDEN=1` writes
//! the expectations anew; read the difference before you commit it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::payload::{AppBadge, Content, Context, Control, FieldMapping, Notification, Payload};
use serde_json::{Map, Value, json};
use url::Url;

#[test]
fn every_recorded_payload_becomes_what_is_expected() {
    let base: Url = "https://app.example/".parse().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/payload");
    let mut differences = Vec::new();
    let mut read = 0;
    for (name, base) in [
        ("with-base", Some(&base)),
        ("without-base", None),
        ("hostile", Some(&base)),
        ("wild", Some(&base)),
        ("wild2", Some(&base)),
        ("wild3", Some(&base)),
    ] {
        let files = files(&folder.join(name));
        for input in files.iter().filter(|path| path.extension().is_some_and(|e| e == "push")) {
            let context = Context { site: "Example", base };
            let payload = Payload::parse(&fs::read(input).unwrap(), context, &FieldMapping::default());
            differences.extend(compare(&input.with_extension("json"), &describe(&payload, context)));
            read += 1;
        }
        for expected in files.iter().filter(|path| path.extension().is_some_and(|e| e == "json")) {
            if !expected.with_extension("push").exists() {
                differences.push(format!("{}: has no input", expected.display()));
            }
        }
    }
    assert!(read > 0, "no golden files in {}", folder.display());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn describe(payload: &Payload, context: Context<'_>) -> Value {
    let mut described = Map::new();
    described.insert("dialect".into(), serde_json::to_value(payload.dialect).unwrap());
    match &payload.content {
        Content::Notification(notification) => {
            described.insert("notification".into(), without_defaults(notification));
        }
        Content::Control(control) => {
            described.insert("control".into(), describe_control(control));
            if let Some(notification) = control.notification(context) {
                described.insert("notification".into(), without_defaults(&notification));
            }
        }
    }
    if let Some(badge) = payload.app_badge {
        let badge = match badge {
            AppBadge::Clear => json!("clear"),
            AppBadge::Unspecified => json!("unspecified"),
            AppBadge::Count(count) => json!(count),
        };
        described.insert("appBadge".into(), badge);
    }
    if payload.mutable {
        described.insert("mutable".into(), json!(true));
    }
    Value::Object(described)
}

fn without_defaults(notification: &Notification) -> Value {
    let defaults = serde_json::to_value(Notification::default()).unwrap();
    let mut notification = serde_json::to_value(notification).unwrap();
    let members = notification.as_object_mut().unwrap();
    members.retain(|name, value| defaults.get(name) != Some(value));
    for action in members.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten() {
        action.as_object_mut().unwrap().retain(|_, value| !value.is_null() && *value != "");
    }
    notification
}

fn describe_control(control: &Control) -> Value {
    match control {
        Control::Withdraw(tags) => json!({ "withdraw": tags }),
        Control::WithdrawAll => json!("withdraw-all"),
        Control::Activate { token } => json!({ "activate": token }),
        Control::SubscriptionExpiring => json!("subscription-expiring"),
        Control::Badge => json!("badge"),
    }
}

/// One line per member that differs.
fn compare(path: &Path, actual: &Value) -> Vec<String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, format!("{actual:#}\n")).unwrap();
    }
    let name = path.file_stem().unwrap().to_string_lossy();
    let Ok(text) = fs::read_to_string(path) else { return vec![format!("{name}: has no expectation")] };
    let (mut expected, mut found) = (BTreeMap::new(), BTreeMap::new());
    flatten("", &serde_json::from_str(&text).unwrap(), &mut expected);
    flatten("", actual, &mut found);
    let pointers: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let show = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
    let differing = pointers.into_iter().filter(|pointer| expected.get(*pointer) != found.get(*pointer));
    differing
        .map(|pointer| {
            let (wanted, got) = (show(expected.get(pointer)), show(found.get(pointer)));
            format!("{name}: {pointer} should be {wanted}, is {got}")
        })
        .collect()
}

fn flatten(pointer: &str, value: &Value, flat: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                flatten(&format!("{pointer}/{name}"), member, flat);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{pointer}/{index}"), item, flat);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => drop(flat.insert(pointer.to_owned(), value.clone())),
    }
}
