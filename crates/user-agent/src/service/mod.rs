//! One push service: a task that drives a [`Session`] over a WebSocket and tells the actor what happens.

mod connect;

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use webpush::autopush::{AckCode, Event as SessionEvent, Identity, Session, UnregisterCode};
use webpush::{ApplicationServerKey, ChannelId, MessageVersion, PushEndpoint, PushMessage, UserAgentId};

pub(crate) use connect::{Connector, Socket};

use crate::clock;
use crate::config::PushServiceUrl;

/// How many messages one read from the socket hands over at most: they share a transaction.
const BATCH: usize = 64;
/// How long connecting, TLS and the upgrade may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(25);

/// The actor's end of a push service.
#[derive(Debug)]
pub(crate) struct Service {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

/// What the actor asks of the session.
#[derive(Debug)]
enum Command {
    Register(ChannelId, Option<ApplicationServerKey>),
    Unregister(ChannelId, UnregisterCode),
    Acknowledge(Vec<(ChannelId, MessageVersion, AckCode)>),
}

/// What the actor hears.
#[derive(Debug)]
pub(crate) enum Event {
    Connected(Identity),
    Disconnected {
        retry_in: Option<Duration>,
        reason: String,
    },
    Registered {
        channel_id: ChannelId,
        endpoint: PushEndpoint,
    },
    RegisterFailed {
        channel_id: ChannelId,
        status: u16,
    },
    Unregistered {
        channel_id: ChannelId,
    },
    /// Messages that arrived together.
    Messages(Vec<PushMessage>),
}

impl Service {
    /// Starts connecting. Events go to `events`, each with the service's URL.
    pub(crate) fn start(
        url: PushServiceUrl,
        known: Option<UserAgentId>,
        connector: Connector,
        events: mpsc::Sender<(PushServiceUrl, Event)>,
    ) -> Self {
        let (commands, queue) = mpsc::unbounded_channel();
        let session = Session::new(known, clock::now());
        let driver = Driver {
            url,
            session,
            connector,
            events,
            socket: None,
            messages: Vec::new(),
            requests: VecDeque::new(),
        };
        Self { commands, task: tokio::spawn(driver.run(queue)) }
    }

    pub(crate) fn register(&self, channel: ChannelId, key: Option<ApplicationServerKey>) {
        self.send(Command::Register(channel, key));
    }

    pub(crate) fn unregister(&self, channel: ChannelId, code: UnregisterCode) {
        self.send(Command::Unregister(channel, code));
    }

    pub(crate) fn acknowledge(&self, updates: Vec<(ChannelId, MessageVersion, AckCode)>) {
        self.send(Command::Acknowledge(updates));
    }

    fn send(&self, command: Command) {
        // A stopped task means that the engine is shutting down.
        let _ = self.commands.send(command);
    }

    /// Sends what is queued, closes the socket and ends the task.
    pub(crate) async fn stop(self) {
        drop(self.commands);
        let _ = timeout(Duration::from_secs(2), self.task).await;
    }
}

struct Driver {
    url: PushServiceUrl,
    session: Session,
    connector: Connector,
    events: mpsc::Sender<(PushServiceUrl, Event)>,
    socket: Option<Socket>,
    /// Messages read and not yet handed over.
    messages: Vec<PushMessage>,
    /// What else the session has asked for or told, after those.
    requests: VecDeque<SessionEvent>,
}

/// The actor is gone.
struct Stopped;

impl Driver {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        while let Ok(()) = self.step(&mut commands).await {}
        if let Some(mut socket) = self.socket.take() {
            let _ = self.transmit(&mut socket).await;
            let goodbye = CloseFrame { code: CloseCode::Away, reason: "".into() };
            let _ = timeout(Duration::from_secs(1), socket.close(Some(goodbye))).await;
        }
    }

    /// Does what the session asks, then waits for one thing to happen.
    async fn step(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> Result<(), Stopped> {
        self.hand_over().await?;
        if let Some(mut socket) = self.socket.take() {
            match self.transmit(&mut socket).await {
                Ok(()) => self.socket = Some(socket),
                Err(reason) => {
                    self.disconnected(None, None, reason);
                    return Ok(());
                }
            }
        }
        let deadline = self.session.poll_timeout().map(|at| at.0.saturating_sub(clock::now().0));
        let socket = self.socket.as_mut();
        tokio::select! {
            command = commands.recv() => self.command(command.ok_or(Stopped)?),
            frame = async { match socket { Some(socket) => socket.next().await, None => std::future::pending().await } } => {
                self.frame(frame);
                self.drain();
            }
            () = async { match deadline { Some(span) => sleep(span).await, None => std::future::pending().await } } => {
                self.session.handle_timeout(clock::now());
            }
        }
        Ok(())
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Register(channel, key) => self.session.register(clock::now(), channel, key),
            Command::Unregister(channel, code) => self.session.unregister(clock::now(), channel, code),
            Command::Acknowledge(updates) => self.session.acknowledge(updates),
        }
    }

    async fn transmit(&mut self, socket: &mut Socket) -> Result<(), String> {
        while let Some(text) = self.session.poll_transmit() {
            socket.feed(Message::text(text)).await.map_err(|error| error.to_string())?;
        }
        // Also answers Pings, which the WebSocket library queues.
        match timeout(Duration::from_secs(10), socket.flush()).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("the connection does not take data".into()),
        }
    }

    /// Reads what is already there, so that it shares a transaction with what came before it.
    fn drain(&mut self) {
        loop {
            self.poll();
            if !self.requests.is_empty() || self.messages.len() >= BATCH {
                return;
            }
            let Some(frame) = self.socket.as_mut().and_then(|socket| socket.next().now_or_never()) else {
                return;
            };
            self.frame(frame);
        }
    }

    /// Takes the session's events: messages together, whatever else in order behind them.
    fn poll(&mut self) {
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Message(message) = event {
                self.messages.push(message);
            } else {
                self.requests.push_back(event);
            }
        }
    }

    fn frame(&mut self, frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) {
        let now = clock::now();
        match frame {
            Some(Ok(Message::Text(text))) => self.session.handle_frame(now, &text),
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = match frame {
                    Some(frame) => (
                        Some(u16::from(frame.code)),
                        format!("closed by the push service: {} {}", frame.code, frame.reason),
                    ),
                    None => (None, "closed by the push service".to_owned()),
                };
                self.disconnected(code, None, reason);
            }
            Some(Ok(_)) => self.session.handle_activity(now),
            Some(Err(error)) => self.disconnected(None, None, error.to_string()),
            None => self.disconnected(None, None, "the connection ended".into()),
        }
    }

    fn disconnected(&mut self, code: Option<u16>, retry_after: Option<Duration>, reason: String) {
        self.socket = None;
        tracing::debug!(service = %self.url, code, reason, "disconnected");
        self.session.handle_disconnected(clock::now(), code, retry_after, jitter(), reason);
    }

    async fn hand_over(&mut self) -> Result<(), Stopped> {
        loop {
            self.poll();
            if !self.messages.is_empty() {
                let messages = std::mem::take(&mut self.messages);
                self.tell(Event::Messages(messages)).await?;
            }
            match self.requests.pop_front() {
                None => return Ok(()),
                Some(SessionEvent::Connect) => self.connect().await,
                Some(SessionEvent::Close { reason }) => {
                    if let Some(mut socket) = self.socket.take() {
                        let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
                    }
                    self.disconnected(None, None, reason);
                }
                Some(SessionEvent::Connected(identity)) => self.tell(Event::Connected(identity)).await?,
                Some(SessionEvent::Disconnected { retry_in, reason }) => {
                    self.tell(Event::Disconnected { retry_in, reason }).await?;
                }
                Some(SessionEvent::Registered { channel_id, endpoint }) => {
                    self.tell(Event::Registered { channel_id, endpoint }).await?;
                }
                Some(SessionEvent::RegisterFailed { channel_id, status }) => {
                    self.tell(Event::RegisterFailed { channel_id, status }).await?;
                }
                Some(SessionEvent::Unregistered { channel_id }) => {
                    self.tell(Event::Unregistered { channel_id }).await?;
                }
                Some(SessionEvent::Message(message)) => self.messages.push(message),
            }
        }
    }

    async fn connect(&mut self) {
        match timeout(CONNECT_TIMEOUT, self.connector.connect(&self.url)).await {
            Ok(Ok(socket)) => {
                self.socket = Some(socket);
                self.session.handle_connected(clock::now());
            }
            Ok(Err(error)) => self.disconnected(None, error.retry_after, error.reason),
            Err(_) => self.disconnected(None, None, "connecting took too long".into()),
        }
    }

    async fn tell(&self, event: Event) -> Result<(), Stopped> {
        self.events.send((self.url.clone(), event)).await.map_err(|_| Stopped)
    }
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(random) / f64::from(u32::MAX)
}
