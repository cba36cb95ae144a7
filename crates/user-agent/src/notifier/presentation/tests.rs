//! What each kind of server is given.

use webpush::payload::{Notification, Request};

use super::*;
use crate::api::{EntryId, Links};
use crate::notifier::Illustration;

fn popup(notification: Notification) -> Popup {
    Popup {
        entry: Some(EntryId(1)),
        site_id: "s".into(),
        site_name: "Backups".into(),
        website: "https://backups.example.org/".parse().ok(),
        links: Links::Any,
        notification,
        illustration: Illustration::default(),
        sound: true,
        passes_silence: false,
        received_at: noon().timestamp(),
    }
}

fn with(capabilities: &[&str]) -> Surface {
    let has = |name: &str| capabilities.contains(&name);
    Surface {
        body: has("body"),
        markup: has("body-markup"),
        hyperlinks: has("body-hyperlinks"),
        actions: has("actions"),
        persistence: has("persistence"),
        sound: has("sound"),
        origin: has("x-kde-origin-name"),
        stays: has("stays"),
    }
}

fn noon() -> ZonedDateTime {
    "2026-03-01T12:00:00+01:00[Europe/Berlin]".parse().unwrap()
}

fn present(notification: Notification, capabilities: &[&str]) -> Presentation {
    Presentation::new(&popup(notification), with(capabilities), &noon())
}

#[test]
fn a_link_that_leaves_the_site_names_its_host() {
    let link = |url: &str| url.parse::<Url>().ok();
    let button =
        |title: &str, url: &str| Action { title: title.into(), navigate: link(url), ..Action::default() };
    let said = Notification {
        title: "Done".into(),
        body: "All is well".into(),
        navigate: link("https://backups.example.org@bücher.example/a"),
        actions: vec![
            button("Own", "https://backups.example.org/log"),
            button("A title of more than twenty letters", "https://a.very.long.name.evil.example/"),
        ],
        ..Notification::default()
    };
    let shown = present(said.clone(), &["body", "body-markup", "actions"]);
    assert_eq!(shown.body, "backups.example.org\n\nAll is well\nOpens xn--bcher-kva.example");
    let labels: Vec<_> = shown.buttons.iter().map(|(_, label)| label.as_str()).collect();
    assert_eq!(labels, ["Own", "A title of more tha… (…g.name.evil.example)"]);
    let nameless = Popup { website: None, ..popup(said) };
    let shown = Presentation::new(&nameless, with(&["body", "actions"]), &noon());
    assert_eq!(shown.body, "Backups\n\nAll is well");
}

#[test]
fn the_origin_is_shown_whatever_the_server_can_do() {
    let said = || Notification { title: "Done".into(), body: "Disk is full".into(), ..Default::default() };
    let shown = present(said(), &["body"]);
    assert_eq!(
        (shown.summary.as_str(), shown.body.as_str()),
        ("Done", "backups.example.org\n\nDisk is full")
    );
    let shown = present(said(), &["body", "body-markup", "body-hyperlinks"]);
    assert!(shown.body.starts_with("<a href=\"https://backups.example.org/\">backups.example.org</a>\n\n"));
    let shown = present(said(), &["body", "x-kde-origin-name"]);
    assert_eq!((shown.body.as_str(), shown.origin.as_deref()), ("Disk is full", Some("backups.example.org")));
    let shown = present(said(), &[]);
    assert_eq!(shown.summary, "Done – backups.example.org – Disk is full");
    assert_eq!(shown.body, "");
    let shown = present(Notification::default(), &["body"]);
    assert_eq!((shown.summary.as_str(), shown.body.as_str()), ("Backups", "backups.example.org"));
}

#[test]
fn a_sites_address_is_made_a_link_and_its_name_is_not() {
    let server = with(&["body", "body-markup", "body-hyperlinks"]);
    for name in ["Backups", "a.example", "a.example:1", "\"><b>.x", "ä.example"] {
        let named = Popup { site_name: name.into(), website: None, ..popup(Notification::default()) };
        let shown = Presentation::new(&named, server, &noon());
        assert!(!shown.body.contains('<'), "{}", shown.body);
    }
    let website = "http://127.0.0.1:9191/".parse().ok();
    let here = Popup { website, ..popup(Notification::default()) };
    let shown = Presentation::new(&here, server, &noon());
    assert_eq!(shown.body, "<a href=\"http://127.0.0.1:9191/\">127.0.0.1:9191</a>");
}

#[test]
fn a_click_that_would_open_nothing_is_not_offered() {
    let link = |url: &str| Notification { navigate: url.parse().ok(), ..Notification::default() };
    assert_eq!(present(link("https://example.org/"), &["actions"]).default_action, Some("Open"));
    assert_eq!(present(link("javascript:alert(1)"), &["actions"]).default_action, None);
}

#[test]
fn what_the_sites_policy_keeps_shut_is_not_offered() {
    let link = |url: &str| url.parse::<Url>().ok();
    let button =
        |title: &str, url: &str| Action { title: title.into(), navigate: link(url), ..Action::default() };
    let request = Action { title: "Send".into(), request: Some(Request::Callback), ..Action::default() };
    let said = Notification {
        navigate: link("https://other.example/"),
        actions: vec![
            request,
            button("Other", "https://other.example/"),
            button("Own", "https://backups.example.org/log"),
            button("Fourth", "https://backups.example.org/"),
        ],
        ..Notification::default()
    };
    let shown = |links| {
        let popup = Popup { links, ..popup(said.clone()) };
        let shown = Presentation::new(&popup, with(&["body", "actions"]), &noon());
        let indexes: Vec<_> = shown.buttons.iter().map(|(index, _)| *index).collect();
        assert_eq!(shown.span(), 4, "{links:?}");
        (shown.default_action, indexes, shown.body)
    };
    let body = |aim: &str| format!("backups.example.org\n{aim}");
    assert_eq!(shown(Links::Any), (Some("Open"), vec![1, 2, 3], body("Opens other.example")));
    assert_eq!(shown(Links::Ask), (Some("Open"), vec![1, 2, 3], body("Opens other.example")));
    assert_eq!(shown(Links::Own), (None, vec![2, 3], body("Link to other.example is not opened")));
    let nameless = Popup { website: None, links: Links::Own, ..popup(said) };
    let shown = Presentation::new(&nameless, with(&["body", "actions"]), &noon());
    assert_eq!(shown.body, "Backups\nLink to other.example is not opened", "the user is to know why");
}

#[test]
fn markup_is_text_on_every_server() {
    let hostile = || Notification { title: "<b>a".into(), body: "<img src=x>&".into(), ..Default::default() };
    let shown = present(hostile(), &["body", "body-markup", "x-kde-origin-name"]);
    assert_eq!((shown.summary.as_str(), shown.body.as_str()), ("‹b>a", "&lt;img src=x&gt;&amp;"));
    let shown = present(hostile(), &["body", "x-kde-origin-name"]);
    assert_eq!(shown.body, "<img src=x>&");
}

#[test]
fn buttons_need_the_capability_and_have_labels() {
    let action = |title: &str, action: &str| Action {
        action: action.into(),
        title: title.into(),
        ..Action::default()
    };
    let notification = Notification {
        navigate: Some("https://backups.example.org/".parse().unwrap()),
        actions: vec![action("Show\nlog", "default"), action("", "retry"), action(" ", ""), action("4", "")],
        ..Default::default()
    };
    let shown = present(notification.clone(), &["body", "actions"]);
    assert_eq!(shown.buttons, [(0, "Show log".into()), (1, "retry".into()), (2, "Button 3".into())]);
    assert_eq!(shown.default_action, Some("Open"));
    let shown = present(notification, &["body"]);
    assert_eq!((shown.default_action, shown.buttons.len()), (None, 0));
    assert_eq!(present(Notification::default(), &["actions"]).default_action, None);
}

#[test]
fn silence_wins_over_sound() {
    assert_eq!(present(Notification::default(), &["sound"]).sound, Sound::Named);
    assert_eq!(present(Notification::default(), &[]).sound, Sound::Default);
    let silent = Notification { silent: Some(true), ..Default::default() };
    assert_eq!(present(silent, &["sound"]).sound, Sound::None);
    let quiet_site = Popup { sound: false, ..popup(Notification::default()) };
    assert_eq!(Presentation::new(&quiet_site, with(&["sound"]), &noon()).sound, Sound::None);
}

#[test]
fn it_stays_as_long_as_asked() {
    let asked = Notification { require_interaction: true, ..Default::default() };
    assert_eq!(present(asked, &["persistence"]).expire_timeout, 0);
    assert_eq!(present(Notification::default(), &["persistence"]).expire_timeout, -1);
    assert_eq!(present(Notification::default(), &[]).expire_timeout, 25_000);
}

#[test]
fn old_news_carries_its_time() {
    let at = |time: &str| {
        let time: Timestamp = time.parse().unwrap();
        let notification = Notification {
            body: "x".into(),
            timestamp: u64::try_from(time.as_millisecond()).ok(),
            ..Default::default()
        };
        present(notification, &["body", "x-kde-origin-name"]).body
    };
    assert_eq!(at("2026-03-01T10:59:30Z"), "x");
    assert_eq!(at("2026-03-01T12:00:00Z"), "x");
    assert_eq!(at("2026-03-01T08:05:00Z"), "x\n09:05");
    assert_eq!(at("2026-02-27T23:05:00Z"), "x\n2026-02-28 00:05");
    let absurd = Notification { timestamp: Some(u64::MAX), ..Default::default() };
    assert_eq!(present(absurd, &["body", "x-kde-origin-name"]).body, "");
}

#[test]
fn what_was_shown_late_carries_the_time_it_arrived() {
    let arrived = |time: &str, timestamp: Option<u64>, capabilities: &[&str]| {
        let notification = Notification { title: "t".into(), timestamp, ..Default::default() };
        let late = Popup { received_at: time.parse().unwrap(), ..popup(notification) };
        Presentation::new(&late, with(capabilities), &noon())
    };
    let full = ["body", "x-kde-origin-name"];
    assert_eq!(arrived("2026-03-01T10:59:30Z", None, &full).body, "");
    assert_eq!(arrived("2026-03-01T08:05:00Z", None, &full).body, "09:05");
    let hour = 3_600_000;
    let now = u64::try_from(noon().timestamp().as_millisecond()).unwrap();
    assert_eq!(arrived("2026-03-01T08:05:00Z", Some(now - 5 * hour), &full).body, "07:00");
    let to_come = arrived("2026-03-01T08:05:00Z", Some(now + hour), &full);
    assert_eq!(to_come.body, "09:05", "an appointment says nothing of its age");
    assert_eq!(arrived("2026-03-01T08:05:00Z", None, &[]).summary, "t – backups.example.org – 09:05");
}

#[test]
fn only_what_the_user_lets_pass_breaks_do_not_disturb() {
    let level = |urgency, require_interaction, passes_silence, capabilities: &[&str]| {
        let notification = Notification { urgency, require_interaction, ..Default::default() };
        let popup = Popup { passes_silence, ..popup(notification) };
        Presentation::new(&popup, with(capabilities), &noon()).urgency
    };
    for urgency in [None, Some(Urgency::Normal), Some(Urgency::High)] {
        assert_eq!(level(urgency, true, false, &[]), Level::Normal, "{urgency:?}");
    }
    for urgency in [Some(Urgency::VeryLow), Some(Urgency::Low)] {
        assert_eq!(level(urgency, false, true, &[]), Level::Low, "{urgency:?}");
    }
    assert_eq!(level(Some(Urgency::High), false, true, &["stays"]), Level::Critical);
    assert_eq!(level(None, false, true, &[]), Level::Normal);
    assert_eq!(level(None, true, true, &[]), Level::Critical);
    assert_eq!(level(None, true, true, &["stays"]), Level::Normal, "it stays without");
}
