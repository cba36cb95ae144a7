//! A push service that does what the test tells it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::DATE;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server;

use super::soon;

/// A push service that does what the test tells it.
#[derive(Clone)]
pub(super) struct ScriptedService {
    listener: Arc<TcpListener>,
}

/// One connection of the receiver.
pub(super) struct Peer(pub(super) WebSocketStream<TcpStream>);

impl ScriptedService {
    pub(super) async fn start() -> Self {
        Self { listener: Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap()) }
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}/", self.listener.local_addr().unwrap())
    }

    /// Accepts, and answers whatever is said with this status and nothing else.
    pub(super) async fn refuse(&self, status: &str) {
        let (mut stream, _) = soon("a connection", self.listener.accept()).await.unwrap();
        let mut beginning = [0; 16];
        stream.read_exact(&mut beginning).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        // What has not been read would reset the connection, and the answer with it.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    pub(super) async fn accept(&self) -> Peer {
        self.accept_with(None).await
    }

    /// The answer to the upgrade has this `Date`.
    async fn accept_with(&self, date: Option<&str>) -> Peer {
        let (stream, _) = soon("a connection", self.listener.accept()).await.unwrap();
        #[expect(clippy::result_large_err, reason = "the library's signature")]
        let dated = |_: &server::Request, mut answer: server::Response| {
            if let Some(date) = date {
                answer.headers_mut().insert(DATE, date.parse().unwrap());
            }
            Ok(answer)
        };
        Peer(soon("the upgrade", tokio_tungstenite::accept_hdr_async(stream, dated)).await.unwrap())
    }

    /// Accepts, and answers the hello with this uaid. Returns the hello as well.
    pub(super) async fn welcome(&self, uaid: &str) -> (Peer, Value) {
        Self::greet(self.accept().await, uaid).await
    }

    /// The same, by a clock that says this.
    pub(super) async fn welcome_at(&self, uaid: &str, date: &str) -> (Peer, Value) {
        Self::greet(self.accept_with(Some(date)).await, uaid).await
    }

    async fn greet(mut peer: Peer, uaid: &str) -> (Peer, Value) {
        let hello = peer.receive().await;
        assert_eq!(hello["messageType"], "hello");
        peer.send(json!({"messageType": "hello", "uaid": uaid, "status": 200, "use_webpush": true, "broadcasts": {}}))
            .await;
        (peer, hello)
    }
}

/// A server by TLS with a certificate for this name that nobody knows, at `localhost`. Its URL, and its authority in PEM. Whoever
/// believes the certificate is not answered.
pub(super) async fn secured(name: &str) -> (String, String) {
    secured_by(CertificateParams::new([name.to_owned()]).unwrap()).await
}

/// The same with a certificate like those of `openssl req -x509`, for `localhost`.
pub(super) async fn secured_by_an_authority() -> (String, String) {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    secured_by(params).await
}

async fn secured_by(certificate: CertificateParams) -> (String, String) {
    let signing_key = KeyPair::generate().unwrap();
    let cert = certificate.self_signed(&signing_key).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let mut believers = Vec::new();
        while let Ok((client, _)) = listener.accept().await {
            believers.extend(acceptor.accept(client).await);
        }
    });
    (url, cert.pem())
}

impl Peer {
    /// Answers pings while this is done.
    pub(super) async fn answering<T>(&mut self, work: impl Future<Output = T>) -> T {
        let answering = async { while let Some(Ok(_)) = self.0.next().await {} };
        tokio::select! {
            result = work => result,
            () = answering => panic!("the receiver has left"),
        }
    }

    pub(super) async fn receive(&mut self) -> Value {
        loop {
            match soon("a message from the receiver", self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("the receiver closed the connection: {frame:?}"),
                _ => {}
            }
        }
    }

    pub(super) async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Answers the next `register` and returns its channel.
    pub(super) async fn answer_register(&mut self) -> String {
        let register = self.receive().await;
        assert_eq!(register["messageType"], "register");
        let channel = register["channelID"].as_str().unwrap().to_owned();
        self.grant(&channel).await;
        channel
    }

    pub(super) async fn grant(&mut self, channel: &str) {
        let endpoint = format!("https://push.example/wpush/v1/{channel}");
        self.send(
            json!({"messageType": "register", "channelID": channel, "status": 200, "pushEndpoint": endpoint}),
        )
        .await;
    }

    pub(super) async fn notify(&mut self, channel: &str, version: &str, body: &[u8]) {
        self.send(json!({"messageType": "notification", "channelID": channel, "version": version,
            "data": URL_SAFE_NO_PAD.encode(body), "headers": {"encoding": "aes128gcm"}}))
            .await;
    }

    /// The updates of the next `ack`: version and code.
    pub(super) async fn acks(&mut self) -> Vec<(String, u64)> {
        let ack = self.receive().await;
        assert_eq!(ack["messageType"], "ack", "{ack}");
        let update = |update: &Value| {
            (update["version"].as_str().unwrap().to_owned(), update["code"].as_u64().unwrap())
        };
        ack["updates"].as_array().unwrap().iter().map(update).collect()
    }

    pub(super) async fn close(mut self, code: u16) {
        let frame =
            tokio_tungstenite::tungstenite::protocol::CloseFrame { code: code.into(), reason: "SM".into() };
        self.0.close(Some(frame)).await.unwrap();
        // The closing handshake: whatever the receiver still says.
        while let Some(Ok(_)) = soon("the end", self.0.next()).await {}
    }
}
