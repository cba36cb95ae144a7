//! The notifier of Linux: the suite, and what only it can do.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::pin::Pin;
use std::sync::Arc;

use support::{
    Bus, Desktop, FULL, Manner, PATIENCE, Shown, Subject, block_on, clickable, next_click, popup, tagged,
    titled,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::api::EntryId;
use user_agent::notifier::linux::LinuxNotifier;
use user_agent::notifier::{
    Activation, Card, Illustration, Notifier, NotifyError, Picture, Popup, Report, Withdrawal,
};
use webpush::payload::Notification;

conformance!(run);

fn run(_name: &str, test: fn(Subject) -> Pin<Box<dyn Future<Output = ()>>>) {
    let bus = Bus::start();
    let make = |address: &str, reports| Arc::new(LinuxNotifier::at(address, reports)) as _;
    block_on(test(Subject { address: bus.address.clone(), make, listens_late: false }));
}

struct Stage {
    desktop: Desktop,
    notifier: LinuxNotifier,
    reports: mpsc::UnboundedReceiver<Report>,
}

impl Stage {
    async fn new(address: &str) -> Self {
        Self::with(Desktop::start(address, FULL).await, address)
    }

    fn with(desktop: Desktop, address: &str) -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        Self { desktop, notifier: LinuxNotifier::at(address, sender), reports }
    }

    async fn show(&mut self, entry: i64, notification: Notification) -> Shown {
        self.card(entry, notification).await.1
    }

    /// Shows it; what a later process needs to know of it, and what the server was asked for.
    async fn card(&mut self, entry: i64, notification: Notification) -> (Card, Shown) {
        let card = self.notifier.show(popup(entry, "s", notification)).await.unwrap();
        (card.expect("a card"), self.desktop.shown().await)
    }

    /// Our process ends and starts anew. The server is still there.
    async fn restart(self, address: &str, cards: Vec<Card>) -> Self {
        drop(self.notifier);
        let stage = Self::with(self.desktop, address);
        stage.notifier.restore(cards).await;
        stage
    }

    async fn report(&mut self) -> Report {
        timeout(PATIENCE, self.reports.recv()).await.expect("a report").unwrap()
    }

    async fn clicked(&mut self) -> Activation {
        timeout(PATIENCE, next_click(&mut self.reports)).await.expect("a click")
    }

    fn assert_no_other_click(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            assert!(!matches!(report, Report::Clicked(_)), "{report:?}");
        }
    }
}

fn click(entry: i64, action: Option<usize>, token: Option<&str>) -> Activation {
    Activation { entry: Some(EntryId(entry)), action, token: token.map(str::to_owned) }
}

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

fn sent(tag: &str) -> Withdrawal {
    Withdrawal::Sent { site_id: "s".into(), tags: Some(vec![tag.into()]), last: EntryId(i64::MAX) }
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
        absent.restore(vec![old.clone()]).await;
        assert_eq!(timeout(PATIENCE, stage.reports.recv()).await.unwrap(), Some(gone.clone()));

        let desktop = Desktop::start(&bus.address, FULL).await;
        let mut stage = Stage::with(desktop, &bus.address);
        stage.notifier.restore(vec![old.clone()]).await;
        assert_eq!(stage.report().await, gone);
        stage.desktop.emit("ActionInvoked", &(old.id, "default")).await;
        let new = stage.show(2, Notification { tag: "t".into(), ..clickable("New", &[]) }).await;
        assert_eq!((new.replaces_id, new.id), (0, old.id));
        stage.desktop.emit("ActionInvoked", &(new.id, "default")).await;
        assert_eq!(stage.clicked().await, click(2, None, None));
    });
}

/// Red, and as large as this.
fn picture(width: u32, height: u32) -> Arc<Picture> {
    let count = usize::try_from(width * height).unwrap();
    Arc::new(Picture::new(width, height, [255, 0, 0, 255].repeat(count)).unwrap())
}

type ImageData = (i32, i32, i32, bool, i32, i32, Vec<u8>);

#[test]
fn the_larger_picture_is_given_as_pixels() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        for (illustration, size) in [
            (Illustration { icon: Some(picture(2, 3)), image: None }, Some((2, 3))),
            (Illustration { icon: Some(picture(2, 3)), image: Some(picture(512, 256)) }, Some((512, 256))),
            (Illustration::default(), None),
        ] {
            let popup = Popup { illustration, ..popup(1, "s", titled("One")) };
            stage.notifier.show(popup).await.unwrap();
            let shown = stage.desktop.shown().await;
            let data = shown.hint::<ImageData>("image-data");
            assert_eq!(data.as_ref().map(|(width, height, ..)| (*width, *height)), size);
            if let Some((width, height, row, alpha, bits, channels, pixels)) = data {
                assert_eq!((row, alpha, bits, channels), (width * 4, true, 8, 4));
                assert_eq!(pixels, [255, 0, 0, 255].repeat(usize::try_from(width * height).unwrap()));
            }
            assert_eq!((shown.app_icon.as_str(), shown.hints.contains_key("image-path")), ("", false));
        }
    });
}

#[test]
fn a_late_picture_comes_silently_to_what_is_on_screen_still() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let first = stage.show(1, clickable("One", &["Show log"])).await;
        let gone = stage.show(2, clickable("Two", &[])).await;
        let illustrated = |entry, notification| {
            let illustration = Illustration { icon: None, image: Some(picture(4, 4)) };
            Popup { illustration, ..popup(entry, "s", notification) }
        };
        stage.desktop.emit("NotificationClosed", &(gone.id, 2_u32)).await;
        assert!(matches!(stage.report().await, Report::Closed { id, .. } if id == gone.id));
        stage.notifier.redraw(illustrated(2, clickable("Two", &[]))).await.unwrap();
        stage.notifier.redraw(illustrated(1, clickable("One", &["Show log"]))).await.unwrap();
        let again = stage.desktop.shown().await;
        assert_eq!((again.summary.as_str(), again.replaces_id, again.id), ("One", first.id, first.id));
        assert!(again.is_silenced() && again.hints.contains_key("image-data"));
        stage.desktop.emit("ActionInvoked", &(again.id, again.key("Show log"))).await;
        assert_eq!(stage.clicked().await, click(1, Some(0), None));
    });
}

#[test]
fn a_summary_is_drawn_again_in_its_place_by_its_tag() {
    let bus = Bus::start();
    block_on(async {
        let mut stage = Stage::new(&bus.address).await;
        let summary = |title: &str| Popup { entry: None, ..popup(0, "s", tagged(title, "more")) };
        stage.notifier.redraw(summary("Never shown")).await.unwrap();
        stage.notifier.show(summary("2 more")).await.unwrap();
        let first = stage.desktop.shown().await;
        assert_eq!(first.summary, "2 more");
        stage.notifier.redraw(summary("1 more")).await.unwrap();
        let again = stage.desktop.shown().await;
        assert_eq!((again.summary.as_str(), again.replaces_id), ("1 more", first.id));
        assert!(again.is_silenced());
    });
}
