//! A notification server that records what it is asked to show and clicks when told to. It speaks the freedesktop
//! specification on a session's bus, in place of the desktop's own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::message::Header;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, fdo, interface};

use crate::process::PATIENCE;
use crate::session::Session;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What gnome-shell, Plasma and dunst have in common, and what Belfry makes use of.
pub const CAPABILITIES: &[&str] = &["actions", "body", "body-markup", "icon-static", "persistence", "sound"];

/// One call of `Notify`.
#[derive(Debug)]
pub struct Shown {
    /// The id it was answered with.
    pub id: u32,
    /// The unique bus name of the caller.
    pub sender: String,
    /// `app_name`.
    pub app_name: String,
    /// `replaces_id`; 0: a new notification.
    pub replaces_id: u32,
    /// `app_icon`.
    pub app_icon: String,
    /// `summary`: the title.
    pub summary: String,
    /// `body`.
    pub body: String,
    /// Keys and labels.
    pub actions: Vec<(String, String)>,
    /// `hints`.
    pub hints: HashMap<String, OwnedValue>,
    /// `expire_timeout` in milliseconds; −1: the server's default, 0: never.
    pub expire_timeout: i32,
}

impl Shown {
    /// The labels of its buttons, in order: every action but the click on the notification itself.
    pub fn buttons(&self) -> Vec<&str> {
        self.actions.iter().filter(|(key, _)| key != "default").map(|(_, label)| label.as_str()).collect()
    }

    /// The key of the button with this label.
    pub fn key(&self, label: &str) -> Result<&str> {
        let action = self.actions.iter().find(|(key, title)| key != "default" && title == label);
        Ok(&action.with_context(|| format!("no button {label:?} among {:?}", self.actions))?.0)
    }

    /// Whether a click on the notification itself does something.
    pub fn is_clickable(&self) -> bool {
        self.actions.iter().any(|(key, _)| key == "default")
    }

    /// Whether it asks for silence.
    pub fn is_silenced(&self) -> bool {
        self.hints.get("suppress-sound").is_some_and(|value| matches!(bool::try_from(value), Ok(true)))
    }

    /// Whether it names a sound to play.
    pub fn has_sound(&self) -> bool {
        self.hints.keys().any(|key| key == "sound-name" || key == "sound-file")
    }
}

/// The recording server. Its name is released when it is dropped.
#[derive(Debug)]
pub struct NotificationServer {
    connection: Connection,
    shown: mpsc::UnboundedReceiver<Shown>,
    withdrawn: mpsc::UnboundedReceiver<u32>,
    open: Open,
}

impl NotificationServer {
    /// Takes the notification server's name on the session's bus. It can do no more than `capabilities`.
    pub async fn start(session: &Session, capabilities: &[&str]) -> Result<Self> {
        let connection = session.connect().await?;
        let (sender, shown) = mpsc::unbounded_channel();
        let (withdrawals, withdrawn) = mpsc::unbounded_channel();
        let open = Open::default();
        let server = Server {
            capabilities: capabilities.iter().map(|&name| name.to_owned()).collect(),
            shown: sender,
            withdrawn: withdrawals,
            open: open.clone(),
        };
        connection.object_server().at(PATH, server).await?;
        connection.request_name(NAME).await.context("own the notification server's name")?;
        Ok(Self { connection, shown, withdrawn, open })
    }

    /// The next notification shown.
    pub async fn next(&mut self) -> Result<Shown> {
        match timeout(PATIENCE, self.shown.recv()).await {
            Ok(Some(shown)) => Ok(shown),
            Ok(None) => bail!("the notification server has stopped"),
            Err(_) => bail!("no notification was shown in {PATIENCE:?}"),
        }
    }

    /// A notification shown by now and not yet taken by [`next`](Self::next).
    pub fn already_shown(&mut self) -> Option<Shown> {
        self.shown.try_recv().ok()
    }

    /// The id of the next notification on screen that the receiver takes away.
    pub async fn withdrawn(&mut self) -> Result<u32> {
        match timeout(PATIENCE, self.withdrawn.recv()).await {
            Ok(Some(id)) => Ok(id),
            Ok(None) => bail!("the notification server has stopped"),
            Err(_) => bail!("no notification was taken away in {PATIENCE:?}"),
        }
    }

    /// How many notifications are on screen.
    pub fn on_screen(&self) -> usize {
        self.open.lock().len()
    }

    /// A click on the notification itself, with an activation token as Wayland compositors give one.
    pub async fn click(&self, shown: &Shown, token: Option<&str>) -> Result<()> {
        self.invoke(shown, "default", token).await
    }

    /// A click on the button with this label.
    pub async fn press(&self, shown: &Shown, label: &str) -> Result<()> {
        self.invoke(shown, shown.key(label)?, None).await
    }

    /// A click on something the notification never offered, as a careless server might report it.
    pub async fn invoke_unoffered(&self, shown: &Shown, key: &str) -> Result<()> {
        self.emit("ActionInvoked", &(shown.id, key)).await
    }

    /// Gives its name up, as when the desktop's server ends.
    pub async fn leave(&self) -> Result<()> {
        self.open.lock().retain(|_| false);
        self.connection.release_name(NAME).await?;
        Ok(())
    }

    /// Takes its name again.
    pub async fn come_back(&self) -> Result<()> {
        Ok(self.connection.request_name(NAME).await?)
    }

    /// Closes a notification: 1 expired, 2 dismissed by the user.
    pub async fn close(&self, id: u32, reason: u32) -> Result<()> {
        self.open.lock().retain(|&other| other != id);
        self.emit("NotificationClosed", &(id, reason)).await
    }

    async fn invoke(&self, shown: &Shown, key: &str, token: Option<&str>) -> Result<()> {
        if !shown.actions.iter().any(|(other, _)| other == key) {
            bail!("the notification has no action {key:?}, only {:?}", shown.actions);
        }
        if let Some(token) = token {
            self.emit("ActivationToken", &(shown.id, token)).await?;
        }
        self.emit("ActionInvoked", &(shown.id, key)).await?;
        self.close(shown.id, 2).await
    }

    async fn emit<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &self,
        name: &str,
        body: &B,
    ) -> Result<()> {
        Ok(self.connection.emit_signal(None::<&str>, PATH, NAME, name, body).await?)
    }
}

/// The ids on screen; also the counter of ids.
#[derive(Debug, Clone, Default)]
struct Open(Arc<Mutex<(Vec<u32>, u32)>>);

impl Open {
    fn lock(&self) -> OpenIds<'_> {
        OpenIds(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct OpenIds<'a>(std::sync::MutexGuard<'a, (Vec<u32>, u32)>);

impl OpenIds<'_> {
    fn len(&self) -> usize {
        self.0.0.len()
    }

    /// Whether it was there.
    fn remove(&mut self, id: u32) -> bool {
        let before = self.len();
        self.retain(|&other| other != id);
        self.len() < before
    }

    fn retain(&mut self, keep: impl FnMut(&u32) -> bool) {
        self.0.0.retain(keep);
    }

    /// The id a call of `Notify` is answered with.
    fn assign(&mut self, replaces: u32) -> u32 {
        let (open, last) = &mut *self.0;
        if open.contains(&replaces) {
            return replaces;
        }
        *last += 1;
        open.push(*last);
        *last
    }
}

struct Server {
    capabilities: Vec<String>,
    shown: mpsc::UnboundedSender<Shown>,
    withdrawn: mpsc::UnboundedSender<u32>,
    open: Open,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    #[expect(clippy::too_many_arguments, reason = "the specification's signature")]
    fn notify(
        &self,
        app_name: String,
        replaces_id: u32,
        app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<u32> {
        let (pairs, rest) = actions.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(fdo::Error::InvalidArgs("actions come in pairs".to_owned()));
        }
        let actions = pairs.iter().map(|[key, label]| (key.clone(), label.clone())).collect();
        let id = self.open.lock().assign(replaces_id);
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let shown = Shown {
            id,
            sender,
            app_name,
            replaces_id,
            app_icon,
            summary,
            body,
            actions,
            hints,
            expire_timeout,
        };
        self.shown.send(shown).map_err(|_| fdo::Error::Failed("the test is over".to_owned()))?;
        Ok(id)
    }

    async fn close_notification(
        &self,
        id: u32,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<()> {
        if !self.open.lock().remove(id) {
            return Err(fdo::Error::Failed(String::new()));
        }
        let closed_by_call = 3u32;
        connection.emit_signal(None::<&str>, PATH, NAME, "NotificationClosed", &(id, closed_by_call)).await?;
        self.withdrawn.send(id).map_err(|_| fdo::Error::Failed("the test is over".to_owned()))
    }

    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("belfry-tests", "Belfry", env!("CARGO_PKG_VERSION"), "1.2")
    }
}
