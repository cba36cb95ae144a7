//! Notifications by notify-rust: macOS and Windows, and on request Linux.
//!
//! What it cannot do, because notify-rust or the platform cannot: pass on activation tokens; see a click in the moment
//! between showing and listening, or a second one; see clicks on more than [`WAITING_LIMIT`] notifications at a time,
//! each of which keeps a thread (on Linux also a bus connection, for ever if the server dies first). On macOS and
//! Windows nothing replaces or takes away a notification. On macOS clicks need a running main run loop, buttons become
//! one menu, and whether a notification was shown is not known. On Windows a click is seen while the notification is on
//! screen, not later in the action centre; toasts are PowerShell's, as only an installer can register a name of one's
//! own (`app_id`), and without that nothing would be shown. Pictures would have to be files: it shows none.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::ZonedDateTime;
use notify_rust::{Notification, NotificationResponse, Timeout};
use tokio::sync::{Semaphore, oneshot};

use super::presentation::{APP_NAME, Presentation, Sound, Surface};
use super::{Activation, Card, Notifier, NotifyError, Popup, Report, Reports, ServerInfo, Withdrawal};

/// Notifications whose clicks are waited for. Later ones are shown, and clicks on them go unseen.
pub const WAITING_LIMIT: usize = 64;

/// Calls into the platform at a time, should it not answer.
const SHOWING_LIMIT: usize = 4;

/// Shows notifications through notify-rust.
pub struct PortableNotifier {
    reports: Reports,
    waiting: Arc<Semaphore>,
    showing: Arc<Semaphore>,
    cards: Arc<Mutex<Vec<Awaited>>>,
    serial: AtomicU64,
}

/// A notification whose click is waited for.
#[derive(Debug, Clone)]
struct Awaited {
    serial: u64,
    /// Its server is the owner of the name on the bus; empty where there is no bus.
    card: Card,
}

impl PortableNotifier {
    /// Reports clicks to `reports`.
    pub fn new(reports: Reports) -> Self {
        Self {
            reports,
            waiting: Arc::new(Semaphore::new(WAITING_LIMIT)),
            showing: Arc::new(Semaphore::new(SHOWING_LIMIT)),
            cards: Arc::default(),
            serial: AtomicU64::new(0),
        }
    }

    fn replaced(&self, popup: &Popup, owner: &str) -> Option<Awaited> {
        let tag = &popup.notification.tag;
        let cards = lock(&self.cards);
        let same = |card: &Card| !tag.is_empty() && card.tag == *tag && card.site_id == popup.site_id;
        cards.iter().find(|other| same(&other.card)).filter(|other| other.card.server == owner).cloned()
    }
}

#[async_trait]
impl Notifier for PortableNotifier {
    async fn show(&self, popup: Popup) -> Result<Option<Card>, NotifyError> {
        let surface = platform::surface().await?;
        let presentation = Presentation::new(&popup, surface, &ZonedDateTime::now());
        let owner = platform::owner().await?;
        let replaced = owner.as_ref().and_then(|owner| self.replaced(&popup, owner));
        let mut replaces = 0;
        if let Some(Awaited { card, .. }) = &replaced {
            match popup.notification.renotify {
                true => platform::close(&[card.id]).await,
                false => replaces = card.id,
            }
        }
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let card = Card {
            server: owner.unwrap_or_default(),
            id: replaces,
            entry: popup.entry,
            site_id: popup.site_id,
            tag: popup.notification.tag,
            clickable: presentation.default_action.is_some(),
            buttons: presentation.span(),
        };
        let notification = platform::notification(&presentation, &card);
        let busy = || NotifyError::Failed("earlier notifications are still being shown".into());
        let showing = Arc::clone(&self.showing).try_acquire_owned().map_err(|_| busy())?;
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok();
        let (cards, reports) = (Arc::clone(&self.cards), self.reports.clone());
        let (answer, answered) = oneshot::channel();
        let thread = move || {
            let shown = notification.show();
            drop(showing);
            let handle = match shown {
                Ok(handle) => handle,
                Err(error) => return drop(answer.send(Err(platform::error(&error)))),
            };
            let Some(_waiting) = waiting else { return drop(answer.send(Ok(()))) };
            {
                let mut cards = lock(&cards);
                cards.retain(|other| Some(other.serial) != replaced.as_ref().map(|other| other.serial));
                cards.push(Awaited { serial, card: Card { id: platform::id(&handle), ..card } });
            }
            // Nobody may be waiting any more; it is on screen all the same.
            let _ = answer.send(Ok(()));
            let respond = |response: &NotificationResponse| {
                let mut cards = lock(&cards);
                let Some(index) = cards.iter().position(|other| other.serial == serial) else { return };
                if let Some(activation) = activation(&cards.swap_remove(index).card, response) {
                    let _ = reports.send(Report::Clicked(activation));
                }
            };
            if handle.wait_for_response(respond).is_err() {
                lock(&cards).retain(|other| other.serial != serial);
            }
        };
        let failed = |reason: &str| NotifyError::Failed(reason.to_owned());
        let thread = std::thread::Builder::new().name("notification".into()).spawn(thread);
        thread.map_err(|error| failed(&error.to_string()))?;
        answered.await.unwrap_or_else(|_| Err(failed("notify-rust panicked"))).map(|()| None)
    }

    fn shows_pictures(&self) -> bool {
        false
    }

    async fn withdraw(&self, which: &Withdrawal) -> Result<(), NotifyError> {
        let mut withdrawn = Vec::new();
        lock(&self.cards).retain(|other| {
            let keep = !which.covers(&other.card);
            if !keep {
                withdrawn.push(other.card.clone());
            }
            keep
        });
        let Ok(Some(owner)) = platform::owner().await else { return Ok(()) };
        withdrawn.retain(|card| card.server == owner);
        let ids: Vec<u32> = withdrawn.into_iter().map(|card| card.id).collect();
        platform::close(&ids).await;
        Ok(())
    }

    /// Out of reach: clicks are heard only by who has shown the notification.
    async fn restore(&self, _: Vec<Card>) -> Result<(), NotifyError> {
        Ok(())
    }

    async fn server(&self) -> Result<ServerInfo, NotifyError> {
        platform::server().await
    }
}

fn activation(card: &Card, response: &NotificationResponse) -> Option<Activation> {
    let action = match response {
        NotificationResponse::Default => None,
        NotificationResponse::Action(key) => {
            Some((0..usize::try_from(card.buttons).ok()?).find(|button| card.key(*button) == *key)?)
        }
        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => return None,
    };
    Some(Activation { entry: card.entry, action, token: None })
}

fn common(presentation: &Presentation) -> Notification {
    let mut notification = Notification::new();
    notification
        .appname(APP_NAME)
        .summary(&presentation.summary)
        .body(&presentation.body)
        .timeout(Timeout::from(presentation.expire_timeout));
    notification
}

fn add_buttons(notification: &mut Notification, presentation: &Presentation, card: &Card) {
    for (index, label) in &presentation.buttons {
        notification.action(&card.key(*index), label);
    }
}

fn lock(cards: &Mutex<Vec<Awaited>>) -> MutexGuard<'_, Vec<Awaited>> {
    cards.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(target_os = "linux")]
mod platform {
    use std::time::Duration;

    use notify_rust::error::Error;
    use notify_rust::{Hint, NotificationHandle, Urgency};
    use tokio::time::timeout;

    use super::*;
    use crate::notifier::presentation::{DESKTOP_ENTRY, Level, SOUND_NAME};
    use crate::notifier::{bus_error, dbus_error};

    const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

    const NAME: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";

    pub(super) async fn surface() -> Result<Surface, NotifyError> {
        drop(session().await?);
        let name = blocking(notify_rust::get_server_information).await?.name;
        Ok(Surface::of(&name, &blocking(notify_rust::get_capabilities).await?))
    }

    pub(super) async fn server() -> Result<ServerInfo, NotifyError> {
        drop(session().await?);
        let information = blocking(notify_rust::get_server_information).await?;
        let capabilities = blocking(notify_rust::get_capabilities).await?;
        Ok(ServerInfo { name: format!("{} {}", information.name, information.version), capabilities })
    }

    /// A restarted server counts its ids from the start: replacing one of before would hit another notification.
    pub(super) async fn owner() -> Result<Option<String>, NotifyError> {
        let bus = session().await?;
        let asking = async {
            let bus = zbus::fdo::DBusProxy::new(&bus).await?;
            zbus::Result::Ok(bus.get_name_owner(NAME.try_into()?).await?.to_string())
        };
        match timeout(ANSWER_TIMEOUT, asking).await {
            Ok(owner) => owner.map(Some).map_err(|error| bus_error(&error)),
            Err(_) => Err(NotifyError::Failed("no answer within 10 seconds".into())),
        }
    }

    /// Those that are gone are no error.
    pub(super) async fn close(ids: &[u32]) {
        if ids.is_empty() {
            return;
        }
        let Ok(bus) = session().await else { return };
        let closing = async {
            for id in ids {
                let _ = bus.call_method(Some(NAME), PATH, Some(NAME), "CloseNotification", id).await;
            }
        };
        if timeout(ANSWER_TIMEOUT, closing).await.is_err() {
            tracing::debug!("notifications were not closed");
        }
    }

    async fn session() -> Result<zbus::Connection, NotifyError> {
        match timeout(ANSWER_TIMEOUT, zbus::Connection::session()).await {
            Ok(session) => session.map_err(|error| bus_error(&error)),
            Err(_) => Err(NotifyError::Absent("the session bus does not answer".into())),
        }
    }

    /// In place of the one that has the card's id, if that is not 0.
    pub(super) fn notification(presentation: &Presentation, card: &Card) -> Notification {
        let mut notification = common(presentation);
        let replaces = card.id;
        notification.hint(Hint::DesktopEntry(DESKTOP_ENTRY.into())).urgency(match presentation.urgency {
            Level::Low => Urgency::Low,
            Level::Normal => Urgency::Normal,
            Level::Critical => Urgency::Critical,
        });
        match presentation.sound {
            Sound::None => drop(notification.hint(Hint::SuppressSound(true))),
            _ if replaces != 0 => drop(notification.hint(Hint::SuppressSound(true))),
            Sound::Named => drop(notification.hint(Hint::SoundName(SOUND_NAME.into()))),
            Sound::Default => {}
        }
        if let Some(origin) = &presentation.origin {
            notification.hint(Hint::Custom("x-kde-origin-name".into(), origin.clone()));
        }
        if let Some(label) = presentation.default_action {
            notification.action("default", label);
        }
        if replaces != 0 {
            notification.id(replaces);
        }
        add_buttons(&mut notification, presentation, card);
        notification
    }

    pub(super) fn id(handle: &NotificationHandle) -> u32 {
        handle.id()
    }

    /// notify-rust keeps the kind of an error to itself; its text begins with the D-Bus error's name.
    pub(super) fn error(error: &Error) -> NotifyError {
        let message = error.to_string();
        let name = message.split(':').next().unwrap_or_default().to_owned();
        dbus_error(&name, message)
    }

    /// notify-rust blocks on a runtime of its own, which must not happen on a thread of ours.
    async fn blocking<T: Send + 'static>(
        call: impl FnOnce() -> notify_rust::error::Result<T> + Send + 'static,
    ) -> Result<T, NotifyError> {
        let (answer, answered) = oneshot::channel();
        let thread =
            std::thread::Builder::new().name("notification".into()).spawn(move || drop(answer.send(call())));
        thread.map_err(|error| NotifyError::Failed(error.to_string()))?;
        match timeout(ANSWER_TIMEOUT, answered).await {
            Ok(Ok(result)) => result.map_err(|failure| error(&failure)),
            Ok(Err(_)) => Err(NotifyError::Failed("notify-rust panicked".into())),
            Err(_) => Err(NotifyError::Failed("no answer within 10 seconds".into())),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::future::{Ready, ready};

    use notify_rust::NotificationHandle;
    use notify_rust::error::Error;

    use super::*;

    #[cfg(target_os = "macos")]
    const SOUND: &str = "NSUserNotificationDefaultSoundName";
    #[cfg(not(target_os = "macos"))]
    const SOUND: &str = "Default";

    pub(super) fn surface() -> Ready<Result<Surface, NotifyError>> {
        ready(Ok(Surface::NATIVE))
    }

    pub(super) fn server() -> Ready<Result<ServerInfo, NotifyError>> {
        ready(Ok(ServerInfo { name: std::env::consts::OS.into(), capabilities: Vec::new() }))
    }

    pub(super) fn owner() -> Ready<Result<Option<String>, NotifyError>> {
        ready(Ok(None))
    }

    pub(super) fn close(_ids: &[u32]) -> Ready<()> {
        ready(())
    }

    /// A click on the notification itself is reported without being asked for.
    pub(super) fn notification(presentation: &Presentation, card: &Card) -> Notification {
        let mut notification = common(presentation);
        if let Some(origin) = &presentation.origin {
            notification.subtitle(origin);
        }
        if presentation.sound != Sound::None {
            notification.sound_name(SOUND);
        }
        add_buttons(&mut notification, presentation, card);
        notification
    }

    pub(super) fn id(_handle: &NotificationHandle) -> u32 {
        0
    }

    pub(super) fn error(error: &Error) -> NotifyError {
        NotifyError::Failed(error.to_string())
    }
}
