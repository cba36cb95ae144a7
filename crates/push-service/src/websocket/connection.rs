//! One user agent's connection, from hello to the end.

use std::sync::Arc;

use axum::extract::ws::WebSocket;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use webpush::autopush::message::{AckUpdate, ClientHello};
use webpush::autopush::{ClientMessage, ServerMessage};
use webpush::{ApplicationServerKey, ChannelId, PushMessage};

use super::close::{Close, End};
use super::socket::{self, Received};
use crate::endpoint;
use crate::id::{self, EndpointToken, Uaid};
use crate::mailbox::{BATCH, Mailbox};
use crate::registry::Connected;
use crate::service::{Phase, Service};
use crate::store::Pending;

/// Serves one socket until it ends.
pub(super) async fn serve(mut socket: WebSocket, service: Arc<Service>) {
    let mut phase = service.phase.subscribe();
    let ended = run(&mut socket, &service, &mut phase).await;
    tracing::debug!(?ended, "a user agent's connection ended");
    if let End::Close(close) = ended {
        close.perform(socket).await;
    }
}

async fn run(socket: &mut WebSocket, service: &Service, phase: &mut watch::Receiver<Phase>) -> End {
    let hello = tokio::select! {
        hello = timeout(service.timing.hello, receive_hello(socket)) => {
            hello.unwrap_or(Err(End::Close(Close::HandshakeTimeout)))
        }
        end = phase_end(phase) => Err(end),
    };
    let mut connection = match hello {
        Ok(hello) => match Connection::greet(socket, service, hello).await {
            Ok(connection) => connection,
            Err(end) => return end,
        },
        Err(end) => return end,
    };
    match connection.run(phase).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

/// Only text may come first, and only a hello.
async fn receive_hello(socket: &mut WebSocket) -> Result<ClientHello, End> {
    match socket::receive(socket).await? {
        Received::Text(text) => match socket::parse(&text)? {
            ClientMessage::Hello(hello) => Ok(hello),
            ClientMessage::Register { .. }
            | ClientMessage::Unregister { .. }
            | ClientMessage::Ack(_)
            | ClientMessage::Nack { .. }
            | ClientMessage::BroadcastSubscribe(_)
            | ClientMessage::Ping => Err(End::Close(Close::StateMachine)),
        },
        Received::Ping | Received::Pong => Err(End::Close(Close::UnsupportedMessage)),
    }
}

async fn phase_end(phase: &mut watch::Receiver<Phase>) -> End {
    match phase.wait_for(|phase| *phase != Phase::Serving).await.as_deref() {
        Ok(Phase::Closing) => End::Close(Close::StreamClosed),
        Ok(Phase::Serving | Phase::Abandoned) | Err(_) => End::Gone,
    }
}

struct Connection<'a> {
    socket: &'a mut WebSocket,
    service: &'a Service,
    uaid: Uaid,
    connected: Connected,
    mailbox: Mailbox,
    /// The last removal of acknowledged messages; a batch is read after it, or it would hold them again.
    removal: Option<Pending<()>>,
    last_ping: Option<Instant>,
}

/// What to do next.
enum Next {
    Receive(Received),
    Deliver(PushMessage),
    Skip,
    Timer,
}

impl<'a> Connection<'a> {
    /// Answers the hello. From here on, messages are handed over to this connection and to no older one.
    async fn greet(socket: &'a mut WebSocket, service: &'a Service, hello: ClientHello) -> Result<Self, End> {
        let claimed = hello.uaid.and_then(|uaid| uaid.parse::<Uaid>().ok());
        let known = match claimed {
            Some(uaid) => {
                let known = service.store.greet(uaid, service.now()).await;
                // A fresh uaid would tell the user agent that all its endpoints are dead.
                known.map_err(|_| End::Close(Close::StateMachine))?
            }
            None => false,
        };
        let uaid = match claimed {
            Some(uaid) if known => uaid,
            _ => Uaid::random().map_err(|_| End::Close(Close::StateMachine))?,
        };
        let connected = service.registry.connect(uaid);
        socket::send(socket, &ServerMessage::Hello { uaid: uaid.to_string(), status: 200 }).await?;
        let mailbox = Mailbox::new(known);
        Ok(Self { socket, service, uaid, connected, mailbox, removal: None, last_ping: None })
    }

    async fn run(&mut self, phase: &mut watch::Receiver<Phase>) -> Result<std::convert::Infallible, End> {
        let timing = &self.service.timing;
        let mut awaiting_pong = false;
        let mut pinged_at = Instant::now();
        let timer = sleep_until(pinged_at + timing.ping_interval);
        tokio::pin!(timer);
        loop {
            if self.mailbox.wants_batch() {
                Box::pin(self.send_batch()).await?;
            }
            let next = tokio::select! {
                received = socket::receive(self.socket) => Next::Receive(received?),
                delivery = self.connected.next() => {
                    let delivery = delivery.ok_or(End::Close(Close::StateMachine))?;
                    if self.connected.fell_behind() {
                        self.mailbox.fell_behind();
                    }
                    self.mailbox.take_delivery(delivery, self.service.now()).map_or(Next::Skip, Next::Deliver)
                }
                () = &mut timer => Next::Timer,
                end = phase_end(phase) => return Err(end),
            };
            match next {
                Next::Receive(Received::Text(text)) => {
                    let message = socket::parse(&text)?;
                    Box::pin(self.answer(message)).await?;
                }
                Next::Deliver(push) => {
                    socket::send(self.socket, &ServerMessage::Notification(push)).await?;
                }
                Next::Receive(Received::Pong) if awaiting_pong => {
                    awaiting_pong = false;
                    timer.as_mut().reset(pinged_at + timing.ping_interval);
                }
                Next::Timer if awaiting_pong => return Err(End::Close(Close::PongTimeout)),
                Next::Timer => {
                    socket::ping(self.socket).await?;
                    awaiting_pong = true;
                    pinged_at = Instant::now();
                    timer.as_mut().reset(pinged_at + timing.pong_timeout);
                }
                Next::Receive(Received::Ping | Received::Pong) | Next::Skip => {}
            }
        }
    }

    /// Sends the next stored messages.
    async fn send_batch(&mut self) -> Result<(), End> {
        let failed = |_| End::Close(Close::StateMachine);
        if let Some(removal) = self.removal.take() {
            removal.done().await.map_err(failed)?;
        }
        let batch = self.service.store.batch(self.uaid, self.service.now(), BATCH).await.map_err(failed)?;
        for push in self.mailbox.take_batch(batch) {
            socket::send(self.socket, &ServerMessage::Notification(push)).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, message: ClientMessage) -> Result<(), End> {
        let answer = match message {
            ClientMessage::Hello(_) => return Err(End::Close(Close::StateMachine)),
            ClientMessage::Register { channel_id, key } => self.register(channel_id, key.as_deref()).await?,
            ClientMessage::Unregister { channel_id, .. } => self.unregister(channel_id).await,
            ClientMessage::Ack(updates) => {
                self.acknowledge(updates).await;
                return Ok(());
            }
            ClientMessage::Nack { code, .. } => {
                tracing::debug!(code, "a user agent could not handle a message");
                return Ok(());
            }
            ClientMessage::BroadcastSubscribe(_) => ServerMessage::Broadcast,
            ClientMessage::Ping => {
                let now = Instant::now();
                let spacing = self.service.timing.app_ping_spacing;
                if self.last_ping.replace(now).is_some_and(|last| now < last + spacing) {
                    return Err(End::Close(Close::StateMachine));
                }
                ServerMessage::Pong
            }
        };
        socket::send(self.socket, &answer).await
    }

    async fn register(&mut self, text: String, key: Option<&str>) -> Result<ServerMessage, End> {
        // Autopush takes no other form than the one it would write itself.
        let channel_id: ChannelId = match text.parse() {
            Ok(channel_id) if ChannelId::to_string(&channel_id) == text => channel_id,
            _ => return Err(End::Close(Close::StateMachine)),
        };
        let key: Option<ApplicationServerKey> = match key.map(str::parse).transpose() {
            Ok(key) => key,
            Err(_) => {
                let push_endpoint = "Failed to generate endpoint".to_owned();
                return Ok(ServerMessage::Register { channel_id: text, status: 400, push_endpoint });
            }
        };
        let (status, push_endpoint) = match self.create_endpoint(channel_id, key).await {
            Some(endpoint) => (200, endpoint),
            None => (500, String::new()),
        };
        Ok(ServerMessage::Register { channel_id: text, status, push_endpoint })
    }

    async fn create_endpoint(
        &mut self,
        channel_id: ChannelId,
        key: Option<ApplicationServerKey>,
    ) -> Option<String> {
        let (token, now) = (EndpointToken::random().ok()?, self.service.now());
        let key = key.map(|key| id::hash(key.0.as_bytes()));
        let registered = self.service.store.register(self.uaid, channel_id, token.hash(), key, now).await;
        registered.ok()?;
        Some(self.service.urls.endpoint(&endpoint::path(&token, key.is_some())))
    }

    async fn unregister(&mut self, channel_id: ChannelId) -> ServerMessage {
        let result = self.service.store.unregister(self.uaid, channel_id, self.service.now()).await;
        let status = if result.is_ok() { 200 } else { 500 };
        ServerMessage::Unregister { channel_id: channel_id.to_string(), status }
    }

    /// Goes by the version alone, whatever the code: autopush-websocket.md §2.4.
    async fn acknowledge(&mut self, updates: Vec<AckUpdate>) {
        let versions: Vec<_> = updates
            .into_iter()
            .map(|update| update.version)
            .filter(|version| self.mailbox.acknowledge(version))
            .collect();
        if !versions.is_empty() {
            self.removal = Some(self.service.store.acknowledge(self.uaid, versions).await);
        }
    }
}
