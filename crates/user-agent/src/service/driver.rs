//! The task of one push service: a [`Session`] over a WebSocket.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use webpush::autopush::{Event as SessionEvent, Session};
use webpush::{PushMessage, UserAgentId};

use super::Event;
use super::connect::{ConnectError, Connection, Connector};
use super::mailbox::{self, Request, Wishes};
use super::probe::Probe;
use crate::api::{CommandError, Trouble};
use crate::clock::{Alarm, Clock};
use crate::config::PushServiceUrl;
use crate::crash;

/// How many messages one read from the socket hands over at most: they share a transaction.
const BATCH: usize = 64;
/// How long the service may take to accept what we send.
const WRITE_LIMIT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// How long a goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// What runs in a push service's task.
pub(super) struct Driver {
    url: PushServiceUrl,
    session: Session,
    connector: Arc<Connector>,
    events: mpsc::Sender<(PushServiceUrl, Event)>,
    clock: Clock,
    alarm: Alarm,
    link: Link,
    /// Messages read and not yet handed over.
    messages: Vec<PushMessage>,
    /// What else the session has asked for or told, after those.
    requests: VecDeque<SessionEvent>,
    /// What the last attempt to connect has found, until that is told.
    trouble: Option<Trouble>,
    /// Whether the service has answered our hello on this connection.
    greeted: bool,
    probe: Probe,
}

/// What there is of a socket.
enum Link {
    Down,
    Opening(BoxFuture<'static, Result<Box<Connection>, ConnectError>>),
    Up(Box<Connection>),
}

/// What came of waiting for it.
enum Heard {
    Opened(Result<Box<Connection>, ConnectError>),
    Frame(Option<Result<Message, tungstenite::Error>>),
}

impl Link {
    async fn hear(&mut self) -> Heard {
        match self {
            Self::Down => pending().await,
            Self::Opening(attempt) => Heard::Opened(attempt.await),
            Self::Up(connection) => Heard::Frame(connection.socket.next().await),
        }
    }
}

/// The actor is gone.
struct Stopped;

impl Driver {
    pub(super) fn new(
        url: PushServiceUrl,
        known: Option<UserAgentId>,
        connector: Arc<Connector>,
        events: mpsc::Sender<(PushServiceUrl, Event)>,
        clock: Clock,
    ) -> Self {
        Self {
            url,
            session: Session::new(known, clock.now()),
            connector,
            events,
            alarm: Alarm::new(clock.clone()),
            clock,
            link: Link::Down,
            messages: Vec::new(),
            requests: VecDeque::new(),
            trouble: None,
            greeted: false,
            probe: Probe::default(),
        }
    }

    pub(super) async fn run(mut self, mut wishes: mailbox::Receiver) {
        while let Ok(()) = self.step(&mut wishes).await {}
        self.grant(wishes.rest());
        if self.transmit().await.is_ok()
            && let Link::Up(mut connection) = self.link
        {
            let goodbye = CloseFrame { code: CloseCode::Away, reason: "".into() };
            let _ = timeout(CLOSE_LIMIT, connection.socket.close(Some(goodbye))).await;
        }
    }

    /// Does what the session asks, then waits for one thing to happen.
    async fn step(&mut self, wishes: &mut mailbox::Receiver) -> Result<(), Stopped> {
        self.hand_over().await?;
        if let Err(reason) = self.transmit().await {
            self.disconnected(None, None, reason);
            return Ok(());
        }
        let deadline = self.session.poll_timeout().into_iter().chain(self.probe.deadline).min();
        tokio::select! {
            wishes = wishes.take() => self.grant(wishes.ok_or(Stopped)?),
            heard = self.link.hear() => match heard {
                Heard::Opened(outcome) => self.opened(outcome),
                Heard::Frame(frame) => {
                    self.frame(frame);
                    self.drain();
                }
            },
            () = self.alarm.at(deadline) => self.time_is_up(),
        }
        Ok(())
    }

    fn time_is_up(&mut self) {
        let now = self.clock.now();
        if self.probe.deadline.is_some_and(|deadline| deadline <= now) {
            self.disconnected(None, None, "the push service has fallen silent".into());
        }
        self.session.handle_timeout(now);
    }

    /// Whether to connect is settled before the requests, which may themselves begin an attempt: one that has only just
    /// begun is not of the network before.
    fn grant(&mut self, wishes: Wishes) {
        let now = self.clock.now();
        let Wishes { requests, acks, reconnect, drop, attempt, probes } = wishes;
        self.probe.add(probes);
        if let Some((reason, retry_after)) = drop
            && matches!(self.link, Link::Up(_))
        {
            self.messages.clear();
            // The wait is ours, not the service's: who waits has one attempt for it.
            self.disconnected(None, (!attempt).then_some(retry_after), reason);
        }
        if reconnect && matches!(&self.link, Link::Up(connection) if connection.is_cut()) {
            self.disconnected(None, None, "this computer's address has changed".into());
        }
        if reconnect {
            self.session.reconnect_now(now);
        }
        if attempt {
            self.session.attempt_now(now);
        }
        for (channel, request) in requests {
            match request {
                Request::Register(key) => self.session.register(now, channel, key),
                Request::Unregister(code) => self.session.unregister(now, channel, code),
            }
        }
        self.session.acknowledge(acks);
    }

    /// Sends what the session wants sent, and the answers to Pings, which the WebSocket library queues.
    async fn transmit(&mut self) -> Result<(), String> {
        let Link::Up(connection) = &mut self.link else { return Ok(()) };
        let session = &mut self.session;
        let mut acknowledged = false;
        // Before the hello is answered nothing else is said, and its answer tells as much.
        let ping = if self.greeted { self.probe.ping(self.clock.now()) } else { None };
        let sending = async {
            while let Some(text) = session.poll_transmit() {
                acknowledged |= text.contains(r#""messageType":"ack""#);
                connection.socket.feed(Message::text(text)).await?;
            }
            if let Some(ping) = ping {
                connection.socket.feed(ping).await?;
            }
            connection.socket.flush().await
        };
        let sent = match timeout(WRITE_LIMIT, sending).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("the connection does not take data".into()),
        };
        if acknowledged {
            crash::point("after-ack");
        }
        sent
    }

    /// Reads what is already there, so that it shares a transaction with what came before it.
    fn drain(&mut self) {
        loop {
            self.poll();
            if !self.requests.is_empty() || self.messages.len() >= BATCH {
                return;
            }
            let Link::Up(connection) = &mut self.link else { return };
            let Some(frame) = connection.socket.next().now_or_never() else { return };
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

    fn opened(&mut self, outcome: Result<Box<Connection>, ConnectError>) {
        match outcome {
            Ok(connection) => {
                self.link = Link::Up(connection);
                self.session.handle_connected(self.clock.now());
            }
            Err(error) => {
                self.trouble = error.trouble;
                self.disconnected(None, error.retry_after, error.reason);
            }
        }
    }

    fn frame(&mut self, frame: Option<Result<Message, tungstenite::Error>>) {
        let now = self.clock.now();
        match frame {
            Some(Ok(Message::Text(text))) => self.session.handle_frame(now, &text),
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = match frame {
                    Some(frame) => (Some(u16::from(frame.code)), closed(&frame)),
                    None => (None, "closed by the push service".to_owned()),
                };
                self.disconnected(code, None, reason);
            }
            Some(Ok(Message::Pong(payload))) => {
                self.probe.pong(&payload);
                self.session.handle_activity(now);
            }
            Some(Ok(_)) => self.session.handle_activity(now),
            Some(Err(error)) => self.disconnected(None, None, error.to_string()),
            None => self.disconnected(None, None, "the connection ended".into()),
        }
    }

    fn disconnected(&mut self, code: Option<u16>, retry_after: Option<Duration>, reason: String) {
        self.link = Link::Down;
        self.greeted = false;
        match self.trouble {
            Some(trouble) => self.probe.answer(&Err(CommandError {
                trouble: Some(trouble),
                ..CommandError::new(trouble.error_code(), reason.clone())
            })),
            None => self.probe.lost(),
        }
        tracing::debug!(service = %self.url, code, reason, "disconnected");
        self.session.handle_disconnected(self.clock.now(), code, retry_after, jitter(), reason);
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
                Some(SessionEvent::Connect) => {
                    let (connector, url) = (self.connector.clone(), self.url.clone());
                    self.link = Link::Opening(async move { connector.connect(&url).await }.boxed());
                }
                Some(SessionEvent::Close { reason }) => {
                    if let Link::Up(connection) = &mut self.link {
                        let _ = timeout(CLOSE_LIMIT, connection.socket.close(None)).await;
                    }
                    self.disconnected(None, None, reason);
                }
                Some(SessionEvent::Connected(identity)) => {
                    self.greeted = true;
                    self.probe.answer(&Ok(()));
                    self.tell(Event::Connected(identity)).await?;
                }
                Some(SessionEvent::Disconnected { retry_in, reason }) => {
                    let trouble = self.trouble.take();
                    self.tell(Event::Disconnected { retry_in, reason, trouble }).await?;
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

    async fn tell(&mut self, event: Event) -> Result<(), Stopped> {
        self.events.send((self.url.clone(), event)).await.map_err(|_| Stopped)
    }
}

/// Autopush's words for a second connection with the same id are not for people.
fn closed(frame: &CloseFrame) -> String {
    let CloseFrame { code, reason } = frame;
    let said = format!("closed by the push service: {code} {reason}");
    match (u16::from(*code), reason.as_str()) {
        (1011, "SM") => format!("{said}, as when another receiver uses the same subscriptions"),
        _ => said,
    }
}

/// A random number from 0 to 1.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(random) / f64::from(u32::MAX)
}
