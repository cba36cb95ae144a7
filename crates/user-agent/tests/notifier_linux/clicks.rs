//! Which notification was clicked, if any.

use user_agent::notifier::{Notifier, Withdrawal};
use webpush::payload::Notification;

use crate::support::{self, Bus, Desktop, FULL, Manner, block_on, clickable, titled};
use crate::{Stage, click};

#[test]
fn a_click_carries_its_activation_token_once() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let first = stage.show(1, clickable("One", &["Show log"])).await;
        let second = stage.show(2, clickable("Two", &[])).await;
        stage.desktop.emit("ActivationToken", &(first.id, "token-1")).await;
        stage.desktop.emit("ActionInvoked", &(second.id, "default")).await;
        stage.desktop.emit("ActionInvoked", &(first.id, first.key("Show log"))).await;
        stage.desktop.emit("ActionInvoked", &(first.id, "default")).await;
        assert_eq!(stage.clicked().await, click(2, None, None));
        assert_eq!(stage.clicked().await, click(1, Some(0), Some("token-1")));
        assert_eq!(stage.clicked().await, click(1, None, None));
    });
}

#[test]
fn a_click_reported_after_the_closing_still_counts() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let shown = stage.show(1, clickable("One", &[])).await;
        stage.desktop.emit("NotificationClosed", &(shown.id, 2_u32)).await;
        stage.desktop.emit("ActivationToken", &(shown.id, "late")).await;
        stage.desktop.emit("ActionInvoked", &(shown.id, "default")).await;
        assert_eq!(stage.clicked().await, click(1, None, Some("late")));
    });
}

#[test]
fn a_click_reported_before_the_notification_is_acknowledged_counts() {
    let bus = Bus::start();
    block_on(async {
        let desktop = Desktop::start_as(&bus.address, FULL, Manner::ClicksFirst).await;
        let mut stage = Stage::with(desktop, &bus.address);
        stage.show(1, clickable("One", &[])).await;
        assert_eq!(stage.clicked().await, click(1, None, Some("early")));
    });
}

#[test]
fn a_click_on_an_old_button_never_meets_a_new_one() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let old = stage.show(1, Notification { tag: "t".into(), ..clickable("Old", &["Keep"]) }).await;
        let new = stage.show(2, Notification { tag: "t".into(), ..clickable("New", &["Delete"]) }).await;
        assert_eq!(old.id, new.id);
        stage.desktop.emit("ActionInvoked", &(old.id, old.key("Keep"))).await;
        stage.desktop.emit("ActionInvoked", &(new.id, new.key("Delete"))).await;
        assert_eq!(stage.clicked().await, click(2, Some(0), None));
        stage.assert_no_other_click();
    });
}

#[test]
fn clicks_that_the_server_did_not_report_or_that_were_not_offered_are_ignored() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let first = stage.show(1, clickable("One", &["Show log"])).await;
        let plain = stage.show(2, titled("Opens nothing")).await;
        let stranger =
            zbus::connection::Builder::address(bus.address.as_str()).unwrap().build().await.unwrap();
        let to = Some(first.sender.as_str());
        let body = (first.id, "default");
        stranger.emit_signal(to, support::PATH, support::NAME, "ActionInvoked", &body).await.unwrap();
        // The bus answers this after it has passed the stranger's signal on.
        zbus::fdo::DBusProxy::new(&stranger).await.unwrap().get_id().await.unwrap();
        stage.desktop.emit("ActionInvoked", &(plain.id, "default")).await;
        stage.desktop.emit("ActionInvoked", &(99_u32, "default")).await;
        stage.desktop.emit("ActionInvoked", &("not", "by the specification")).await;
        stage.desktop.emit("ActionInvoked", &(first.id, first.key("Show log"))).await;
        assert_eq!(stage.clicked().await, click(1, Some(0), None));
        stage.assert_no_other_click();
    });
}

#[test]
fn a_click_on_a_notification_of_an_ended_server_is_not_taken_for_one_on_a_new_one() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let old = stage.show(1, clickable("Old", &[])).await;
        stage.desktop.stop().await;
        stage.desktop = Desktop::start(&bus.address, FULL).await;
        stage.desktop.emit("ActionInvoked", &(old.id, "default")).await;
        let new = stage.show(2, clickable("New", &[])).await;
        assert_eq!(new.id, old.id);
        stage.desktop.emit("ActionInvoked", &(new.id, "default")).await;
        assert_eq!(stage.clicked().await, click(2, None, None));
        stage.assert_no_other_click();
    });
}

#[test]
fn a_withdrawn_notification_is_not_clicked() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let blocked = stage.show(1, clickable("Blocked", &[])).await;
        stage.notifier.withdraw(&Withdrawal::Site("s".into())).await.unwrap();
        stage.desktop.emit("ActionInvoked", &(blocked.id, "default")).await;
        assert_eq!(stage.desktop.closed().await, blocked.id);
        let next = stage.show(2, clickable("Next", &[])).await;
        stage.desktop.emit("ActionInvoked", &(next.id, "default")).await;
        assert_eq!(stage.clicked().await, click(2, None, None));
    });
}
