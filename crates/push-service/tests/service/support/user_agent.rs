//! The other end of the WebSocket.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response as UpgradeResponse;
use tokio_tungstenite::tungstenite::{self, Message};
use url::Url;

use super::server::Server;
use super::{CHANNEL, client_tls, soon};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct UserAgent {
    socket: WebSocketStream<Box<dyn Stream>>,
    /// As the last hello was answered.
    pub(crate) uaid: String,
}

impl UserAgent {
    pub(crate) async fn connect(
        url: &Url,
        subprotocol: Option<&str>,
    ) -> Result<(Self, UpgradeResponse), tungstenite::Error> {
        let stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
        Self::connect_over(Box::new(stream), url, subprotocol).await
    }

    /// Connects to this address, expecting a certificate for the URL's host.
    pub(crate) async fn connect_tls(address: SocketAddr, url: &Url, ca: &Path) -> std::io::Result<Self> {
        let host = url.host_str().unwrap().trim_matches(['[', ']']).to_owned();
        let stream = TcpStream::connect(address).await?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(client_tls(ca)));
        let stream = connector.connect(host.try_into().unwrap(), stream).await?;
        Ok(Self::connect_over(Box::new(stream), url, None).await.unwrap().0)
    }

    async fn connect_over(
        stream: Box<dyn Stream>,
        url: &Url,
        subprotocol: Option<&str>,
    ) -> Result<(Self, UpgradeResponse), tungstenite::Error> {
        let mut request = url.as_str().into_client_request().unwrap();
        if let Some(subprotocol) = subprotocol {
            request.headers_mut().insert("sec-websocket-protocol", subprotocol.parse().unwrap());
        }
        let (socket, response) = soon(tokio_tungstenite::client_async(request, stream)).await?;
        Ok((Self { socket, uaid: String::new() }, response))
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.send_frame(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send_frame(&mut self, frame: Message) {
        soon(self.socket.send(frame)).await.unwrap();
    }

    pub(crate) async fn next_frame(&mut self) -> Message {
        soon(self.socket.next()).await.expect("the connection ended").unwrap()
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.next_frame().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Binary(_) | Message::Close(_) | Message::Frame(_)) => {
                    panic!("expected a message, got {other:?}")
                }
            }
        }
    }

    /// Code and reason with which the service ends the connection.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.next_frame().await {
                // Reading on sends the confirmation.
                while let Some(Ok(_)) = soon(self.socket.next()).await {}
                let frame = frame.expect("a reason");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    pub(crate) async fn hello(&mut self, uaid: Value) -> Value {
        self.send(json!({"messageType": "hello", "uaid": uaid, "use_webpush": true})).await;
        let reply = self.next().await;
        assert_eq!((&reply["messageType"], &reply["status"]), (&json!("hello"), &json!(200)));
        self.uaid = reply["uaid"].as_str().unwrap().to_owned();
        reply
    }

    pub(crate) async fn try_register(&mut self, channel: &str, key: Option<&str>) -> Value {
        self.send(json!({"messageType": "register", "channelID": channel, "key": key})).await;
        self.next().await
    }

    /// Returns the endpoint.
    pub(crate) async fn register(&mut self, channel: &str, key: Option<&str>) -> String {
        let reply = self.try_register(channel, key).await;
        assert_eq!(
            (&reply["messageType"], &reply["channelID"], &reply["status"]),
            (&json!("register"), &json!(channel), &json!(200))
        );
        reply["pushEndpoint"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn unregister(&mut self, channel: &str) -> Value {
        self.send(json!({"messageType": "unregister", "channelID": channel, "code": 200})).await;
        self.next().await
    }

    pub(crate) async fn notification(&mut self) -> Value {
        let message = self.next().await;
        assert_eq!(message["messageType"], "notification", "{message}");
        message
    }

    /// The version of the next message, which must be a notification.
    pub(crate) async fn version(&mut self) -> String {
        self.notification().await["version"].as_str().unwrap().to_owned()
    }

    /// The versions of the next messages.
    pub(crate) async fn versions(&mut self, count: usize) -> Vec<String> {
        let mut versions = Vec::new();
        for _ in 0..count {
            versions.push(self.version().await);
        }
        versions
    }

    pub(crate) async fn acknowledge(&mut self, versions: &[String]) {
        let updates: Vec<_> =
            versions.iter().map(|version| json!({"channelID": CHANNEL, "version": version})).collect();
        self.send(json!({"messageType": "ack", "updates": updates})).await;
    }

    /// Waits until everything sent so far has been acted on; nothing may have come in the meantime.
    pub(crate) async fn settle(&mut self) {
        self.send(json!({})).await;
        assert_eq!(self.next().await, json!({}));
    }

    /// Proves that nothing else is on its way: messages arrive in order, and the next is one posted now.
    pub(crate) async fn expect_nothing_else(&mut self, server: &Server, endpoint: &str) {
        let marker = server.push(endpoint, "0", "marker").await;
        assert_eq!(self.version().await, marker);
    }

    pub(crate) async fn close(mut self) {
        soon(self.socket.close(None)).await.unwrap();
        while let Some(Ok(_)) = soon(self.socket.next()).await {}
    }
}

/// A user agent that reads and never answers, not even a Ping.
pub(crate) struct SilentUserAgent(BufReader<TcpStream>);

impl SilentUserAgent {
    pub(crate) async fn hello(address: SocketAddr) -> Self {
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        let upgrade = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            soon(stream.read_line(&mut line)).await.unwrap();
        }
        let hello = br#"{"messageType":"hello"}"#;
        let masked_with_zeros = [0x81, 0x80 | u8::try_from(hello.len()).unwrap(), 0, 0, 0, 0];
        stream.write_all(&[&masked_with_zeros, hello.as_slice()].concat()).await.unwrap();
        Self(stream)
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.unwrap();
    }

    /// Returns once the service has closed the connection, however it did.
    pub(crate) async fn ended(mut self) {
        let mut rest = Vec::new();
        let _ = soon(self.0.read_to_end(&mut rest)).await;
    }

    /// Opcode and payload of the next frame.
    pub(crate) async fn next_frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        soon(self.0.read_exact(&mut head)).await.unwrap();
        let length = match head[1] {
            126 => soon(self.0.read_u16()).await.unwrap().into(),
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        soon(self.0.read_exact(&mut payload)).await.unwrap();
        (head[0] & 0x0f, payload)
    }
}
