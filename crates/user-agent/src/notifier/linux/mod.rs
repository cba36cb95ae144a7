//! Notifications by the freedesktop specification, over one connection to the session bus: some servers report clicks
//! only to the connection that sent the notification, and some drop notifications when it closes.

mod hints;
mod session;
pub(crate) mod shown;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use self::session::Session;
use super::{Card, Notifier, NotifyError, Popup, Reports, ServerInfo, Withdrawal};

/// Shows notifications through `org.freedesktop.Notifications`.
///
/// The bus and the server may be missing when it is made, start later and restart at any time; each call looks anew.
/// Notifications of an earlier process are known again by [`Notifier::restore`], but clicks on them are heard only from servers
/// that tell everybody of clicks, as the specification has it: GNOME's and dunst tell the connection that has ended. Those of an earlier server are out of reach:
/// it neither replaces nor withdraws them, and clicks on them are not reported.
pub struct LinuxNotifier {
    address: Option<String>,
    reports: Reports,
    /// Held while a notification is shown, which may take a server long: two with the same tag must not overtake each
    /// other.
    showing: Mutex<()>,
    session: Mutex<Option<Arc<Session>>>,
}

impl LinuxNotifier {
    /// On the user's session bus, to which it connects when it is first needed.
    pub fn new(reports: Reports) -> Self {
        Self { address: None, reports, showing: Mutex::default(), session: Mutex::default() }
    }

    /// On the bus with this D-Bus address.
    pub fn at(address: &str, reports: Reports) -> Self {
        Self { address: Some(address.to_owned()), ..Self::new(reports) }
    }

    /// Connects to the bus ahead of need. Whether anything shows notifications there is not looked at.
    pub(super) async fn reach_bus(&self) -> Result<(), NotifyError> {
        self.connected().await.map(drop)
    }

    async fn connected(&self) -> Result<Arc<Session>, NotifyError> {
        let mut session = self.session.lock().await;
        let open = match session.take() {
            Some(open) if open.is_open() => open,
            _ => Arc::new(Session::open(self.address.as_deref(), self.reports.clone()).await?),
        };
        Ok(session.insert(open).clone())
    }
}

#[async_trait]
impl Notifier for LinuxNotifier {
    async fn show(&self, popup: Popup) -> Result<Option<Card>, NotifyError> {
        let _turn = self.showing.lock().await;
        self.connected().await?.show(&popup).await
    }

    /// A server does not say whether it does.
    fn shows_pictures(&self) -> bool {
        true
    }

    async fn redraw(&self, popup: Popup) -> Result<(), NotifyError> {
        let _turn = self.showing.lock().await;
        self.connected().await?.redraw(&popup).await
    }

    async fn withdraw(&self, which: &Withdrawal) -> Result<(), NotifyError> {
        let session = self.session.lock().await.clone();
        match session.filter(|session| session.is_open()) {
            Some(session) => session.withdraw(which).await,
            None => Ok(()),
        }
    }

    async fn restore(&self, cards: Vec<Card>) -> Result<(), NotifyError> {
        self.connected().await?.restore(cards).await
    }

    async fn server(&self) -> Result<ServerInfo, NotifyError> {
        let server = self.connected().await?.server().await?;
        Ok(ServerInfo { name: server.name.clone(), capabilities: server.capabilities.clone() })
    }
}
