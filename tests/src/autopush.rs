//! A user agent that is nothing but its WebSocket: for what a receiver would hide, and for loads it would not bear.

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;
use webpush::autopush::message::{AckUpdate, ClientHello};
use webpush::autopush::{ClientMessage, ServerMessage};
use webpush::{ChannelId, MessageVersion, PushMessage};

use crate::process::PATIENCE;

/// Kept small: a load opens thousands.
const BUFFER: usize = 4 * 1024;

/// A connection, with its hello answered.
#[derive(Debug)]
pub struct UserAgent {
    socket: WebSocketStream<TcpStream>,
    /// As the push service knows it.
    pub uaid: String,
}

impl UserAgent {
    /// Connects over plain ws; without a `uaid`, as a new user agent.
    pub async fn connect(url: &str, uaid: Option<&str>) -> Result<Self> {
        let parsed = Url::parse(url)?;
        let address = (parsed.host_str().context("a host")?, parsed.port().context("a port")?);
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
            let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
            let mut user_agent = Self { socket, uaid: String::new() };
            let hello = ClientHello { uaid: uaid.map(str::to_owned), ..ClientHello::default() };
            user_agent.send(&ClientMessage::Hello(hello)).await?;
            let ServerMessage::Hello { uaid, status: 200 } = user_agent.message().await? else {
                bail!("the hello was not answered by one with status 200");
            };
            Ok(Self { uaid, ..user_agent })
        };
        timeout(PATIENCE, connecting).await.context("connect to the push service")?
    }

    /// Registers a channel, which may be for one application server's key; returns its endpoint. No message may be on its
    /// way.
    pub async fn register(&mut self, key: Option<&str>) -> Result<String> {
        let channel_id = ChannelId::from_random_bytes(fastrand::u128(..).to_be_bytes()).to_string();
        let key = key.map(str::to_owned);
        self.send(&ClientMessage::Register { channel_id: channel_id.clone(), key }).await?;
        let ServerMessage::Register { channel_id: registered, status: 200, push_endpoint } =
            self.answer().await?
        else {
            bail!("the channel was not registered");
        };
        ensure!(registered == channel_id, "another channel was registered");
        Ok(push_endpoint)
    }

    /// The next push, however long it takes. Cancel-safe.
    pub async fn push(&mut self) -> Result<PushMessage> {
        let ServerMessage::Notification(push) = self.message().await? else {
            bail!("something else than a push");
        };
        Ok(push)
    }

    /// The next text frame, unread. Cancel-safe.
    pub async fn frame(&mut self) -> Result<impl AsRef<str>> {
        loop {
            match self.socket.next().await.context("the connection ended")?? {
                Message::Text(text) => return Ok(text),
                Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Binary(_) | Message::Close(_) | Message::Frame(_)) => {
                    bail!("{other:?} instead of a message")
                }
            }
        }
    }

    /// Acknowledges pushes.
    pub async fn acknowledge(&mut self, versions: impl IntoIterator<Item = MessageVersion>) -> Result<()> {
        // The push service goes by the version alone.
        let channel_id = ChannelId::from_random_bytes([0; 16]);
        let update = |version| AckUpdate { channel_id, version, code: None };
        self.send(&ClientMessage::Ack(versions.into_iter().map(update).collect())).await
    }

    /// Returns once everything sent so far has been acted on. No message may be on its way.
    pub async fn settle(&mut self) -> Result<()> {
        self.send(&ClientMessage::Ping).await?;
        ensure!(self.answer().await? == ServerMessage::Pong, "something else than the answer to a ping");
        Ok(())
    }

    /// Ends the connection in an orderly way.
    pub async fn close(mut self) -> Result<()> {
        self.socket.close(None).await?;
        let closed = async { while let Some(Ok(_)) = self.socket.next().await {} };
        timeout(PATIENCE, closed).await.context("the push service keeps the connection")
    }

    async fn answer(&mut self) -> Result<ServerMessage> {
        timeout(PATIENCE, self.message()).await.context("the push service does not answer")?
    }

    async fn message(&mut self) -> Result<ServerMessage> {
        Ok(serde_json::from_str(self.frame().await?.as_ref())?)
    }

    async fn send(&mut self, message: &ClientMessage) -> Result<()> {
        Ok(self.socket.send(Message::text(serde_json::to_string(message)?)).await?)
    }
}
