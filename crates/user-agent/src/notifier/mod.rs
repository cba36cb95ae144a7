//! Native notifications. [`Notifier`] is what the engine needs of a desktop; each file here provides it in one way.

mod card;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod portable;
mod presentation;
mod text;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::mpsc;
use url::Url;
use webpush::payload::Notification;

use crate::api::{EntryId, Links};
use crate::config::Notify;
pub use crate::pictures::{Illustration, Picture};

pub use card::{Card, Withdrawal};

/// A desktop that shows notifications and reports clicks.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Shows a notification. Returns once the notification server has taken it, however long that takes once it was
    /// asked: only it knows whether it did. One with the same site and non-empty tag replaces the one on screen.
    ///
    /// `None`: it is on screen, and what becomes of it after the end of this process is out of reach; or it was withdrawn
    /// before the server had answered, and is gone again.
    async fn show(&self, popup: Popup) -> Result<Option<Card>, NotifyError>;

    /// Whether it shows any [`Illustration`]. Where it does not, no picture is loaded for it.
    fn shows_pictures(&self) -> bool;

    /// Shows a notification again, in its place and without a sound, if it is on screen still: with pictures that were late, or
    /// with another count. One without an entry is known by its tag.
    /// Where a platform cannot, nothing is done.
    async fn redraw(&self, _popup: Popup) -> Result<(), NotifyError> {
        Ok(())
    }

    /// Takes notifications off the screen. Those already gone are no error.
    async fn withdraw(&self, which: &Withdrawal) -> Result<(), NotifyError>;

    /// Knows these again, oldest first, which an earlier process of ours has shown. Those of a server that has ended are
    /// reported as closed. An error: the server could not be asked which it has, and this is to be done again.
    async fn restore(&self, cards: Vec<Card>) -> Result<(), NotifyError>;

    /// Who shows notifications and what it can do, for `belfry doctor`.
    async fn server(&self) -> Result<ServerInfo, NotifyError>;
}

/// One notification to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Popup {
    /// The history entry it belongs to: what a click refers to. `None`: it is about several, or about none.
    pub entry: Option<EntryId>,
    /// Groups tags: different sites never replace each other's notifications.
    pub site_id: String,
    /// What people call the site; the title when the notification has none.
    pub site_name: String,
    /// The site's address, where it is known.
    pub website: Option<Url>,
    /// Which of its links are opened.
    pub links: Links,
    /// What it says.
    pub notification: Notification,
    /// What of its pictures may be shown and was there in time.
    pub illustration: Illustration,
    /// Whether it may make a sound.
    pub sound: bool,
    /// Whether the user lets the site pass Do Not Disturb: the desktop's own as well.
    pub passes_silence: bool,
    /// When it arrived here.
    pub received_at: Timestamp,
}

impl Popup {
    /// Who it is from, always shown: host and, unless it is the usual one, port, or the site's name.
    pub fn origin(&self) -> String {
        let website = self.website.as_ref().and_then(|url| Some((url.host_str()?, url.port())));
        match website {
            Some((host, None)) => host.to_owned(),
            Some((host, Some(port))) => format!("{host}:{port}"),
            None => self.site_name.clone(),
        }
    }
}

/// A click. The engine looks up what it opens. `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Activation {
    /// The entry that was clicked: that of its [`Popup`].
    pub entry: Option<EntryId>,
    /// `None`: the notification itself; else the index of the button in [`Notification::actions`].
    pub action: Option<usize>,
    /// Lets the browser come to the front (X11 startup id or Wayland activation token).
    pub token: Option<String>,
}

impl std::fmt::Debug for Activation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { entry, action, token } = self;
        write!(f, "Activation({entry:?}, {action:?}, token: {})", token.is_some())
    }
}

/// What a notifier tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Somebody clicked.
    Clicked(Activation),
    /// A notification is no longer on screen.
    Closed {
        /// [`Card::server`].
        server: String,
        /// [`Card::id`].
        id: u32,
    },
}

/// Where a notifier reports.
pub type Reports = mpsc::UnboundedSender<Report>;

/// The notification server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// Its name and version.
    pub name: String,
    /// What it can do, in the words of the freedesktop specification; empty where a platform does not say.
    pub capabilities: Vec<String>,
}

/// Why a notification was not shown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyError {
    /// Nothing shows notifications here.
    #[error("no notification server: {0}")]
    Absent(String),
    /// The server answered with an error, or not in time.
    #[error("the notification server failed: {0}")]
    Failed(String),
}

/// The notifier to use, `None` for [`Notify::None`]. Made also where nothing shows notifications yet: each call of
/// [`Notifier::show`] looks anew, and a bus may start a server that is needed.
#[cfg_attr(
    not(target_os = "linux"),
    expect(clippy::unused_async, reason = "only Linux has a bus to wait for")
)]
pub async fn connect(notify: Notify, reports: Reports) -> Option<Arc<dyn Notifier>> {
    match notify {
        #[cfg(target_os = "linux")]
        Notify::Auto => {
            let notifier = linux::LinuxNotifier::new(reports);
            if let Err(error) = notifier.reach_bus().await {
                tracing::warn!(%error, "notifications cannot be shown yet");
            }
            Some(Arc::new(notifier))
        }
        #[cfg(not(target_os = "linux"))]
        Notify::Auto => Some(Arc::new(portable::PortableNotifier::new(reports))),
        Notify::Portable => Some(Arc::new(portable::PortableNotifier::new(reports))),
        Notify::None => None,
    }
}

#[cfg(target_os = "linux")]
fn bus_error(error: &zbus::Error) -> NotifyError {
    use zbus::DBusError as _;

    if let zbus::Error::MethodError(name, _, _) = error {
        dbus_error(name, error.to_string())
    } else if let zbus::Error::FDO(fault) = error {
        dbus_error(&fault.name(), error.to_string())
    } else if is_unreachable(error) {
        NotifyError::Absent(format!("no session bus: {error}"))
    } else {
        NotifyError::Failed(error.to_string())
    }
}

#[cfg(target_os = "linux")]
fn is_unreachable(error: &zbus::Error) -> bool {
    use zbus::Error;

    matches!(error, Error::InputOutput(_) | Error::Address(_) | Error::Handshake(_) | Error::Connection(..))
}

/// By the D-Bus error's name. The bus reports a destination that is not there, or that it could not start.
#[cfg(target_os = "linux")]
fn dbus_error(name: &str, message: String) -> NotifyError {
    let rest = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default();
    match matches!(rest, "ServiceUnknown" | "NameHasNoOwner") || rest.starts_with("Spawn.") {
        true => NotifyError::Absent(message),
        false => NotifyError::Failed(message),
    }
}
