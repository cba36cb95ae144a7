//! What is shown, by what the user has set.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::api::{Burst, Condition, DoNotDisturb, ErrorCode, Links, SiteState};

/// Sends pushes with these titles, each with a version of its own.
async fn send(peer: &mut Peer, channel: &str, subscription: &PushSubscription, titles: &[String]) {
    for title in titles {
        peer.notify(channel, title, &titled(subscription, title)).await;
    }
    let mut acknowledged = 0;
    while acknowledged < titles.len() {
        acknowledged += peer.acks().await.len();
    }
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("n{number}")).collect()
}

/// Takes notifications until one has this title; returns the titles of those before it.
async fn until(receiver: &mut Receiver, title: &str) -> Vec<String> {
    let mut before = Vec::new();
    loop {
        let popup = receiver.popup().await;
        if popup.notification.title == title {
            return before;
        }
        before.push(popup.notification.title);
    }
}

#[tokio::test]
async fn a_burst_ends_in_one_summary_that_grows() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let (other, others) = receiver.paired(&mut peer, "Mail").await;
    // Within a minute, however slow the computer is.
    let burst = Burst::Limit { count: 5, seconds: 3600 };
    receiver.set("Backups", &[SiteChange::Burst(burst)]).await.unwrap();
    send(&mut peer, &channel, &subscription, &numbered(17)).await;
    assert_eq!(receiver.titles(5).await, ["n0", "n1", "n2", "n3", "n4"]);
    let mut summaries = Vec::new();
    let last = loop {
        let popup = receiver.popup().await;
        if popup.notification.title == "12 more from Backups" {
            break popup;
        }
        summaries.push(popup);
    };
    assert_eq!((last.entry, last.sound, last.notification.body.as_str()), (None, false, "n16"));
    let same =
        |popup: &Popup| popup.notification.tag == last.notification.tag && popup.site_id == last.site_id;
    assert!(summaries.iter().all(|popup| popup.entry.is_none() && same(popup)), "{summaries:?}");

    send(&mut peer, &other, &others, &numbered(1)).await;
    assert_eq!(receiver.titles(1).await, ["n0"], "another site's limit is its own");
    let history = receiver.history().await;
    assert_eq!(history.len(), 18);
    assert!(history.iter().all(|entry| entry.disposition == Disposition::Shown));

    receiver.click(last.entry, None);
    let wish = Event::Open { entry: None, action: None, asks: false };
    receiver.event("the wish for the window", |event| *event == wish).await;
}

#[tokio::test]
async fn what_waited_at_the_service_is_caught_up_with_in_few_notifications() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    send(&mut peer, &channel, &subscription, &numbered(10)).await;
    let before = until(&mut receiver, "7 more from Backups").await;
    assert_eq!(before[..3], ["n0", "n1", "n2"]);
    assert!(before[3..].iter().all(|title| title.ends_with(" more from Backups")), "{before:?}");
    receiver.set("Backups", &[SiteChange::Burst(Burst::Off)]).await.unwrap();
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let later: Vec<_> = (10..30).map(|number| format!("n{number}")).collect();
    send(&mut peer, &channel, &subscription, &later).await;
    assert_eq!(receiver.titles(20).await, later, "off: each by itself");
    assert_eq!(receiver.history().await.len(), 30);
}

#[tokio::test]
async fn a_snoozed_site_is_recorded_until_the_snooze_ends() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let end = Timestamp::now() + SignedDuration::from_hours(1);
    let site = receiver.set("Backups", &[SiteChange::Snooze(Some(end))]).await.unwrap();
    assert!(site.state_label.starts_with("Snoozed until") && site.snoozed, "{}", site.state_label);
    send(&mut peer, &channel, &subscription, &["asleep".into()]).await;
    assert_eq!(receiver.disposition().await, Disposition::Recorded);
    receiver.set("Backups", &[SiteChange::Snooze(None), SiteChange::Sound(false)]).await.unwrap();
    send(&mut peer, &channel, &subscription, &["awake".into()]).await;
    let popup = receiver.popup().await;
    assert_eq!((popup.notification.title.as_str(), popup.sound), ("awake", false));
}

#[tokio::test]
async fn the_schedule_silences_and_a_site_may_pass_and_a_person_may_end_it() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let schedule = receiver.setting(SettingKey::DndSchedule, Some("00:00-00:00")).await.unwrap();
    assert!(schedule.contains(&Setting {
        key: SettingKey::DndSchedule,
        value: "00:00-00:00".into(),
        is_default: false
    }));
    let status = receiver.status().await;
    assert_eq!((status.quiet, status.do_not_disturb), (true, DoNotDisturb::Off));
    send(&mut peer, &channel, &subscription, &["at night".into()]).await;
    assert_eq!(receiver.disposition().await, Disposition::Recorded);
    receiver.set("Backups", &[SiteChange::DndBypass(true)]).await.unwrap();
    send(&mut peer, &channel, &subscription, &["alarm".into()]).await;
    assert_eq!(receiver.titles(1).await, ["alarm"]);
    receiver.set("Backups", &[SiteChange::DndBypass(false)]).await.unwrap();
    receiver.client.request(Request::SetDoNotDisturb { value: DoNotDisturb::Off }).await.unwrap();
    assert!(!receiver.status().await.quiet);
    send(&mut peer, &channel, &subscription, &["lifted".into()]).await;
    assert_eq!(receiver.titles(1).await, ["lifted"]);
    receiver.setting(SettingKey::DndSchedule, Some("00:00-00:00,mon-sun")).await.unwrap();
    assert!(receiver.status().await.quiet, "what was ended by hand were the former hours");
    let bad = receiver.setting(SettingKey::DndSchedule, Some("late")).await.unwrap_err();
    assert_eq!(bad.code, ErrorCode::Invalid);
    let all = receiver.setting(SettingKey::DndSchedule, None).await.unwrap();
    assert!(all.iter().all(|setting| setting.key != SettingKey::DndSchedule || setting.value == "off"));
}

#[tokio::test]
async fn views_hear_when_a_silence_ends_by_itself() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let _peer = service.welcome("a1").await;
    let end = DoNotDisturb::Until(Timestamp::now() + SignedDuration::from_millis(300));
    receiver.client.request(Request::SetDoNotDisturb { value: end }).await.unwrap();
    while receiver.status().await.quiet {
        receiver.event("the end of the silence", |event| *event == Event::Changed).await;
    }
}

#[tokio::test]
async fn one_that_the_server_refuses_keeps_no_other_from_being_shown() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.notifications.send_replace(Manner::Refuses("bad"));
    for text in ["bad", "good"] {
        send(&mut peer, &channel, &subscription, &[text.to_owned()]).await;
    }
    assert_eq!(receiver.popup().await.notification.title, "good");
    receiver.notifications.send_replace(Manner::Shows);
    send(&mut peer, &channel, &subscription, &["next".to_owned()]).await;
    let mut later = [receiver.popup().await, receiver.popup().await].map(|popup| popup.notification.title);
    later.sort();
    assert_eq!(later, ["bad", "next"]);
}

#[tokio::test]
async fn what_was_set_or_read_since_decides_when_it_can_be_shown_at_last() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let mut sites = Vec::new();
    for name in ["Blocked", "Quiet", "Read", "Removed", "Snoozed", "Allowed"] {
        sites.push((name, receiver.paired(&mut peer, name).await));
    }
    receiver.notifications.send_replace(Manner::IsAbsent);
    for (name, (channel, subscription)) in &sites {
        send(&mut peer, channel, subscription, &[(*name).to_owned()]).await;
        assert_eq!(receiver.disposition().await, Disposition::Shown, "told although nothing can be shown");
    }
    receiver.set("Blocked", &[SiteChange::State(SiteState::Blocked)]).await.unwrap();
    receiver.set("Quiet", &[SiteChange::State(SiteState::Quiet)]).await.unwrap();
    let soon = Timestamp::now() + SignedDuration::from_hours(1);
    receiver.set("Snoozed", &[SiteChange::Snooze(Some(soon))]).await.unwrap();
    let read = receiver.history().await.into_iter().find(|entry| entry.site == "Read").unwrap().id;
    receiver.client.request(Request::MarkRead { ids: vec![read] }).await.unwrap();
    let removing = receiver.ask(Request::RemoveSite { site: "Removed".into() });
    let unregister = peer.receive().await;
    peer.send(json!({"messageType": "unregister", "channelID": unregister["channelID"], "status": 200}))
        .await;
    super::soon("the removal", removing).await.unwrap().unwrap();
    receiver.notifications.send_replace(Manner::Shows);
    let quiet = receiver.popup().await;
    assert_eq!((quiet.site_name.as_str(), quiet.sound), ("Quiet", false));
    assert_eq!(receiver.popup().await.site_name, "Allowed");
    receiver.engine.shutdown().await;
    assert!(receiver.popups.try_recv().is_err());
}

#[tokio::test]
async fn a_notification_server_that_hangs_is_asked_once_and_holds_up_nothing_else() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.notifications.send_replace(Manner::Hangs);
    send(&mut peer, &channel, &subscription, &["first".into(), "second".into()]).await;
    assert_eq!(receiver.titles(1).await, ["first"]);
    receiver.event("the complaint", |event| matches!(event, Event::Failed { site: Some(_), .. })).await;
    receiver.set("Backups", &[SiteChange::State(SiteState::Quiet)]).await.unwrap();
    send(&mut peer, &channel, &subscription, &["third".into()]).await;
    receiver.notifications.send_replace(Manner::Shows);
    assert_eq!(receiver.titles(2).await, ["second", "third"], "the first was not asked for again");
}

#[tokio::test]
async fn links_that_leave_the_site_follow_its_policy() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let own = SiteChange::Url(Some("https://example.org/".parse().unwrap()));
    receiver.set("Backups", &[own, SiteChange::Links(Links::Own)]).await.unwrap();
    let payload =
        json!({"web_push": 8030, "notification": {"title": "t", "navigate": "https://elsewhere.example/"}});
    peer.notify(&channel, "v1", &sealed(&subscription, &payload.to_string())).await;
    peer.acks().await;
    let id = receiver.popup().await.entry.unwrap();
    let open = Request::OpenEntry { id, action: None, confirmed: true };
    let refused = receiver.client.request(open).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Rejected);
    receiver.set("Backups", &[SiteChange::Links(Links::Ask)]).await.unwrap();
    let open = Request::OpenEntry { id, action: None, confirmed: false };
    assert_eq!(receiver.client.request(open).await.unwrap_err().code, ErrorCode::Unconfirmed);
    receiver.click(Some(id), None);
    let wish = Event::Open { entry: Some(id), action: None, asks: true };
    receiver.event("the window that asks", |event| *event == wish).await;
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_kept() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    receiver.paired(&mut peer, "Backups").await;
    let changes = [
        SiteChange::State(SiteState::Quiet),
        SiteChange::Sound(false),
        SiteChange::DndBypass(true),
        SiteChange::Links(Links::Own),
        SiteChange::Burst(Burst::Off),
    ];
    let setting = changes
        .map(|change| receiver.ask(Request::SetSite { site: "Backups".into(), changes: vec![change] }));
    for setting in setting {
        super::soon("a change", setting).await.unwrap().unwrap();
    }
    let site = receiver.show("Backups").await;
    assert_eq!(
        (site.state, site.sound, site.dnd_bypass, site.links, site.burst),
        (SiteState::Quiet, false, true, Links::Own, Burst::Off)
    );
}

#[tokio::test]
async fn a_disconnected_site_stays_blocked_and_can_be_allowed_again() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, before) = receiver.paired(&mut peer, "Spam").await;
    let disconnecting = receiver.ask(Request::DisconnectSite { site: "Spam".into() });
    let unregister = peer.receive().await;
    assert_eq!(unregister, json!({"messageType": "unregister", "channelID": channel, "code": 202}));
    peer.send(json!({"messageType": "unregister", "channelID": channel, "status": 200})).await;
    let Response::Site(site) = super::soon("the site", disconnecting).await.unwrap().unwrap() else {
        panic!("not a site")
    };
    assert_eq!((site.state, site.connected, site.subscription), (SiteState::Blocked, false, None));
    assert_eq!(site.state_label, "Blocked and disconnected");
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    receiver.event("the connection", |event| matches!(event, Event::Connected { .. })).await;
    assert_eq!(receiver.status().await.condition, Condition::Ok);
    let changes = vec![SiteChange::State(SiteState::Alert)];
    let allowing = receiver.ask(Request::SetSite { site: "Spam".into(), changes });
    let again = peer.answer_register().await;
    assert_ne!(again, channel);
    let Response::Site(site) = super::soon("the site", allowing).await.unwrap().unwrap() else {
        panic!("not a site")
    };
    assert!(site.connected && site.needs_pairing);
    assert_ne!(site.subscription.unwrap().keys, before.keys);
    assert_eq!(receiver.sites().await.len(), 1);
}
