//! The notifier of Linux: the suite, and what only it can do.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clicks;
mod drawing;
mod restart;
mod servers;
#[path = "../support/mod.rs"]
mod support;
mod withdrawal;

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::api::EntryId;
use user_agent::notifier::linux::LinuxNotifier;
use user_agent::notifier::{Activation, Card, Notifier, Report, Withdrawal};
use webpush::payload::Notification;

use self::support::{Bus, Desktop, FULL, PATIENCE, Shown, Subject, block_on, next_click, popup};

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
        stage.notifier.restore(cards).await.unwrap();
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

fn sent(tag: &str) -> Withdrawal {
    Withdrawal::Sent { site_id: "s".into(), tags: Some(vec![tag.into()]), last: EntryId(i64::MAX) }
}
