//! Who we are at each push service, and moving between them.

use super::*;
use crate::api::{Condition, Destination, ErrorCode, SiteState, UaidState};

async fn connected(receiver: &mut Receiver, service: &ScriptedService) -> UaidState {
    let url = service.url().parse().unwrap();
    let here = |event: &Event| matches!(event, Event::Connected { push_service, .. } if *push_service == url);
    match receiver.event("the connection", here).await {
        Event::Connected { uaid, .. } => uaid,
        other => panic!("{other:?}"),
    }
}

/// Asks for a move, which the test answers as the new service.
fn moving(receiver: &Receiver, site: &str, service: &ScriptedService) -> Answer {
    let changes = vec![SiteChange::PushService(service.url().parse().unwrap())];
    receiver.ask(Request::SetSite { site: site.into(), changes })
}

/// Where a site without a key of its sender's is moving.
fn destination(service: &ScriptedService) -> Option<Destination> {
    Some(Destination { push_service: service.url().parse().unwrap(), vapid_key: None })
}

async fn site(answer: Answer) -> Site {
    match soon("the site", answer).await.unwrap().unwrap() {
        Response::Site(site) => *site,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_service_that_forgot_us_concerns_its_own_sites_only_and_is_told_of_once() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let two = ScriptedService::start().await;
    let receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    receiver.paired(&mut first, "Backups").await;
    let (kept, kept_subscription) = receiver.paired(&mut first, "Mail").await;
    // Backups moves to the other service, and another site joins it there.
    let moving = moving(&receiver, "Backups", &two);
    let (mut second, _) = two.welcome("b1").await;
    let moved = second.answer_register().await;
    let moved_site = site(moving).await;
    assert!(moved_site.needs_pairing);
    assert_eq!(first.receive().await["messageType"], "unregister");
    let subscription = moved_site.subscription.unwrap();
    second.notify(&moved, "v1", &titled(&subscription, "paired")).await;
    second.acks().await;
    assert!(!receiver.show("Backups").await.needs_pairing);
    let new = NewSite {
        name: "Chat".into(),
        url: None,
        vapid_key: None,
        push_service: Some(two.url().parse().unwrap()),
    };
    let adding = receiver.ask(Request::AddSite(new));
    let chat = second.answer_register().await;
    site(adding).await;
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&one).await;
    let (mut first, hello) = one.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1");
    let (mut second, hello) = two.welcome("b2").await;
    assert_eq!(hello["uaid"], "b1");
    assert_eq!(connected(&mut receiver, &two).await, UaidState::Replaced);
    let mut renewed = [second.answer_register().await, second.answer_register().await];
    renewed.sort();
    let mut expected = [moved.clone(), chat];
    expected.sort();
    assert_eq!(renewed, expected);
    let notice = receiver.popup().await;
    assert_eq!((notice.notification.title.as_str(), notice.entry), ("2 sites need pairing again", None));
    assert!(notice.notification.body.ends_with("Backups, Chat."), "{}", notice.notification.body);
    let needing: Vec<_> =
        receiver.sites().await.into_iter().map(|site| (site.name, site.needs_pairing)).collect();
    assert_eq!(needing, [("Backups".into(), true), ("Chat".into(), true), ("Mail".into(), false)]);
    assert_eq!(receiver.status().await.condition, Condition::Problem);

    first.notify(&kept, "v2", &titled(&kept_subscription, "still here")).await;
    assert_eq!(receiver.titles(1).await, ["still here"], "and no second notice");
    let renewed = loop {
        match receiver.show("Backups").await.subscription {
            Some(subscription) => break subscription,
            None => drop(receiver.event("the new endpoint", |event| *event == Event::Changed).await),
        }
    };
    second.notify(&moved, "v3", &titled(&renewed, "works again")).await;
    assert_eq!(receiver.titles(1).await, ["works again"]);
    assert!(!receiver.show("Backups").await.needs_pairing);
    let chat = receiver.set("Chat", &[SiteChange::Paired]).await.unwrap();
    assert!(!chat.needs_pairing);
    assert_eq!(receiver.status().await.condition, Condition::Unread);
}

#[tokio::test]
async fn a_service_that_refuses_a_move_leaves_the_site_where_it_was() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let two = ScriptedService::start().await;
    let mut receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    let (channel, before) = receiver.paired(&mut first, "Backups").await;
    let moving = moving(&receiver, "Backups", &two);
    let (mut second, _) = two.welcome("b1").await;
    let register = second.receive().await;
    // What arrives meanwhile is received.
    first.notify(&channel, "v1", &titled(&before, "meanwhile")).await;
    assert_eq!(receiver.titles(1).await, ["meanwhile"]);
    assert_eq!(first.acks().await, [("v1".into(), 100)]);
    second
        .send(json!({"messageType": "register", "channelID": register["channelID"], "status": 400,
            "pushEndpoint": ""}))
        .await;
    let refused = soon("the refusal", moving).await.unwrap().unwrap_err();
    assert_eq!(refused.code, ErrorCode::Rejected);
    let after = receiver.show("Backups").await;
    assert_eq!((after.subscription.as_ref(), after.needs_pairing), (Some(&before), false));
    assert_eq!(after.push_service.to_string(), one.url());
    first.notify(&channel, "v2", &titled(&before, "after")).await;
    assert_eq!(first.acks().await, [("v2".into(), 100)]);
}

#[tokio::test]
async fn a_move_without_a_connection_is_kept_and_made_later() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let two = ScriptedService::start().await;
    let receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    let (channel, before) = receiver.paired(&mut first, "Backups").await;
    receiver.engine.shutdown().await;

    let offline = machine.try_start(&one.url(), Mode::Offline).await.unwrap();
    let there = SiteChange::PushService(two.url().parse().unwrap());
    let site = offline.set("Backups", &[there]).await.unwrap();
    assert_eq!((site.push_service.to_string(), site.subscription), (one.url(), Some(before)));
    assert_eq!(site.moving_to, destination(&two));
    offline.engine.shutdown().await;

    let mut receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    let (mut second, _) = two.welcome("b1").await;
    second.answer_register().await;
    let unregister = first.receive().await;
    assert_eq!(
        (&unregister["messageType"], &unregister["channelID"]),
        (&json!("unregister"), &json!(channel))
    );
    while receiver.show("Backups").await.moving_to.is_some() {
        receiver.event("the new endpoint", |event| *event == Event::Changed).await;
    }
    let moved = receiver.show("Backups").await;
    assert_eq!((moved.push_service.to_string(), moved.needs_pairing), (two.url(), true));
    assert!(moved.subscription.is_some());
}

#[tokio::test]
async fn a_site_that_moves_back_before_it_has_moved_keeps_its_subscription() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let two = ScriptedService::start().await;
    let mut receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    let (channel, before) = receiver.paired(&mut first, "Backups").await;
    let moving_away = moving(&receiver, "Backups", &two);
    // It never answers.
    let _silent = two.accept().await;
    let meanwhile = receiver.show("Backups").await;
    assert_eq!(meanwhile.push_service.to_string(), one.url());
    assert_eq!((meanwhile.subscription.as_ref(), meanwhile.moving_to), (Some(&before), destination(&two)));
    // What else is changed does not stop it.
    assert!(receiver.set("Backups", &[SiteChange::Sound(false)]).await.unwrap().moving_to.is_some());

    let back = site(moving(&receiver, "Backups", &one)).await;
    assert_eq!(
        (back.subscription.as_ref(), back.moving_to, back.needs_pairing),
        (Some(&before), None, false)
    );
    let refused = soon("the end of the move", moving_away).await.unwrap().unwrap_err();
    assert_eq!((refused.code, refused.message.contains("asked again")), (ErrorCode::NotFound, false));
    let services = receiver.client.request(Request::ListPushServices).await.unwrap();
    let Response::PushServices(services) = services else { panic!("{services:?}") };
    let urls: Vec<_> = services.iter().map(|service| service.url.to_string()).collect();
    assert_eq!(urls, [one.url()], "one that never answered may have been mistyped");
    first.notify(&channel, "v1", &titled(&before, "still here")).await;
    assert_eq!(first.acks().await, [("v1".into(), 100)], "and nothing was given up before");
    assert_eq!(receiver.titles(1).await, ["still here"]);
}

#[tokio::test]
async fn there_is_one_move_at_a_time_and_what_comes_of_another_is_not_taken() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let (two, three) = (ScriptedService::start().await, ScriptedService::start().await);
    let receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    let (channel, before) = receiver.paired(&mut first, "Backups").await;
    let to_two = moving(&receiver, "Backups", &two);
    let (mut second, _) = two.welcome("b1").await;
    let at_two = second.receive().await["channelID"].as_str().unwrap().to_owned();
    // Somewhere else instead.
    let to_three = moving(&receiver, "Backups", &three);
    let told = second.receive().await;
    assert_eq!((&told["messageType"], &told["channelID"]), (&json!("unregister"), &json!(at_two)));
    soon("the end of the first move", to_two).await.unwrap().unwrap_err();
    let (mut third, _) = three.welcome("c1").await;
    let at_three = third.receive().await["channelID"].as_str().unwrap().to_owned();
    assert_eq!(receiver.show("Backups").await.moving_to, destination(&three));

    site(moving(&receiver, "Backups", &one)).await;
    soon("the end of the second move", to_three).await.unwrap().unwrap_err();
    assert_eq!(third.receive().await["messageType"], "unregister");
    // The endpoint was under way.
    third.grant(&at_three).await;
    third.notify(&at_three, "late", &titled(&before, "too late")).await;
    assert_eq!(third.acks().await, [("late".into(), 102)]);
    assert_eq!(receiver.show("Backups").await.subscription, Some(before.clone()));
    first.notify(&channel, "v1", &titled(&before, "still here")).await;
    assert_eq!(first.acks().await, [("v1".into(), 100)]);
}

#[tokio::test]
async fn a_site_that_is_disconnected_while_it_moves_was_where_its_subscription_is() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let two = ScriptedService::start().await;
    let receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    receiver.paired(&mut first, "Backups").await;
    receiver.engine.shutdown().await;
    let offline = machine.try_start(&one.url(), Mode::Offline).await.unwrap();
    let there = SiteChange::PushService(two.url().parse().unwrap());
    offline.set("Backups", &[there]).await.unwrap();
    let disconnect = Request::DisconnectSite { site: "Backups".into() };
    offline.client.request(disconnect).await.unwrap();
    let gone = offline.show("Backups").await;
    assert_eq!((gone.push_service.to_string(), gone.connected, gone.moving_to), (one.url(), false, None));
}

#[tokio::test]
async fn a_key_that_is_taken_back_before_it_took_effect_keeps_the_subscription() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    let (_, before) = receiver.paired(&mut first, "Backups").await;
    receiver.engine.shutdown().await;
    let offline = machine.try_start(&one.url(), Mode::Offline).await.unwrap();
    let text = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    let key = crate::api::vapid_key(text).unwrap();
    let waiting = offline.set("Backups", &[SiteChange::VapidKey(Some(key))]).await.unwrap();
    assert_eq!(waiting.vapid_key, None, "anybody may still send");
    assert_eq!(waiting.moving_to.unwrap().vapid_key, Some(key));
    let back = offline.set("Backups", &[SiteChange::VapidKey(None)]).await.unwrap();
    assert_eq!((back.subscription, back.moving_to), (Some(before), None));
}

#[tokio::test]
async fn a_service_in_trouble_fails_an_addition_at_once() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let adding = receiver.add("Backups");
    let register = peer.receive().await;
    peer.send(json!({"messageType": "register", "channelID": register["channelID"], "status": 500,
        "pushEndpoint": ""}))
        .await;
    let error = soon("the refusal", adding).await.unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::Rejected);
    assert!(error.message.contains("500"), "{error}");
    assert_eq!(receiver.sites().await, []);
}

#[tokio::test]
async fn an_addition_under_way_at_the_end_leaves_nothing() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let adding = receiver.add("Backups");
    assert_eq!(peer.receive().await["messageType"], "register");
    receiver.engine.shutdown().await;
    assert!(soon("the answer", adding).await.unwrap().is_err());
    let receiver = machine.try_start(&service.url(), Mode::Offline).await.unwrap();
    assert_eq!(receiver.sites().await, []);
}

#[tokio::test]
async fn push_services_are_listed_added_and_removed() {
    let (machine, one) = (Machine::new(), ScriptedService::start().await);
    let two = ScriptedService::start().await;
    let mut receiver = machine.start(&one).await;
    let (mut first, _) = one.welcome("a1").await;
    receiver.paired(&mut first, "Backups").await;
    let url = two.url().parse().unwrap();
    receiver.client.request(Request::AddPushService { url }).await.unwrap();
    let (_second, _) = two.welcome("b1").await;
    connected(&mut receiver, &two).await;
    let Response::PushServices(services) = receiver.client.request(Request::ListPushServices).await.unwrap()
    else {
        panic!("no services")
    };
    let seen: Vec<_> = services
        .iter()
        .map(|one| (one.url.to_string(), one.default, one.sites.len(), one.connected))
        .collect();
    assert_eq!(seen, [(one.url(), true, 1, true), (two.url(), false, 0, true)]);
    for (service, code) in
        [(one.url(), ErrorCode::Invalid), ("wss://unknown.example/".into(), ErrorCode::NotFound)]
    {
        let url = service.parse().unwrap();
        assert_eq!(receiver.client.request(Request::RemovePushService { url }).await.unwrap_err().code, code);
    }
    // Where new sites go is another one: but a site is still there.
    let url = two.url().parse().unwrap();
    receiver.client.request(Request::SetDefaultPushService { url }).await.unwrap();
    let url = one.url().parse().unwrap();
    let error = receiver.client.request(Request::RemovePushService { url }).await.unwrap_err();
    assert!(error.message.contains("Backups"), "{error}");
    let changes = [SiteChange::State(SiteState::Quiet)];
    receiver.set("Backups", &changes).await.unwrap();
}
