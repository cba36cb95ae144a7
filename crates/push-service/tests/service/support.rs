//! A service in a temporary folder, and the two who talk to it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use push_service::{Clock, Config, PushService, Timing, Tls};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response as UpgradeResponse;
use tokio_tungstenite::tungstenite::{self, Message};
use url::Url;

/// Longer than anything here takes; only a backstop.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const CHANNEL: &str = "decafbad-0000-4000-8000-0123456789ab";
pub(crate) const OTHER_CHANNEL: &str = "decafbad-0000-4000-8000-0123456789ac";

/// Awaits, but not for ever.
pub(crate) async fn soon<F: Future>(event: F) -> F::Output {
    tokio::time::timeout(PATIENCE, event).await.expect("it should have happened by now")
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Autopush's times, except that user agents may ping as often as a test needs to.
pub(crate) fn unhurried() -> Timing {
    Timing { app_ping_spacing: Duration::ZERO, ..Timing::default() }
}

pub(crate) fn config(data: &Path) -> Config {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        listen,
        data: data.to_owned(),
        public_url: None,
        tls: Tls::None,
        registration_token: None,
        rate_limits: None,
        trusted_proxies: Vec::new(),
    }
}

pub(crate) struct Server {
    pub(crate) service: PushService,
    pub(crate) folder: Arc<TempDir>,
    pub(crate) http: reqwest::Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_timed(unhurried()).await
    }

    pub(crate) async fn start_timed(timing: Timing) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), timing).await
    }

    pub(crate) async fn start_in(folder: Arc<TempDir>, timing: Timing) -> Self {
        let config = config(folder.path());
        Self::started(folder, config, timing, Clock::default()).await
    }

    /// With another configuration than usual.
    pub(crate) async fn start_with(configure: impl FnOnce(&Path) -> Config) -> Self {
        Self::start_by(Clock::default(), configure).await
    }

    /// With another configuration than usual, and by a clock of the test's.
    pub(crate) async fn start_by(clock: Clock, configure: impl FnOnce(&Path) -> Config) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let config = configure(folder.path());
        Self::started(folder, config, unhurried(), clock).await
    }

    async fn started(folder: Arc<TempDir>, config: Config, timing: Timing, clock: Clock) -> Self {
        let service = PushService::start_with(config, timing, clock).await.unwrap();
        // Only https would need it, but reqwest asks for it when it is made.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { service, folder, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// A service on the same data after this one died without a goodbye.
    pub(crate) async fn crash_and_restart(self) -> Self {
        let Self { service, folder, .. } = self;
        drop(service);
        Self::start_in(folder, unhurried()).await
    }

    /// A second look at the database: it sees only what is committed.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("push-service.sqlite3")).unwrap()
    }

    pub(crate) fn origin(&self) -> String {
        self.service.endpoint_url().origin().ascii_serialization()
    }

    pub(crate) async fn connect(&self) -> UserAgent {
        UserAgent::connect(self.service.websocket_url(), None).await.unwrap().0
    }

    /// Connected, with the hello answered.
    pub(crate) async fn user_agent(&self, uaid: Option<&str>) -> UserAgent {
        let mut user_agent = self.connect().await;
        user_agent.hello(json!(uaid)).await;
        user_agent
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(soon(request.send()).await.unwrap()).await
    }

    pub(crate) async fn post(
        &self,
        endpoint: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.request(Method::POST, endpoint, headers, body).await
    }

    /// Posts a body that passes for an encrypted one; returns its version.
    pub(crate) async fn push(&self, endpoint: &str, ttl: &str, body: &'static str) -> String {
        self.push_with(endpoint, &[("ttl", ttl)], body).await
    }

    pub(crate) async fn push_with(
        &self,
        endpoint: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> String {
        let headers = [headers, &[("content-encoding", "aes128gcm")]].concat();
        let answer = self.post(endpoint, &headers, body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.version()
    }
}

/// What an application server was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: soon(response.text()).await.unwrap() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    /// Status and errno, which must come in autopush's error body.
    pub(crate) fn refusal(&self) -> (u16, Option<u64>) {
        let body = self.json();
        assert_eq!(body["code"], self.status);
        for text in ["error", "message", "more_info"] {
            assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        }
        assert_eq!(self.header("content-type"), Some("application/json"));
        (self.status, body["errno"].as_u64())
    }

    pub(crate) fn version(&self) -> String {
        self.header("location").unwrap().rsplit('/').next().unwrap().to_owned()
    }
}

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

/// Sends bytes and reads until the service closes the connection.
pub(crate) async fn raw_exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

/// A client that trusts this CA and no other.
pub(crate) fn client_tls(ca: &Path) -> rustls::ClientConfig {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}
