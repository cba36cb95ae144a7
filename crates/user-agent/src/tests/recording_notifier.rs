//! A notifier that shows nothing and remembers everything.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::notifier::{Card, Notifier, NotifyError, Popup, ServerInfo, Withdrawal};

/// What the notification server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Shows,
    /// Takes the notification and does not say so.
    Hangs,
    /// Answers with an error to one with this title.
    Refuses(&'static str),
    IsAbsent,
}

/// Shows nothing and remembers everything.
pub(super) struct RecordingNotifier {
    pub(super) shown: mpsc::UnboundedSender<Popup>,
    pub(super) capabilities: Option<Vec<String>>,
    pub(super) shows_pictures: bool,
    pub(super) manner: watch::Receiver<Manner>,
    pub(super) withdrawn: mpsc::UnboundedSender<Withdrawal>,
    pub(super) restored: mpsc::UnboundedSender<Vec<Card>>,
    pub(super) ids: AtomicU32,
}

#[async_trait]
impl Notifier for RecordingNotifier {
    async fn show(&self, popup: Popup) -> Result<Option<Card>, NotifyError> {
        let mut manner = self.manner.clone();
        let refused = *manner.borrow();
        if let Manner::Refuses(word) = refused
            && popup.notification.title == word
        {
            return Err(NotifyError::Failed("it does not like this one".into()));
        }
        if *manner.borrow() == Manner::IsAbsent {
            return Err(NotifyError::Absent("nobody is there".into()));
        }
        let ended = || NotifyError::Absent("the test has ended".into());
        let card = Card {
            server: "this run".into(),
            id: self.ids.fetch_add(1, Ordering::Relaxed),
            entry: popup.entry,
            site_id: popup.site_id.clone(),
            tag: popup.notification.tag.clone(),
            clickable: true,
            buttons: 0,
        };
        self.shown.send(popup).map_err(|_| ended())?;
        manner.wait_for(|manner| *manner != Manner::Hangs).await.map_err(|_| ended())?;
        Ok(Some(card))
    }

    fn shows_pictures(&self) -> bool {
        self.shows_pictures
    }

    /// Once more among those shown.
    async fn redraw(&self, popup: Popup) -> Result<(), NotifyError> {
        self.shown.send(popup).map_err(|_| NotifyError::Absent("the test has ended".into()))
    }

    async fn withdraw(&self, which: &Withdrawal) -> Result<(), NotifyError> {
        self.withdrawn.send(which.clone()).map_err(|_| NotifyError::Absent("the test has ended".into()))
    }

    async fn restore(&self, cards: Vec<Card>) -> Result<(), NotifyError> {
        if *self.manner.borrow() == Manner::IsAbsent {
            return Err(NotifyError::Absent("nobody is there".into()));
        }
        self.restored.send(cards).map_err(|_| NotifyError::Absent("the test has ended".into()))
    }

    async fn server(&self) -> Result<ServerInfo, NotifyError> {
        let capabilities = self.capabilities.clone();
        let capabilities = capabilities.ok_or_else(|| NotifyError::Absent("nobody is there".into()))?;
        Ok(ServerInfo { name: "recorder".into(), capabilities })
    }
}
