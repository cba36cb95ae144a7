//! What our application server writes, our user agent reads as it was meant.

use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use url::Url;

use super::{
    Action, AppBadge, Content, Context, Dialect, Direction, FieldMapping, Notification, Payload, Request,
};
use crate::Urgency;
use crate::application_server::DeclarativeMessage;

fn url() -> impl Strategy<Value = Url> {
    "https?://[a-z]{1,9}(\\.[a-z]{2,5})?(:[0-9]{2,4})?/[a-zA-Z0-9/?=&%._~-]{0,40}(#[a-z]{0,9})?"
        .prop_filter_map("a URL", |text| text.parse().ok())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{0,60}", any::<String>()]
}

fn request() -> impl Strategy<Value = Option<Request>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(Request::Callback))]
}

fn action() -> impl Strategy<Value = Action> {
    (text(), text(), option::weighted(0.98, url()), option::of(url()), request()).prop_map(
        |(action, title, navigate, icon, request)| Action { action, title, navigate, icon, request },
    )
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Auto), Just(Direction::Ltr), Just(Direction::Rtl)]
}

prop_compose! {
    fn notification()(
        (title, body, tag) in (text(), text(), text()),
        lang in prop_oneof!["[a-z]{2}(-[A-Z]{2})?", any::<String>()],
        (navigate, icon, image, badge) in
            (option::weighted(0.95, url()), option::of(url()), option::of(url()), option::of(url())),
        dir in direction(),
        (silent, renotify, require_interaction) in (any::<Option<bool>>(), any::<bool>(), any::<bool>()),
        timestamp in any::<Option<u64>>(),
        actions in proptest::collection::vec(action(), 0..4),
        request in request(),
        urgency in option::of(Just(Urgency::High)),
        command in option::of(Just("true".to_owned())),
    ) -> Notification {
        Notification { title, body, navigate, request, lang, dir, tag, icon, image, badge, silent, renotify,
            require_interaction, timestamp, urgency, actions, command }
    }
}

fn badge() -> impl Strategy<Value = Option<AppBadge>> {
    option::of(prop_oneof![
        Just(AppBadge::Clear),
        Just(AppBadge::Unspecified),
        (1..u64::MAX).prop_map(AppBadge::Count)
    ])
}

proptest! {
    #[test]
    fn every_document_is_read_as_it_was_meant(
        notification in notification(),
        app_badge in badge(),
        mutable in any::<bool>(),
        vibrate in proptest::collection::vec(any::<u32>(), 0..3),
        data in prop_oneof![Just(None), Just(Some(json!({"title": "not this", "url": "/nor-this"}))), Just(Some(Value::Null))],
    ) {
        let message = DeclarativeMessage { notification, app_badge, mutable, vibrate, data };
        let Ok(document) = message.document() else { return Ok(()) };
        let context = Context { site: "Example", base: None };
        let read = Payload::parse(document.to_string().as_bytes(), context, &FieldMapping::default());
        // What the standard has no member for is not sent.
        let sent = Notification { request: None, urgency: None, command: None, ..message.notification.clone() };
        let mut meant = sent.bounded();
        for action in &mut meant.actions {
            action.request = None;
        }
        prop_assert_eq!(read.dialect, Dialect::Declarative, "{}", document);
        prop_assert!(read.content == Content::from(meant), "{}", document);
        prop_assert_eq!((read.app_badge, read.mutable), (app_badge, mutable));
        let known = ["title", "body", "navigate", "lang", "dir", "tag", "icon", "image", "badge", "silent", "renotify",
            "requireInteraction", "timestamp", "actions", "vibrate", "data"];
        let written = document["notification"].as_object().unwrap();
        prop_assert!(written.keys().all(|name| known.contains(&name.as_str())), "{}", document);
        prop_assert_eq!(written.get("data"), message.data.as_ref());
    }
}
