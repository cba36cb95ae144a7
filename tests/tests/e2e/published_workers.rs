//! What Angular's and Firebase's own service workers, as they are published, would show for a push is what is shown.

use anyhow::{Context as _, Result, bail, ensure};
use belfry_tests::desk::Desk;
use belfry_tests::notifications::Shown;
use belfry_tests::senders::{Sender, Sending};
use belfry_tests::service_worker::{Drawn, ORIGIN, ServiceWorker};
use belfry_tests::session::Session;
use serde_json::{Value, json};
use url::Url;
use webpush::payload::{Content, Context, FieldMapping, Notification, Payload, Request};

fn angular() -> Vec<Value> {
    let onward = json!({
        "default": { "operation": "openWindow", "url": "/backups/42" },
        "log": { "operation": "navigateLastFocusedOrOpen", "url": "log?of=42" },
        "home": { "operation": "focusLastFocusedOrOpen" },
        "again": { "operation": "sendRequest", "url": "/again" },
        "later": { "operation": "somethingElse", "url": "/later" },
    });
    let buttons = json!([
        { "action": "log", "title": "Show log" },
        { "action": "again", "title": "Run again" },
        { "action": "home", "title": "Home" },
        { "action": "later", "title": "Later" },
    ]);
    vec![
        json!({ "notification": {
            "title": "Backup finished", "body": "42 GB\nNo errors", "icon": "/disk.png", "image": "https://cdn.example/a.jpg",
            "badge": "badge.png", "tag": "backup", "renotify": true, "requireInteraction": true, "silent": false,
            "lang": "en", "dir": "ltr", "timestamp": 1_700_000_000_000_u64, "vibrate": [100, 50],
            "actions": buttons, "data": { "onActionClick": onward, "of": 42 },
        }}),
        json!({ "notification": { "title": "Disk is full", "body": "sda1", "data": { "onActionClick": {} } } }),
        json!({ "notification": {
            "title": "Only asks", "data": { "onActionClick": { "default": { "operation": "sendRequest", "url": "seen" } } },
        }}),
        json!({ "notification": { "title": "No data at all", "body": "Nothing happens by a click" } }),
    ]
}

fn firebase() -> Vec<Value> {
    // What the service adds to every message.
    let envelope = |message: Value| {
        let added = json!({
            "from": "1234567890", "fcmMessageId": "9f6e8a1c-0001-4e4f-8b6e-9b1d3a5c7e01", "priority": "normal",
        });
        let members = [message, added].into_iter().filter_map(|part| part.as_object().cloned()).flatten();
        Value::Object(members.collect())
    };
    vec![
        envelope(json!({
            "notification": {
                "title": "Backup finished", "body": "42 GB", "icon": "https://app.example/disk.png",
                "image": "/chart.png", "tag": "backup", "requireInteraction": true, "click_action": "/legacy",
                "actions": [{ "action": "log", "title": "Show log" }],
            },
            "data": { "of": "42", "url": "/not-the-link" },
            "fcmOptions": { "link": "https://app.example/backups/42", "analytics_label": "nightly" },
            "collapse_key": "do_not_collapse",
        })),
        envelope(
            json!({ "notification": { "title": "Legacy", "body": "Link", "click_action": "https://app.example/old" } }),
        ),
        envelope(
            json!({ "notification": { "title": "No link", "body": "Nothing happens" }, "data": { "k": "v" } }),
        ),
        envelope(json!({
            "notification": { "title": "From the console", "body": "Opens the site" },
            "data": { "google.c.a.c_id": "77", "google.c.a.e": "1", "google.c.a.ts": "1700000000" },
        })),
    ]
}

/// What is made of a payload, member by member.
fn read(payload: &str) -> Result<Notification> {
    let base: Url = ORIGIN.parse()?;
    let context = Context { site: "Site", base: Some(&base) };
    match Payload::parse(payload.as_bytes(), context, &FieldMapping::default()).content {
        Content::Notification(notification) => Ok(*notification),
        Content::Control(control) => bail!("{control:?}, which shows nothing"),
    }
}

fn assert_same(ours: &Notification, drawn: &Drawn) -> Result<()> {
    assert_eq!(ours.title, drawn.title);
    let texts = [(&ours.body, "body"), (&ours.tag, "tag"), (&ours.lang, "lang")];
    for (text, name) in texts {
        assert_eq!(text, drawn.text(name), "{name} of {}", drawn.title);
    }
    assert_eq!(serde_json::to_value(ours.dir)?, *drawn.options.get("dir").unwrap_or(&json!("auto")));
    for (url, name) in [(&ours.icon, "icon"), (&ours.image, "image"), (&ours.badge, "badge")] {
        assert_eq!(*url, drawn.url(name), "{name} of {}", drawn.title);
    }
    assert_eq!(ours.renotify, drawn.is("renotify"));
    assert_eq!(ours.require_interaction, drawn.is("requireInteraction"));
    assert_eq!(ours.silent, drawn.options.get("silent").and_then(Value::as_bool));
    assert_eq!(ours.timestamp, drawn.options.get("timestamp").and_then(Value::as_u64));

    let buttons: Vec<_> = ours.actions.iter().map(|one| (one.action.as_str(), one.title.as_str())).collect();
    assert_eq!(buttons, drawn.buttons());
    assert_eq!(ours.navigate.as_ref(), drawn.opened_by(""), "a click on {}", drawn.title);
    for action in &ours.actions {
        assert_eq!(action.navigate.as_ref(), drawn.opened_by(&action.action), "a click on {}", action.title);
    }
    let requests = [&ours.request].into_iter().chain(ours.actions.iter().map(|action| &action.request));
    let mut requested = Vec::new();
    for request in requests.flatten() {
        let Request::Http { method, url, .. } = request else { bail!("{request:?} is no request of theirs") };
        requested.push((method.as_str(), url.clone()));
    }
    let requests: Vec<_> = drawn.requests.iter().map(|url| ("GET", url.clone())).collect();
    assert_eq!(requested, requests, "in the background of {}", drawn.title);
    Ok(())
}

/// Every member of what the worker shows is read, wherever a desktop shows it or not.
async fn is_read_alike(worker: ServiceWorker, payloads: &[Value]) -> Result<()> {
    let session = Session::start().await?;
    for payload in payloads {
        let payload = payload.to_string();
        assert_same(&read(&payload)?, &worker.shows(&session, &payload).await?)?;
    }
    Ok(())
}

/// `buttons`: those of the worker's that are offered, each with its name and label.
fn assert_shows(shown: &Shown, drawn: &Drawn, buttons: &[(&str, &str)]) {
    assert_eq!(shown.summary, drawn.title);
    assert!(shown.body.contains(drawn.text("body")), "{:?}", shown.body);
    assert!(shown.body.contains("app.example"), "its origin is shown: {:?}", shown.body);
    let labels: Vec<_> = buttons.iter().map(|(_, label)| *label).collect();
    let room = shown.buttons().len();
    assert_eq!(shown.buttons(), labels.get(..room).unwrap_or_default());
    assert!(room == labels.len() || room == 3, "{:?}", shown.buttons());
    assert_eq!(shown.is_clickable(), drawn.opened_by("").is_some(), "{}", drawn.title);
    assert_eq!(shown.expire_timeout == 0, drawn.is("requireInteraction"), "{}", drawn.title);
}

/// The same payloads by web-push for Node, over https, as far as the notification on the desktop and the browser.
async fn is_shown_alike(worker: ServiceWorker, payloads: &[Value]) -> Result<()> {
    let mut desk = Desk::start().await?;
    let service = desk.tls_service().await?;
    let belfry = desk.profile("p")?.trusting(service.ca.as_deref());
    let _run = desk.run(&belfry, &service).await?;
    let subscription = belfry.add_site("App", &["--url", ORIGIN]).await?;
    belfry.command(["site", "set", "App", "burst=off"]).await?;
    for payload in payloads {
        let payload = payload.to_string();
        let drawn = worker.shows(&desk.session, &payload).await?;
        let sending = Sending {
            subscription: &subscription,
            payload: &payload,
            ca: service.ca.as_deref(),
            vapid_key: None,
        };
        Sender::NodeWebPush.send(&desk.session, &sending).await?;
        let first = desk.notifications.next().await?;
        // What would have to be sent in the background is not offered.
        let unsent: Vec<_> =
            read(&payload)?.actions.into_iter().filter(|action| action.request.is_some()).collect();
        let is_offered = |name: &str| unsent.iter().all(|action| action.action != name);
        let buttons: Vec<_> = drawn.buttons().into_iter().filter(|(name, _)| is_offered(name)).collect();
        assert_shows(&first, &drawn, &buttons);
        let is_tagged = !drawn.text("tag").is_empty();
        let mut on_screen = Some(first.id);
        let named = buttons.iter().map(|(name, _)| *name).zip(first.buttons());
        for (action, button) in [("", "")].into_iter().chain(named) {
            Sender::NodeWebPush.send(&desk.session, &sending).await?;
            let shown = desk.notifications.next().await?;
            // What is to be heard again is taken away and shown anew.
            let replaces = on_screen.filter(|_| is_tagged && !drawn.is("renotify")).unwrap_or(0);
            assert_eq!(shown.replaces_id, replaces, "{payload}");
            if is_tagged {
                assert_eq!(desk.notifications.on_screen(), 1, "what has a tag replaces its like: {payload}");
            }
            on_screen = Some(shown.id);
            let Some(url) = drawn.opened_by(action) else { continue };
            match action {
                "" => desk.notifications.click(&shown, None).await?,
                _ => desk.notifications.press(&shown, button).await?,
            }
            let opened = desk.opener.next().await?;
            ensure!(opened.arguments == url.as_str(), "{} opened, not {url}", opened.arguments);
            // A click takes it away.
            on_screen = None;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_push_for_angulars_worker_is_read_as_the_worker_reads_it() -> Result<()> {
    is_read_alike(ServiceWorker::Angular, &angular()).await.context("Angular")
}

#[tokio::test]
async fn a_push_for_firebases_worker_is_read_as_the_worker_reads_it() -> Result<()> {
    is_read_alike(ServiceWorker::Firebase, &firebase()).await.context("Firebase")
}

#[tokio::test]
async fn a_push_for_angulars_worker_shows_what_the_worker_would_show() -> Result<()> {
    is_shown_alike(ServiceWorker::Angular, &angular()).await
}

#[tokio::test]
async fn a_push_for_firebases_worker_shows_what_the_worker_would_show() -> Result<()> {
    is_shown_alike(ServiceWorker::Firebase, &firebase()).await
}
