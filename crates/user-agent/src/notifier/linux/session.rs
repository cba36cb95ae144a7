//! One connection to the bus. Everything that arrives on it, replies to `Notify` included, is read in order by one
//! task: a click cannot be looked at before the id it refers to is known.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::ZonedDateTime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::message::Type;
use zbus::names::OwnedUniqueName;
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, Message, MessageStream, fdo};

use super::shown::{Card, DEFAULT_KEY, Shown};
use crate::notifier::presentation::{APP_NAME, DESKTOP_ENTRY, Presentation, SOUND_NAME, Sound, Surface};
use crate::notifier::{Activations, NotifyError, Popup, bus_error};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// How long a server may take to answer, its start by the bus included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// `urgency` in the specification: low 0, normal 1, critical 2. Critical breaks do-not-disturb, which is not a
/// sender's to decide, so also what asks to stay is sent as normal.
const NORMAL_URGENCY: u8 = 1;

/// Calls of `Notify` the server has not answered. It answers late or never only when something is wrong with it.
const UNANSWERED_LIMIT: usize = 64;

/// Signals about a notification whose id is not known yet. There is at most a token, a click and a closing for it.
const EARLY_LIMIT: usize = 16;

/// A connection and what is known of the server on it.
pub(super) struct Session {
    connection: Connection,
    state: Arc<Mutex<State>>,
    reader: JoinHandle<()>,
}

/// One run of a notification server.
pub(super) struct Server {
    owner: OwnedUniqueName,
    /// With its version.
    pub(super) name: String,
    pub(super) capabilities: Vec<String>,
    surface: Surface,
}

#[derive(Default)]
struct State {
    server: Option<Arc<Server>>,
    shown: Shown,
    /// By the serial number of the call.
    unanswered: HashMap<NonZeroU32, Unanswered>,
    /// Some servers let a click overtake the answer to `Notify`.
    early: VecDeque<Signal>,
}

/// What a server tells about the notification with this id.
enum Signal {
    ActivationToken(u32, String),
    ActionInvoked(u32, String),
    NotificationClosed(u32),
}

struct Unanswered {
    card: Card,
    answer: oneshot::Sender<zbus::Result<()>>,
}

impl Session {
    pub(super) async fn open(address: Option<&str>, activations: Activations) -> Result<Self, NotifyError> {
        let opening = async {
            let builder = match address {
                Some(address) => zbus::connection::Builder::address(address)?,
                None => zbus::connection::Builder::session()?,
            };
            let connection = builder.build().await?;
            let messages = MessageStream::from(&connection);
            let bus = fdo::DBusProxy::new(&connection).await?;
            bus.add_match_rule(MatchRule::builder().msg_type(Type::Signal).sender(NAME)?.path(PATH)?.build())
                .await?;
            let owner_changed = MatchRule::builder()
                .msg_type(Type::Signal)
                .sender("org.freedesktop.DBus")?
                .member("NameOwnerChanged")?
                .arg(0, NAME)?
                .build();
            bus.add_match_rule(owner_changed).await?;
            zbus::Result::Ok((connection, messages))
        };
        let absent = |reason: String| NotifyError::Absent(format!("no session bus: {reason}"));
        let (connection, messages) = match timeout(ANSWER_TIMEOUT, opening).await {
            Ok(opened) => opened.map_err(|error| absent(error.to_string()))?,
            Err(_) => return Err(absent("no answer".into())),
        };
        let state = Arc::new(Mutex::new(State::default()));
        let reader = tokio::spawn(read(messages, Arc::clone(&state), activations));
        Ok(Self { connection, state, reader })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.connection.is_closed() && !self.reader.is_finished()
    }

    pub(super) async fn show(&self, popup: &Popup) -> Result<(), NotifyError> {
        let server = self.server().await?;
        match self.show_on(&server, popup).await {
            // It ended since it was asked what it can do; another may have taken its place or be startable.
            Err(NotifyError::Absent(_)) => {
                self.state().forget_server();
                let server = self.server().await?;
                self.show_on(&server, popup).await
            }
            shown => shown,
        }
    }

    /// Closes a site's notifications. Those already gone are no error.
    pub(super) async fn withdraw(&self, site_id: &str) -> Result<(), NotifyError> {
        let (server, ids) = {
            let mut state = self.state();
            (state.server.clone(), state.shown.take_site(site_id))
        };
        let Some(server) = server else { return Ok(()) };
        let closing = async {
            for id in ids {
                self.close(&server, id).await;
            }
        };
        timeout(ANSWER_TIMEOUT, closing).await.map_err(|_| no_answer())
    }

    /// The server on the bus, started if need be and asked once in its life what it can do.
    pub(super) async fn server(&self) -> Result<Arc<Server>, NotifyError> {
        if let Some(server) = self.state().server.clone() {
            return Ok(server);
        }
        let server = Arc::new(timeout(ANSWER_TIMEOUT, self.ask_server()).await.map_err(|_| no_answer())??);
        let mut state = self.state();
        state.shown.clear();
        state.server = Some(Arc::clone(&server));
        Ok(server)
    }

    async fn ask_server(&self) -> Result<Server, NotifyError> {
        let ask = async |to: &str, method: &str| {
            self.connection.call_method(Some(to), PATH, Some(NAME), method, &()).await
        };
        let reply = ask(NAME, "GetCapabilities").await.map_err(|error| bus_error(&error))?;
        let sender = reply.header().sender().map(|sender| OwnedUniqueName::from(sender.to_owned()));
        let owner = sender.ok_or_else(|| NotifyError::Failed("an answer without a sender".into()))?;
        let capabilities: Vec<String> = reply.body().deserialize().map_err(|error| bus_error(&error))?;
        let name = match ask(owner.as_str(), "GetServerInformation").await {
            Ok(reply) => match reply.body().deserialize::<(String, String, String, String)>() {
                Ok((name, _, version, _)) => format!("{name} {version}").trim().to_owned(),
                Err(_) => String::new(),
            },
            Err(_) => String::new(),
        };
        Ok(Server { owner, name, surface: Surface::of(&capabilities), capabilities })
    }

    /// Sends to the server whose capabilities are known, not to whoever has its name by now.
    async fn show_on(&self, server: &Server, popup: &Popup) -> Result<(), NotifyError> {
        let presentation = Presentation::new(popup, server.surface, &ZonedDateTime::now());
        let notification = &popup.notification;
        let mut replaces = self.state().shown.tagged(&popup.site_id, &notification.tag);
        if notification.renotify
            && let Some(id) = replaces.take()
        {
            timeout(ANSWER_TIMEOUT, self.close(server, id)).await.map_err(|_| no_answer())?;
            self.state().shown.on_closed(id);
        }
        let mut keys = Vec::new();
        let mut actions = Vec::new();
        if let Some(label) = presentation.default_action {
            keys.push((DEFAULT_KEY.to_owned(), None));
            actions.extend([DEFAULT_KEY.to_owned(), label.to_owned()]);
        }
        for (index, label) in &presentation.buttons {
            let key = self.state().shown.next_key();
            keys.push((key.clone(), Some(*index)));
            actions.extend([key, label.clone()]);
        }
        let call = Message::method_call(PATH, "Notify")
            .and_then(|call| call.destination(server.owner.as_str())?.interface(NAME))
            .and_then(|call| {
                let hints = hints(&presentation, replaces.is_some());
                let Presentation { summary, body, expire_timeout, .. } = &presentation;
                let replaces_id = replaces.unwrap_or(0);
                call.build(&(APP_NAME, replaces_id, "", summary, body, actions, hints, *expire_timeout))
            })
            .map_err(|error| bus_error(&error))?;
        let card =
            Card { entry: popup.entry, site_id: popup.site_id.clone(), tag: notification.tag.clone(), keys };
        self.notify(&call, card).await
    }

    async fn notify(&self, call: &Message, card: Card) -> Result<(), NotifyError> {
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.state();
            if state.unanswered.len() >= UNANSWERED_LIMIT {
                state.unanswered.clear();
            }
            state.unanswered.insert(call.primary_header().serial_num(), Unanswered { card, answer });
        }
        let gone = || zbus::Error::Failure("the bus is gone".into());
        let sent = timeout(ANSWER_TIMEOUT, self.connection.send(call)).await.unwrap_or_else(|_| Err(gone()));
        sent.map_err(|error| bus_error(&error))?;
        // However long the server takes: asked again, it would show it twice. The bus answers for one that has gone.
        answered.await.unwrap_or_else(|_| Err(gone())).map_err(|error| bus_error(&error))
    }

    /// A failure means that it is closed already.
    async fn close(&self, server: &Server, id: u32) {
        let to = Some(server.owner.as_str());
        if let Err(error) = self.connection.call_method(to, PATH, Some(NAME), "CloseNotification", &id).await
        {
            tracing::debug!(%error, "a notification was not closed");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl State {
    fn forget_server(&mut self) {
        self.server = None;
        self.shown.clear();
        self.early.clear();
    }

    fn on_reply(&mut self, message: &Message, activations: &Activations) {
        let serial = message.header().reply_serial();
        let Some(Unanswered { card, answer }) = serial.and_then(|serial| self.unanswered.remove(&serial))
        else {
            return;
        };
        let id = match message.message_type() {
            Type::Error => Err(message.clone().into()),
            Type::MethodReturn | Type::MethodCall | Type::Signal => message.body().deserialize::<u32>(),
        };
        let shown = id.map(|id| {
            self.shown.insert(id, card);
            for signal in std::mem::take(&mut self.early) {
                match signal.id() == id {
                    true => self.apply(signal, activations),
                    false => self.early.push_back(signal),
                }
            }
        });
        if self.unanswered.is_empty() {
            self.early.clear();
        }
        // Nobody may be waiting any more; it is on screen all the same.
        let _ = answer.send(shown);
    }

    fn on_signal(&mut self, message: &Message, activations: &Activations) -> zbus::Result<()> {
        let header = message.header();
        let (Some(sender), Some(interface), Some(member)) =
            (header.sender(), header.interface(), header.member())
        else {
            return Ok(());
        };
        if sender.as_str() == "org.freedesktop.DBus" && member.as_str() == "NameOwnerChanged" {
            let (name, _, owner): (String, String, String) = message.body().deserialize()?;
            if name == NAME && !self.is_server(&owner) {
                self.forget_server();
            }
            return Ok(());
        }
        // Anyone on the bus may send signals that look like the server's.
        if !self.is_server(sender) || interface.as_str() != NAME {
            return Ok(());
        }
        let body = message.body();
        let signal = match member.as_str() {
            "ActivationToken" => {
                let (id, token) = body.deserialize()?;
                Signal::ActivationToken(id, token)
            }
            "ActionInvoked" => {
                let (id, key) = body.deserialize()?;
                Signal::ActionInvoked(id, key)
            }
            "NotificationClosed" => {
                let (id, _reason): (u32, u32) = body.deserialize()?;
                Signal::NotificationClosed(id)
            }
            _ => return Ok(()),
        };
        if self.shown.knows(signal.id()) {
            self.apply(signal, activations);
        } else if !self.unanswered.is_empty() && self.early.len() < EARLY_LIMIT {
            self.early.push_back(signal);
        }
        Ok(())
    }

    fn apply(&mut self, signal: Signal, activations: &Activations) {
        match signal {
            Signal::ActivationToken(id, token) => self.shown.on_token(id, token),
            Signal::ActionInvoked(id, key) => {
                if let Some(activation) = self.shown.on_action(id, &key) {
                    // Nobody listens any more when the engine is stopping.
                    let _ = activations.send(activation);
                }
            }
            Signal::NotificationClosed(id) => self.shown.on_closed(id),
        }
    }

    fn is_server(&self, name: &str) -> bool {
        self.server.as_ref().is_some_and(|server| server.owner.as_str() == name)
    }
}

impl Signal {
    fn id(&self) -> u32 {
        match self {
            Self::ActivationToken(id, _) | Self::ActionInvoked(id, _) | Self::NotificationClosed(id) => *id,
        }
    }
}

async fn read(mut messages: MessageStream, state: Arc<Mutex<State>>, activations: Activations) {
    while let Some(Ok(message)) = messages.next().await {
        match message.message_type() {
            Type::Signal => {
                if let Err(error) = lock(&state).on_signal(&message, &activations) {
                    tracing::debug!(%error, "the notification server sent a signal that is not by the specification");
                }
            }
            Type::MethodReturn | Type::Error => lock(&state).on_reply(&message, &activations),
            Type::MethodCall => {}
        }
    }
    let mut state = lock(&state);
    state.forget_server();
    state.unanswered.clear();
}

fn hints(presentation: &Presentation, is_replacement: bool) -> HashMap<&'static str, Value<'_>> {
    let mut hints = HashMap::from([
        ("urgency", Value::U8(NORMAL_URGENCY)),
        ("desktop-entry", Value::from(DESKTOP_ENTRY)),
    ]);
    match presentation.sound {
        Sound::None => drop(hints.insert("suppress-sound", Value::Bool(true))),
        _ if is_replacement => drop(hints.insert("suppress-sound", Value::Bool(true))),
        Sound::Named => drop(hints.insert("sound-name", Value::from(SOUND_NAME))),
        Sound::Default => {}
    }
    if let Some(origin) = &presentation.origin {
        hints.insert("x-kde-origin-name", Value::from(origin.as_str()));
    }
    hints
}

fn no_answer() -> NotifyError {
    NotifyError::Failed(format!("no answer within {} seconds", ANSWER_TIMEOUT.as_secs()))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
