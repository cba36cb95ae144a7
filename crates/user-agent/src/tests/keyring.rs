//! Trouble with the keyring.

use super::*;
use crate::api::{Condition, ErrorCode, Trouble};
use crate::keys::KeyringError;
use crate::keys::tests::fail_next;

fn is_locked(event: &Event) -> bool {
    matches!(event, Event::Locked { .. })
}

#[tokio::test]
async fn while_the_keyring_is_locked_it_waits_says_so_and_connects_only_afterwards() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    machine.door.refuse(KeyringError::Locked("no password yet".into()));
    let mut receiver = machine.start(&service).await;
    let locked = receiver.event("the lock", is_locked).await;
    assert_eq!(
        locked,
        Event::Locked {
            reason: "the keyring is locked: no password yet".into(),
            code: Trouble::KeyringLocked
        }
    );
    let status = receiver.status().await;
    assert_eq!(status.headline, "Locked: waiting for the keyring");
    assert_eq!((status.condition, status.push_services.len()), (Condition::Problem, 0));
    assert!(status.locked.is_some());
    let refused = receiver.client.request(Request::ListSites).await.unwrap_err();
    assert_eq!((refused.code, refused.trouble), (ErrorCode::Keyring, Some(Trouble::KeyringLocked)));
    assert!(!machine.database().exists(), "nothing is made before the key is there");
    assert_eq!(machine.door.opened(), 0, "a locked keyring is not asked");

    machine.door.refuse(KeyringError::Absent("it ended".into()));
    assert!(matches!(
        receiver.event("another reason", is_locked).await,
        Event::Locked { code: Trouble::KeyringAbsent, .. }
    ));
    machine.door.admit();
    receiver.event("the key", |event| *event == Event::Unlocked).await;
    service.welcome("a1").await;
    receiver.event("the connection", |event| matches!(event, Event::Connected { .. })).await;
    assert_eq!(receiver.status().await.locked, None);
}

#[tokio::test]
async fn a_keyring_that_has_its_name_before_it_answers_is_not_waited_for_in_vain() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    machine.door.refuse(KeyringError::Absent("nothing answers under its name".into()));
    let mut receiver = machine.start(&service).await;
    receiver.event("the wait", is_locked).await;
    machine.door.admit_unannounced();
    receiver.event("the key", |event| *event == Event::Unlocked).await;
    service.welcome("a1").await;
}

#[tokio::test]
async fn a_dismissed_question_leaves_it_waiting_until_somebody_asks_again() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    machine.door.refuse(KeyringError::Locked("no password yet".into()));
    machine.door.answer(Err(KeyringError::Dismissed));
    let mut receiver = machine.start(&service).await;
    let refused = receiver.client.request(Request::Unlock).await.unwrap_err();
    assert_eq!(refused.trouble, Some(Trouble::PromptDismissed));
    assert!(receiver.status().await.locked.is_some());
    machine.door.answer(Ok(()));
    assert_eq!(receiver.client.request(Request::Unlock).await, Ok(Response::Done));
    receiver.event("the key", |event| *event == Event::Unlocked).await;
    service.welcome("a1").await;
}

#[tokio::test]
async fn a_receiver_that_waits_can_be_stopped_and_one_command_fails_at_once() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    machine.door.refuse(KeyringError::Absent("no bus".into()));
    let receiver = machine.start(&service).await;
    soon("the end", receiver.engine.shutdown()).await;
    let error = machine.try_start(&service.url(), Mode::Offline).await.err().unwrap();
    assert_eq!((error.code, error.trouble), (ErrorCode::Keyring, Some(Trouble::KeyringAbsent)));
}

#[tokio::test]
async fn a_database_whose_key_is_gone_is_waited_for_and_never_replaced() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
    let (item, before) = (machine.item("database"), std::fs::read(machine.database()).unwrap());
    let key = item.get_secret().unwrap();
    item.delete_credential().unwrap();
    let mut receiver = machine.start(&service).await;
    let locked = receiver.event("the lock", is_locked).await;
    assert!(matches!(locked, Event::Locked { code: Trouble::DatabaseKeyMissing, .. }));
    assert!(item.get_secret().is_err(), "no new key");
    assert_eq!(std::fs::read(machine.database()).unwrap(), before);
    item.set_secret(&key).unwrap();
    machine.door.admit();
    receiver.event("the key", |event| *event == Event::Unlocked).await;
}

#[tokio::test]
async fn messages_of_a_site_without_keys_hold_up_nobody_and_are_read_when_the_keys_are_back() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (lost, lost_subscription) = receiver.paired(&mut peer, "Lost").await;
    let (kept, kept_subscription) = receiver.paired(&mut peer, "Kept").await;
    receiver.engine.shutdown().await;
    let item = machine.item(&lost);
    let record = item.get_secret().unwrap();
    item.delete_credential().unwrap();

    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    assert_eq!(receiver.show("Lost").await.state_label, "Keys missing");
    assert_eq!(receiver.status().await.condition, Condition::Problem);
    for number in 0..3 {
        let body = sealed(&lost_subscription, &format!("waiting {number}"));
        peer.notify(&lost, &format!("l{number}"), &body).await;
        peer.notify(&lost, &format!("l{number}"), &body).await;
    }
    peer.notify(&kept, "k", &sealed(&kept_subscription, "at once")).await;
    let mut acks = Vec::new();
    while acks.len() < 7 {
        acks.extend(peer.acks().await);
    }
    assert_eq!(acks.iter().filter(|(_, code)| *code == 100).count(), 4, "{acks:?}");
    assert_eq!(receiver.popup().await.notification.body, "at once");
    let troubles = peer.answering(receiver.troubles()).await;
    assert_eq!(troubles, [Trouble::SiteKeysMissing, Trouble::MessagesWithheld]);

    item.set_secret(&record).unwrap();
    machine.door.admit();
    for number in 0..3 {
        assert_eq!(receiver.popup().await.notification.body, format!("waiting {number}"));
    }
    let bodies: Vec<_> = receiver.history().await.into_iter().map(|entry| entry.body).collect();
    assert_eq!(bodies, ["waiting 2", "waiting 1", "waiting 0", "at once"]);
    assert_eq!(peer.answering(receiver.troubles()).await, []);
    receiver.engine.shutdown().await;
}

#[tokio::test]
async fn keys_that_come_back_between_two_starts_release_what_waited() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.engine.shutdown().await;
    let item = machine.item(&channel);
    let record = item.get_secret().unwrap();
    item.delete_credential().unwrap();
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    peer.notify(&channel, "v1", &sealed(&subscription, "late")).await;
    assert_eq!(peer.acks().await, [("v1".into(), 100)]);
    receiver.engine.shutdown().await;

    item.set_secret(&record).unwrap();
    let mut receiver = machine.start(&service).await;
    assert_eq!(receiver.popup().await.notification.body, "late");
}

#[tokio::test]
async fn a_key_that_could_not_be_deleted_with_its_site_is_deleted_later() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, _) = receiver.paired(&mut peer, "Backups").await;
    machine.door.refuse(KeyringError::Locked("locked meanwhile".into()));
    let removing = receiver.ask(Request::RemoveSite { site: "Backups".into() });
    peer.receive().await;
    peer.send(json!({"messageType": "unregister", "channelID": channel, "status": 200})).await;
    assert!(soon("the removal", removing).await.unwrap().is_ok());
    assert!(machine.item(&channel).get_secret().is_ok(), "the keyring was locked");
    assert_eq!(receiver.client.request(Request::Unlock).await, Ok(Response::Done));
    let gone = async {
        while machine.item(&channel).get_secret().is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon("the deletion", gone).await;
    receiver.engine.shutdown().await;
}

#[tokio::test]
async fn a_keyring_that_was_restarted_serves_the_next_site() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    receiver.paired(&mut peer, "Before").await;
    let id = machine.item("database").get_specifiers().unwrap().1;
    fail_next(&machine.keyring, &id, keyring_core::Error::PlatformFailure("no session".to_owned().into()));
    receiver.paired(&mut peer, "After").await;
    assert_eq!(receiver.sites().await.len(), 2);
}
