//! Notification servers and buses that end, come late or do not answer.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::notifier::linux::LinuxNotifier;
use user_agent::notifier::{Notifier, NotifyError, Withdrawal};
use webpush::payload::Notification;

use crate::support::{
    Bus, Desktop, FULL, Manner, PATIENCE, block_on, clickable, next_click, popup, tagged, titled,
};
use crate::{Stage, click};

#[test]
fn a_server_that_takes_over_is_the_one_used() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        stage.show(1, tagged("Old", "t")).await;
        let mut successor = Desktop::start(&bus.address, &["body"]).await;
        let noticed = async {
            while stage.notifier.server().await.unwrap().capabilities != ["body"] {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, noticed).await.expect("the new server is noticed");
        stage.notifier.show(popup(2, "s", tagged("New", "t"))).await.unwrap();
        let shown = successor.shown().await;
        assert_eq!((shown.summary.as_str(), shown.replaces_id), ("New", 0));
    });
}

#[test]
fn a_server_that_ends_just_before_it_is_called_is_looked_for_again() {
    let bus = Bus::start();
    block_on(async {
        let desktop = Desktop::start_as(&bus.address, FULL, Manner::IsGoneFirst).await;
        let mut stage = Stage::with(desktop, &bus.address);
        let shown = stage.show(1, clickable("One", &[])).await;
        stage.desktop.emit("ActionInvoked", &(shown.id, "default")).await;
        assert_eq!(stage.clicked().await, click(1, None, None));
    });
}

#[test]
fn a_bus_that_comes_late_or_comes_back_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:path={}", folder.path().join("bus").display());
    block_on(async {
        let (sender, mut reports) = mpsc::unbounded_channel();
        let notifier = LinuxNotifier::at(&address, sender);
        let refused = notifier.show(popup(1, "s", titled("Early"))).await;
        assert!(matches!(refused, Err(NotifyError::Absent(_))), "{refused:?}");

        for entry in 2..4 {
            let bus = Bus::start_in(folder.path());
            let mut desktop = Desktop::start(&address, FULL).await;
            // The first call may find the old connection broken; the next one makes a new one.
            let mut shown = notifier.show(popup(entry, "s", tagged("Here", "t"))).await;
            if shown.is_err() {
                shown = notifier.show(popup(entry, "s", tagged("Here", "t"))).await;
            }
            shown.unwrap();
            assert_eq!(desktop.shown().await.replaces_id, 0);
            let clickable = Notification { tag: "t".into(), ..clickable("Click", &[]) };
            notifier.show(popup(entry + 10, "s", clickable)).await.unwrap();
            let shown = desktop.shown().await;
            desktop.emit("ActionInvoked", &(shown.id, "default")).await;
            let clicked = timeout(PATIENCE, next_click(&mut reports)).await.expect("a click");
            assert_eq!(clicked, click(entry + 10, None, None));
            drop(bus);
        }
    });
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_until_it_is_gone() {
    let bus = Bus::start();
    block_on(async {
        let mut desktop = Desktop::start_as(&bus.address, FULL, Manner::Hangs).await;
        let (sender, _reports) = mpsc::unbounded_channel();
        let notifier = Arc::new(LinuxNotifier::at(&bus.address, sender));
        let asking = Arc::clone(&notifier);
        let showing = tokio::spawn(async move { asking.show(popup(1, "s", titled("Hello"))).await });
        desktop.shown().await;
        // It holds up nothing else.
        timeout(PATIENCE, notifier.withdraw(&Withdrawal::Site("s".into())))
            .await
            .expect("an answer")
            .unwrap();
        timeout(PATIENCE, notifier.server()).await.expect("an answer").unwrap();
        assert!(!showing.is_finished());
        desktop.stop().await;
        let shown = timeout(PATIENCE, showing).await.expect("an answer").unwrap();
        assert!(matches!(shown, Err(NotifyError::Failed(_) | NotifyError::Absent(_))), "{shown:?}");
    });
}
