//! What every notifier does, whatever shows the notifications.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::api::EntryId;
use user_agent::notifier::{Activation, Notifier, NotifyError, Popup, Report, Withdrawal};
use webpush::Urgency;
use webpush::payload::{Direction, Notification};

use super::{
    Call, Desktop, FULL, Manner, PATIENCE, Shown, Subject, clickable, next_click, popup, tagged, titled,
};

/// Makes a test of each part of the suite; `run` gets the test's name and what to do with a [`Subject`].
#[macro_export]
macro_rules! conformance {
    ($run:path) => {
        $crate::conformance!($run:
            a_notification_says_what_was_sent_and_from_where,
            a_click_on_the_notification_and_one_on_a_button_are_reported,
            the_same_tag_replaces_silently_unless_it_is_to_alert_again,
            sites_do_not_replace_each_others_tags,
            markup_is_escaped_only_for_servers_that_read_it,
            a_server_without_buttons_and_bodies_gets_none,
            a_restarted_server_is_not_given_ids_of_its_predecessor,
            without_a_server_nothing_is_shown_and_later_it_is,
            withdrawing_closes_a_sites_notifications_only,
            withdrawing_by_tag_or_entry_closes_those_only,
            silence_and_staying_are_passed_on,
            how_urgent_it_is_is_passed_on_as_far_as_the_user_allows,
            what_is_shown_late_says_when_it_arrived,
            hostile_text_is_harmless,
            the_server_is_named_with_what_it_can_do,
        );
    };
    ($run:path: $($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            $run(stringify!($name), |subject| Box::pin(support::conformance::$name(subject)));
        })*
    };
}

struct Stage {
    subject: Subject,
    desktop: Desktop,
    notifier: Arc<dyn Notifier>,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Stage {
    async fn new(subject: Subject, capabilities: &[&str]) -> Self {
        let desktop = Desktop::start(&subject.address, capabilities).await;
        let (sender, reports) = mpsc::unbounded_channel();
        let notifier = (subject.make)(&subject.address, sender);
        Self { subject, desktop, notifier, reports }
    }

    async fn show(&mut self, entry: i64, site: &str, notification: Notification) -> Shown {
        self.notifier.show(popup(entry, site, notification)).await.unwrap();
        self.desktop.shown().await
    }

    /// Clicks, again and again if the subject may not be listening yet.
    async fn click(&mut self, shown: &Shown, key: &str) -> Activation {
        let wait = if self.subject.listens_late { Duration::from_millis(100) } else { PATIENCE };
        let clicking = async {
            loop {
                self.desktop.emit("ActionInvoked", &(shown.id, key)).await;
                match timeout(wait, next_click(&mut self.reports)).await {
                    Ok(activation) => return activation,
                    Err(_) => assert!(self.subject.listens_late, "no click was reported"),
                }
            }
        };
        timeout(PATIENCE, clicking).await.expect("a click")
    }
}

fn site(id: &str) -> Withdrawal {
    Withdrawal::Site(id.to_owned())
}

pub async fn a_notification_says_what_was_sent_and_from_where(subject: Subject) {
    let mut stage = Stage::new(subject.clone(), FULL).await;
    let sent = Notification {
        body: "3 files\nin 2 s".into(),
        ..clickable("Backup finished", &["Show log", "Again"])
    };
    let shown = stage.show(1, "s", sent.clone()).await;
    assert_eq!(
        (shown.app_name.as_str(), shown.summary.as_str(), shown.body.as_str(), shown.expire_timeout),
        ("Belfry", "Backup finished", "3 files\nin 2 s", -1)
    );
    assert_eq!(shown.replaces_id, 0);
    let labels: Vec<&str> = shown.actions.iter().map(|(_, label)| label.as_str()).collect();
    assert_eq!(labels, ["Open", "Show log", "Again"]);
    assert_eq!(shown.actions[0].0, "default");
    assert!(shown.actions[1..].iter().all(|(key, _)| key != "default"), "{:?}", shown.actions);
    assert_eq!(shown.hint::<String>("x-kde-origin-name").as_deref(), Some("backups.example.org"));
    assert_eq!(shown.hint::<String>("desktop-entry").as_deref(), Some("belfry"));
    assert_eq!(shown.hint::<String>("sound-name").as_deref(), Some("message-new-instant"));
    assert_eq!(shown.hint::<u8>("urgency"), Some(1));
    assert!(!shown.is_silenced());

    stage.desktop.stop().await;
    stage.desktop = Desktop::start(&subject.address, &["body", "actions"]).await;
    let shown = stage.show(2, "s", sent).await;
    assert_eq!(shown.body, "backups.example.org\n\n3 files\nin 2 s");
    assert_eq!(shown.expire_timeout, 25_000);
    assert!(!shown.hints.contains_key("sound-name") && !shown.hints.contains_key("x-kde-origin-name"));
}

pub async fn a_click_on_the_notification_and_one_on_a_button_are_reported(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let first = stage.show(1, "s", clickable("One", &["Show log", "Again"])).await;
    let second = stage.show(2, "s", clickable("Two", &["Show log"])).await;
    assert_ne!(first.id, second.id);
    let clicked = stage.click(&first, first.key("Again")).await;
    assert_eq!(clicked, Activation { entry: Some(EntryId(1)), action: Some(1), token: None });
    let clicked = stage.click(&second, "default").await;
    assert_eq!(clicked, Activation { entry: Some(EntryId(2)), action: None, token: None });
}

pub async fn the_same_tag_replaces_silently_unless_it_is_to_alert_again(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let first = stage.show(1, "s", tagged("10 %", "backup")).await;
    let other = stage.show(2, "s", tagged("Disk is full", "disk")).await;
    let untagged = stage.show(3, "s", titled("Hello")).await;
    assert!(
        other.id != first.id
            && untagged.id != first.id
            && other.replaces_id == 0
            && untagged.replaces_id == 0
    );

    let second =
        stage.show(4, "s", Notification { tag: "backup".into(), ..clickable("90 %", &["Show log"]) }).await;
    assert_eq!((second.replaces_id, second.id), (first.id, first.id));
    assert!(second.is_silenced() && !second.hints.contains_key("sound-name"));
    let clicked = stage.click(&second, second.key("Show log")).await;
    assert_eq!((clicked.entry, clicked.action), (Some(EntryId(4)), Some(0)));

    let third = stage.show(5, "s", tagged("Disk is fuller", "disk")).await;
    assert_eq!(third.id, other.id);
    let loud = Notification { renotify: true, ..tagged("Disk is really full", "disk") };
    stage.notifier.show(popup(6, "s", loud)).await.unwrap();
    let Call::Close(closed) = stage.desktop.call().await else { panic!("the old one was not closed") };
    assert_eq!(closed, other.id);
    let fourth = stage.desktop.shown().await;
    assert_eq!(fourth.replaces_id, 0);
    assert!(!fourth.is_silenced());
}

pub async fn sites_do_not_replace_each_others_tags(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let mine = stage.show(1, "a", tagged("Mine", "news")).await;
    let theirs = stage.show(2, "b", tagged("Theirs", "news")).await;
    assert_eq!(theirs.replaces_id, 0);
    assert_ne!(theirs.id, mine.id);
    let mine_again = stage.show(3, "a", tagged("Mine again", "news")).await;
    assert_eq!(mine_again.replaces_id, mine.id);
}

pub async fn markup_is_escaped_only_for_servers_that_read_it(subject: Subject) {
    let mut stage = Stage::new(subject.clone(), FULL).await;
    let sent = Notification { body: "<b>1 & 2</b>".into(), ..titled("<i>&amp;</i>") };
    let shown = stage.show(1, "s", sent.clone()).await;
    assert_eq!(shown.body, "&lt;b&gt;1 &amp; 2&lt;/b&gt;");
    assert!(!shown.summary.contains('<'), "{}", shown.summary);

    stage.desktop.stop().await;
    stage.desktop = Desktop::start(&subject.address, &["body", "x-kde-origin-name"]).await;
    let shown = stage.show(2, "s", sent).await;
    assert_eq!(shown.body, "<b>1 & 2</b>");
}

pub async fn a_server_without_buttons_and_bodies_gets_none(subject: Subject) {
    let mut stage = Stage::new(subject, &[]).await;
    let sent = Notification { body: "3 files".into(), ..clickable("Backup finished", &["Show log"]) };
    let shown = stage.show(1, "s", sent).await;
    assert!(shown.actions.is_empty(), "{:?}", shown.actions);
    assert_eq!(
        (shown.summary.as_str(), shown.body.as_str()),
        ("Backup finished – backups.example.org – 3 files", "")
    );
}

pub async fn a_restarted_server_is_not_given_ids_of_its_predecessor(subject: Subject) {
    let mut stage = Stage::new(subject.clone(), FULL).await;
    let old = stage.show(1, "s", tagged("Old", "t")).await;
    stage.desktop.stop().await;
    stage.desktop = Desktop::start(&subject.address, FULL).await;
    let other = stage.show(2, "x", titled("Someone else's")).await;
    assert_eq!(other.id, old.id, "the server counts from the start again");
    let new = stage.show(3, "s", tagged("New", "t")).await;
    assert_eq!(new.replaces_id, 0);
}

pub async fn without_a_server_nothing_is_shown_and_later_it_is(subject: Subject) {
    let (reports, _reported) = mpsc::unbounded_channel();
    let notifier = (subject.make)(&subject.address, reports);
    let refused = notifier.show(popup(1, "s", titled("Early"))).await;
    assert!(matches!(refused, Err(NotifyError::Absent(_))), "{refused:?}");
    assert!(matches!(notifier.server().await, Err(NotifyError::Absent(_))));
    notifier.withdraw(&site("s")).await.unwrap();

    let mut desktop = Desktop::start(&subject.address, FULL).await;
    notifier.show(popup(2, "s", titled("Late"))).await.unwrap();
    assert_eq!(desktop.shown().await.summary, "Late");

    let (reports, _reported) = mpsc::unbounded_channel();
    desktop.stop().await;
    let without_server = (subject.make)(&subject.address, reports).show(popup(3, "s", titled("x"))).await;
    assert!(matches!(without_server, Err(NotifyError::Absent(_))), "{without_server:?}");
    let refused = notifier.show(popup(4, "s", titled("Gone"))).await;
    assert!(matches!(refused, Err(NotifyError::Absent(_))), "{refused:?}");
}

pub async fn withdrawing_closes_a_sites_notifications_only(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let first = stage.show(1, "a", titled("One")).await;
    let _other = stage.show(2, "b", titled("Two")).await;
    let third = stage.show(3, "a", tagged("Three", "t")).await;
    stage.notifier.withdraw(&site("a")).await.unwrap();
    stage.notifier.withdraw(&site("unknown")).await.unwrap();
    let mut closed = Vec::new();
    for _ in 0..2 {
        let Call::Close(id) = stage.desktop.call().await else { panic!("not closed") };
        closed.push(id);
    }
    closed.sort_unstable();
    assert_eq!(closed, [first.id, third.id]);
    let next = stage.show(4, "a", tagged("Four", "t")).await;
    assert_eq!(next.replaces_id, 0);
}

pub async fn withdrawing_by_tag_or_entry_closes_those_only(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let first = stage.show(1, "a", tagged("One", "t")).await;
    let _other_site = stage.show(2, "b", tagged("Two", "t")).await;
    let _other_tag = stage.show(3, "a", tagged("Three", "u")).await;
    let fourth = stage.show(4, "a", titled("Four")).await;
    let tagged = |tags: &[&str]| Withdrawal::Sent {
        site_id: "a".to_owned(),
        tags: Some(tags.iter().map(|&tag| tag.to_owned()).collect()),
        last: EntryId(i64::MAX),
    };
    stage.notifier.withdraw(&tagged(&["x", "t"])).await.unwrap();
    assert_eq!(stage.desktop.closed().await, first.id);
    stage.notifier.withdraw(&tagged(&["t", ""])).await.unwrap();
    stage.notifier.withdraw(&Withdrawal::Entries(vec![EntryId(9), EntryId(1), EntryId(4)])).await.unwrap();
    assert_eq!(stage.desktop.closed().await, fourth.id, "nothing else was closed before");
}

pub async fn silence_and_staying_are_passed_on(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let silent = stage.show(1, "s", Notification { silent: Some(true), ..titled("Quiet") }).await;
    assert!(silent.is_silenced() && !silent.hints.contains_key("sound-name"));
    let staying = stage.show(2, "s", Notification { require_interaction: true, ..titled("Stay") }).await;
    assert_eq!(staying.expire_timeout, 0);
    assert_eq!(staying.hint::<u8>("urgency"), Some(1));
    let mut quiet_site = popup(3, "s", titled("Quiet site"));
    quiet_site.sound = false;
    stage.notifier.show(quiet_site).await.unwrap();
    assert!(stage.desktop.shown().await.is_silenced());
}

pub async fn how_urgent_it_is_is_passed_on_as_far_as_the_user_allows(subject: Subject) {
    let mut stage = Stage::new(subject.clone(), FULL).await;
    let urgent = |urgency| Notification { urgency: Some(urgency), ..titled("Now") };
    let staying = || Notification { require_interaction: true, ..titled("Stay") };
    let passing = |entry, notification| Popup { passes_silence: true, ..popup(entry, "s", notification) };
    let cases = [
        (popup(1, "s", urgent(Urgency::VeryLow)), 0),
        (popup(2, "s", urgent(Urgency::High)), 1),
        (passing(3, urgent(Urgency::Normal)), 1),
        (passing(4, urgent(Urgency::High)), 2),
        (passing(5, staying()), 2),
    ];
    for (popup, urgency) in cases {
        stage.notifier.show(popup.clone()).await.unwrap();
        assert_eq!(stage.desktop.shown().await.hint::<u8>("urgency"), Some(urgency), "{popup:?}");
    }
    stage.desktop.stop().await;
    stage.desktop = Desktop::start_as(&subject.address, FULL, Manner::IsPlasma).await;
    stage.notifier.show(passing(6, staying())).await.unwrap();
    let shown = stage.desktop.shown().await;
    assert_eq!((shown.expire_timeout, shown.hint::<u8>("urgency")), (0, Some(1)), "it stays without");
}

pub async fn what_is_shown_late_says_when_it_arrived(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let arrived = Timestamp::now() - SignedDuration::from_hours(72);
    let late = Popup { received_at: arrived, ..popup(1, "s", titled("Late")) };
    stage.notifier.show(late).await.unwrap();
    let day = arrived.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string();
    assert_eq!(stage.desktop.shown().await.body, day);
}

pub async fn hostile_text_is_harmless(subject: Subject) {
    let mut stage = Stage::new(subject, FULL).await;
    let flood = "\u{202E}\u{0}<img src='https://tracker.example/x'/>\u{1b}]0;\n".repeat(20_000);
    let mut sent = clickable(&flood, &[&flood, "", "\u{0}\n"]);
    sent.body = flood.clone();
    sent.tag = flood.clone();
    sent.lang = flood.clone();
    sent.dir = Direction::Rtl;
    sent.timestamp = Some(u64::MAX);
    sent.icon = Some("https://tracker.example/icon.png".parse().unwrap());
    sent.image = Some("file:///etc/passwd".parse().unwrap());
    let mut hostile = popup(1, &flood, sent);
    hostile.site_name = flood;
    hostile.website = None;
    stage.notifier.show(hostile).await.unwrap();
    let shown = stage.desktop.shown().await;
    assert!(shown.summary.chars().count() < 300 && shown.body.chars().count() < 20_000);
    assert!(!shown.summary.chars().any(char::is_control), "{:?}", shown.summary);
    assert!(!shown.body.chars().any(|c| c.is_control() && c != '\n'), "{:?}", shown.body);
    for text in [&shown.summary, &shown.body] {
        assert!(!text.contains(['<', '\u{202E}']), "{text:?}");
    }
    assert_eq!(shown.actions.len(), 4);
    assert!(shown.actions.iter().all(|(_, label)| !label.trim().is_empty() && label.chars().count() < 60));
    assert_eq!(shown.app_icon, "");
    assert!(
        !shown.hints.keys().any(|key| key.contains("image") || key.contains("icon")),
        "{:?}",
        shown.hints
    );
}

pub async fn the_server_is_named_with_what_it_can_do(subject: Subject) {
    let stage = Stage::new(subject, FULL).await;
    let server = stage.notifier.server().await.unwrap();
    assert_eq!(server.name, "Recorder 1.0");
    assert_eq!(server.capabilities, FULL);
}
