//! What was on screen before our process or the server ended.

use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::notifier::linux::LinuxNotifier;
use user_agent::notifier::{Notifier, Report};
use webpush::payload::Notification;

use crate::support::{Bus, Desktop, FULL, PATIENCE, block_on, clickable, tagged};
use crate::{Stage, click, sent};

#[test]
fn after_our_restart_what_is_on_screen_is_clicked_replaced_and_withdrawn() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let (linked, linked_shown) = stage.card(1, clickable("Linked", &["Show log"])).await;
        let (progress, _) = stage.card(2, tagged("10 %", "progress")).await;
        let (seen, _) = stage.card(3, tagged("Seen elsewhere", "seen")).await;
        let cards = vec![linked.clone(), progress.clone(), seen.clone()];
        let mut stage = stage.restart(&bus.address, cards).await;

        stage.desktop.emit("ActivationToken", &(linked.id, "late")).await;
        stage.desktop.emit("ActionInvoked", &(linked.id, "default")).await;
        assert_eq!(stage.clicked().await, click(1, None, Some("late")));
        stage.desktop.emit("ActionInvoked", &(linked.id, linked_shown.key("Show log"))).await;
        assert_eq!(stage.clicked().await, click(1, Some(0), None));

        let replacement = Notification { tag: "progress".into(), ..clickable("20 %", &["Show log"]) };
        let replaced = stage.show(4, replacement).await;
        assert_eq!((replaced.replaces_id, replaced.id), (progress.id, progress.id));
        stage.notifier.withdraw(&sent("seen")).await.unwrap();
        assert_eq!(stage.desktop.closed().await, seen.id);
    });
}

#[test]
fn what_an_ended_server_had_on_screen_is_not_looked_for_on_another() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let (old, _) = stage.card(1, Notification { tag: "t".into(), ..clickable("Old", &[]) }).await;
        let gone = Report::Closed { server: old.server.clone(), id: old.id };
        stage.desktop.stop().await;

        // Without a server, and none is started for that.
        let absent = LinuxNotifier::at(&bus.address, {
            let (sender, reports) = mpsc::unbounded_channel();
            stage.reports = reports;
            sender
        });
        absent.restore(vec![old.clone()]).await.unwrap();
        assert_eq!(timeout(PATIENCE, stage.reports.recv()).await.unwrap(), Some(gone.clone()));

        let desktop = Desktop::start(&bus.address, FULL).await;
        let mut stage = Stage::with(desktop, &bus.address);
        stage.notifier.restore(vec![old.clone()]).await.unwrap();
        assert_eq!(stage.report().await, gone);
        stage.desktop.emit("ActionInvoked", &(old.id, "default")).await;
        let new = stage.show(2, Notification { tag: "t".into(), ..clickable("New", &[]) }).await;
        assert_eq!((new.replaces_id, new.id), (0, old.id));
        stage.desktop.emit("ActionInvoked", &(new.id, "default")).await;
        assert_eq!(stage.clicked().await, click(2, None, None));
    });
}
