//! One connection to the bus. Everything that arrives on it, replies to `Notify` included, is read in order by one
//! task: a click cannot be looked at before the id it refers to is known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::ZonedDateTime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::message::{Flags, Type};
use zbus::names::OwnedUniqueName;
use zbus::{Connection, MatchRule, Message, MessageStream, fdo};

use super::hints::Hints;
use super::state::{State, Unanswered};
use crate::notifier::card::DEFAULT_KEY;
use crate::notifier::presentation::{APP_NAME, Presentation, Surface};
use crate::notifier::{Card, NotifyError, Popup, Report, Reports, Withdrawal, bus_error};

pub(super) const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// How long a server may take to answer, its start by the bus included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls of `Notify` the server has not answered. It answers late or never only when something is wrong with it.
const UNANSWERED_LIMIT: usize = 64;

/// A connection and what is known of the server on it.
pub(super) struct Session {
    connection: Connection,
    state: Arc<Mutex<State>>,
    /// Held from looking at the state to sending what follows from it.
    sending: tokio::sync::Mutex<()>,
    reports: Reports,
    reader: JoinHandle<()>,
}

/// One run of a notification server.
pub(super) struct Server {
    pub(super) owner: OwnedUniqueName,
    /// [`Card::server`].
    pub(super) run: String,
    /// With its version.
    pub(super) name: String,
    pub(super) capabilities: Vec<String>,
    surface: Surface,
}

impl Session {
    pub(super) async fn open(address: Option<&str>, reports: Reports) -> Result<Self, NotifyError> {
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
        let reader = tokio::spawn(read(connection.clone(), messages, Arc::clone(&state), reports.clone()));
        Ok(Self { connection, state, sending: tokio::sync::Mutex::default(), reports, reader })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.connection.is_closed() && !self.reader.is_finished()
    }

    pub(super) async fn show(&self, popup: &Popup) -> Result<Option<Card>, NotifyError> {
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

    /// Shows it again where it is, silently. One that is not on screen any more is left alone.
    pub(super) async fn redraw(&self, popup: &Popup) -> Result<(), NotifyError> {
        let (server, id) = {
            let state = self.state();
            let id = match popup.entry {
                Some(entry) => state.shown.of_entry(entry),
                None => state.shown.tagged(&popup.site_id, &popup.notification.tag),
            };
            (state.server.clone(), id)
        };
        match (server, id) {
            (Some(server), Some(id)) => self.show_as(&server, popup, Some(id)).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Closes notifications; one that the server is still to answer for, once it has.
    pub(super) async fn withdraw(&self, which: &Withdrawal) -> Result<(), NotifyError> {
        let (server, ids) = {
            let mut state = self.state();
            for unanswered in state.unanswered.values_mut() {
                unanswered.withdrawn |= which.covers(&unanswered.card);
            }
            (state.server.clone(), state.shown.take(which))
        };
        let Some(server) = server else { return Ok(()) };
        let closing = async {
            for id in ids {
                self.close_unless_replaced(&server, id).await;
            }
        };
        timeout(ANSWER_TIMEOUT, closing).await.map_err(|_| no_answer())
    }

    /// Knows again what the server that runs has on screen. A server that is only to be started has nothing.
    pub(super) async fn restore(&self, cards: Vec<Card>) -> Result<(), NotifyError> {
        let asking = async {
            let bus = fdo::DBusProxy::new(&self.connection).await?;
            zbus::Result::Ok(bus.name_has_owner(NAME.try_into()?).await?)
        };
        let runs = timeout(ANSWER_TIMEOUT, asking).await.map_err(|_| no_answer())?;
        let server = match runs.map_err(|error| bus_error(&error))? {
            true => Some(self.server().await?),
            false => None,
        };
        let is_here = |card: &Card| server.as_ref().is_some_and(|server| server.run == card.server);
        let (here, gone): (Vec<_>, Vec<_>) = cards.into_iter().partition(is_here);
        {
            let mut state = self.state();
            if state.server.as_ref().map(|known| &known.run) != server.as_ref().map(|server| &server.run) {
                return Err(NotifyError::Failed("it began or ended while it was asked".into()));
            }
            state.shown.restore(here);
        }
        for Card { server, id, .. } in gone {
            // Nobody listens any more when the engine is stopping.
            let _ = self.reports.send(Report::Closed { server, id });
        }
        Ok(())
    }

    /// The server on the bus, started if need be and asked once in its life what it can do.
    pub(super) async fn server(&self) -> Result<Arc<Server>, NotifyError> {
        if let Some(server) = self.state().server.clone() {
            return Ok(server);
        }
        let server = Arc::new(timeout(ANSWER_TIMEOUT, self.ask_server()).await.map_err(|_| no_answer())??);
        let mut state = self.state();
        if state.server.as_ref().is_none_or(|known| known.run != server.run) {
            state.shown.clear();
        }
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
        let (name, _, version, _) = match ask(owner.as_str(), "GetServerInformation").await {
            Ok(reply) => reply.body().deserialize::<(String, String, String, String)>().unwrap_or_default(),
            Err(_) => Default::default(),
        };
        let surface = Surface::of(&name, &capabilities);
        let run = format!("{} {owner}", self.connection.server_guid());
        Ok(Server { owner, run, name: format!("{name} {version}").trim().to_owned(), capabilities, surface })
    }

    /// Sends to the server whose capabilities are known, not to whoever has its name by now.
    async fn show_on(&self, server: &Server, popup: &Popup) -> Result<Option<Card>, NotifyError> {
        let notification = &popup.notification;
        let mut replaces = self.state().shown.tagged(&popup.site_id, &notification.tag);
        if notification.renotify
            && let Some(id) = replaces.take()
        {
            timeout(ANSWER_TIMEOUT, self.close(server, id)).await.map_err(|_| no_answer())?;
            if self.state().shown.on_closed(id) {
                self.report_closed(server, id);
            }
        }
        self.show_as(server, popup, replaces).await
    }

    /// In place of the notification with this id, if any; silently then.
    async fn show_as(
        &self,
        server: &Server,
        popup: &Popup,
        replaces: Option<u32>,
    ) -> Result<Option<Card>, NotifyError> {
        let presentation = Presentation::new(popup, server.surface, &ZonedDateTime::now());
        let card = Card {
            server: server.run.clone(),
            id: 0,
            entry: popup.entry,
            site_id: popup.site_id.clone(),
            tag: popup.notification.tag.clone(),
            clickable: presentation.default_action.is_some(),
            buttons: presentation.span(),
        };
        let mut actions = Vec::new();
        if let Some(label) = presentation.default_action {
            actions.extend([DEFAULT_KEY.to_owned(), label.to_owned()]);
        }
        for (index, label) in &presentation.buttons {
            actions.extend([card.key(*index), label.clone()]);
        }
        let call = Message::method_call(PATH, "Notify")
            .and_then(|call| call.destination(server.owner.as_str())?.interface(NAME))
            .and_then(|call| {
                let hints = Hints::new(&presentation, popup.illustration.picture(), replaces.is_some());
                let Presentation { summary, body, expire_timeout, .. } = &presentation;
                let replaces_id = replaces.unwrap_or(0);
                call.build(&(APP_NAME, replaces_id, "", summary, body, actions, hints, *expire_timeout))
            })
            .map_err(|error| bus_error(&error))?;
        self.notify(&call, card, replaces).await
    }

    async fn notify(
        &self,
        call: &Message,
        card: Card,
        replaces: Option<u32>,
    ) -> Result<Option<Card>, NotifyError> {
        let (answer, answered) = oneshot::channel();
        let in_order = self.sending.lock().await;
        {
            let mut state = self.state();
            if state.unanswered.len() >= UNANSWERED_LIMIT {
                state.unanswered.clear();
            }
            let unanswered = Unanswered { card, replaces, withdrawn: false, answer };
            state.unanswered.insert(call.primary_header().serial_num(), unanswered);
        }
        let gone = || zbus::Error::Failure("the bus is gone".into());
        let sent = timeout(ANSWER_TIMEOUT, self.connection.send(call)).await.unwrap_or_else(|_| Err(gone()));
        drop(in_order);
        sent.map_err(|error| bus_error(&error))?;
        // However long the server takes: asked again, it would show it twice. The bus answers for one that has gone.
        answered.await.unwrap_or_else(|_| Err(gone())).map_err(|error| bus_error(&error))
    }

    /// One that is being replaced has gone already, and its id is another's.
    async fn close_unless_replaced(&self, server: &Server, id: u32) {
        let _in_order = self.sending.lock().await;
        if self.state().gives_to_another(id) {
            return;
        }
        self.report_closed(server, id);
        let call = Message::method_call(PATH, "CloseNotification")
            .and_then(|call| call.destination(server.owner.as_str())?.interface(NAME))
            .and_then(|call| call.with_flags(Flags::NoReplyExpected)?.build(&id));
        if let Err(error) = async { self.connection.send(&call?).await }.await {
            tracing::debug!(%error, "a notification was not closed");
        }
    }

    /// A failure means that it is closed already.
    async fn close(&self, server: &Server, id: u32) {
        let to = Some(server.owner.as_str());
        if let Err(error) = self.connection.call_method(to, PATH, Some(NAME), "CloseNotification", &id).await
        {
            tracing::debug!(%error, "a notification was not closed");
        }
    }

    fn report_closed(&self, server: &Server, id: u32) {
        // Nobody listens any more when the engine is stopping.
        let _ = self.reports.send(Report::Closed { server: server.run.clone(), id });
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

async fn read(
    connection: Connection,
    mut messages: MessageStream,
    state: Arc<Mutex<State>>,
    reports: Reports,
) {
    while let Some(Ok(message)) = messages.next().await {
        match message.message_type() {
            Type::Signal => {
                if let Err(error) = lock(&state).on_signal(&message, &reports) {
                    tracing::debug!(%error, "the notification server sent a signal that is not by the specification");
                }
            }
            Type::MethodReturn | Type::Error => {
                let unwanted = lock(&state).on_reply(&message, &reports);
                if let (Some(id), Some(sender)) = (unwanted, message.header().sender())
                    && let Err(error) = close_unwanted(&connection, sender.as_str(), id).await
                {
                    tracing::debug!(%error, "a notification was not closed");
                }
            }
            Type::MethodCall => {}
        }
    }
    let mut state = lock(&state);
    state.forget_server();
    state.unanswered.clear();
}

/// Without waiting for an answer, which would be read by who waits.
async fn close_unwanted(connection: &Connection, server: &str, id: u32) -> zbus::Result<()> {
    let call = Message::method_call(PATH, "CloseNotification")?
        .destination(server)?
        .interface(NAME)?
        .with_flags(Flags::NoReplyExpected)?
        .build(&id)?;
    connection.send(&call).await
}

fn no_answer() -> NotifyError {
    NotifyError::Failed(format!("no answer within {} seconds", ANSWER_TIMEOUT.as_secs()))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
