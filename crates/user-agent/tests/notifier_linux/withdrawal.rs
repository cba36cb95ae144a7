//! What is taken off the screen, and what is told of it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::api::EntryId;
use user_agent::notifier::linux::LinuxNotifier;
use user_agent::notifier::{Card, Notifier, Report, Withdrawal};
use webpush::payload::Notification;

use crate::support::{Bus, Desktop, FULL, Manner, PATIENCE, block_on, clickable, popup, tagged};
use crate::{Stage, click, sent};

#[test]
fn one_withdrawn_before_the_server_answers_is_closed_once_it_has() {
    let bus = Bus::start();
    block_on(async {
        let mut desktop = Desktop::start_as(&bus.address, FULL, Manner::Hangs).await;
        let (sender, mut reports) = mpsc::unbounded_channel();
        let notifier = Arc::new(LinuxNotifier::at(&bus.address, sender));
        let withdrawals = [sent("t"), Withdrawal::Entries(vec![EntryId(1)]), Withdrawal::Site("s".into())];
        for withdrawal in withdrawals {
            let asking = Arc::clone(&notifier);
            let tagged = Notification { tag: "t".into(), ..clickable("Hello", &[]) };
            let showing = tokio::spawn(async move { asking.show(popup(1, "s", tagged)).await });
            let shown = desktop.shown().await;
            notifier.withdraw(&withdrawal).await.unwrap();
            desktop.answer();
            assert_eq!(desktop.closed().await, shown.id, "{withdrawal:?}");
            assert_eq!(timeout(PATIENCE, showing).await.expect("an answer").unwrap().unwrap(), None);
            desktop.emit("ActionInvoked", &(shown.id, "default")).await;
        }
        // Whatever those clicks meant would come before this.
        let asking = Arc::clone(&notifier);
        let showing = tokio::spawn(async move { asking.show(popup(2, "s", clickable("Kept", &[]))).await });
        let kept = desktop.shown().await;
        desktop.answer();
        showing.await.unwrap().unwrap();
        desktop.emit("ActionInvoked", &(kept.id, "default")).await;
        let clicked = timeout(PATIENCE, reports.recv()).await.expect("a click").unwrap();
        assert_eq!(clicked, Report::Clicked(click(2, None, None)));
    });
}

#[test]
fn one_that_takes_the_place_of_a_withdrawn_one_stays() {
    let bus = Bus::start();
    block_on(async {
        let mut desktop = Desktop::start_as(&bus.address, FULL, Manner::Hangs).await;
        let (sender, mut reports) = mpsc::unbounded_channel();
        let notifier = Arc::new(LinuxNotifier::at(&bus.address, sender));
        let show = |entry, title: &'static str| {
            let asking = Arc::clone(&notifier);
            let tagged = Notification { tag: "t".into(), ..clickable(title, &[]) };
            tokio::spawn(async move { asking.show(popup(entry, "s", tagged)).await.unwrap() })
        };
        let showing = show(1, "Old");
        let old = desktop.shown().await;
        desktop.answer();
        showing.await.unwrap();

        let showing = show(2, "New");
        assert_eq!(desktop.shown().await.id, old.id);
        let by_then = Withdrawal::Sent { site_id: "s".into(), tags: None, last: EntryId(1) };
        for of_the_old in [Withdrawal::Entries(vec![EntryId(1)]), by_then] {
            notifier.withdraw(&of_the_old).await.unwrap();
        }
        desktop.answer();
        assert!(showing.await.unwrap().is_some());
        desktop.emit("ActionInvoked", &(old.id, "default")).await;
        let clicked = timeout(PATIENCE, reports.recv()).await.expect("a click").unwrap();
        assert_eq!(
            clicked,
            Report::Clicked(click(2, None, None)),
            "and nothing was reported as closed before"
        );

        // The first that is closed is the one that nothing replaces.
        notifier.withdraw(&Withdrawal::Entries(vec![EntryId(2)])).await.unwrap();
        assert_eq!(desktop.closed().await, old.id);
    });
}

#[test]
fn the_end_of_a_notification_is_reported_once() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let (dismissed, _) = stage.card(1, clickable("Dismissed", &[])).await;
        let (withdrawn, _) = stage.card(2, clickable("Withdrawn", &[])).await;
        let (renewed, _) = stage.card(3, tagged("Old", "t")).await;
        let end = |card: &Card| Report::Closed { server: card.server.clone(), id: card.id };
        for _ in 0..2 {
            stage.desktop.emit("NotificationClosed", &(dismissed.id, 2_u32)).await;
        }
        assert_eq!(stage.report().await, end(&dismissed));
        stage.notifier.withdraw(&Withdrawal::Entries(vec![EntryId(2)])).await.unwrap();
        stage.desktop.emit("NotificationClosed", &(withdrawn.id, 3_u32)).await;
        assert_eq!(stage.report().await, end(&withdrawn));
        let again = Notification { renotify: true, ..tagged("New", "t") };
        stage.notifier.show(popup(4, "s", again)).await.unwrap();
        assert_eq!(stage.report().await, end(&renewed));
        assert!(stage.reports.try_recv().is_err());
    });
}
