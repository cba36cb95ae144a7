use std::path::PathBuf;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use url::Url;
use webpush::autopush::message::ServerMessage;
use webpush::encryption::decrypt;
use webpush::{PushSubscription, SubscriptionKeys};

use super::*;

struct Service {
    child: Child,
    websocket: Url,
    endpoint: Url,
    ca: Option<PathBuf>,
    _rest: BufReader<tokio::process::ChildStdout>,
}

async fn serve(home: &Path, options: &[&str]) -> Service {
    let data = home.join("service");
    let data = data.to_str().unwrap();
    let arguments = ["serve", "--json", "--listen", "127.0.0.1:0", "--data", data];
    let mut child = belfry(home).args(arguments).args(options).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    soon(stdout.read_line(&mut line)).await.unwrap();
    let listening: Value = serde_json::from_str(&line).unwrap();
    let url = |member: &str| listening[member].as_str().unwrap().parse::<Url>().unwrap();
    let (websocket, endpoint) = (url("websocket"), url("endpoint"));
    let ca = listening["ca"].as_str().map(PathBuf::from);
    let ca_json = serde_json::to_string(&ca).unwrap();
    let exactly = format!(
        "{{\"event\":\"listening\",\"websocket\":\"{websocket}\",\"endpoint\":\"{endpoint}\",\"ca\":{ca_json}}}\n"
    );
    assert_eq!(line, exactly);
    Service { child, websocket, endpoint, ca, _rest: stdout }
}

/// A user agent just good enough to receive.
struct Receiver {
    socket: WebSocketStream<TcpStream>,
    keys: SubscriptionKeys,
    subscription: PushSubscription,
}

const CHANNEL: &str = "0f5a1a5c-6b1e-4c8e-9f5e-3a2b1c0d9e8f";

impl Receiver {
    async fn register(websocket: &Url) -> Self {
        let address = (websocket.host_str().unwrap(), websocket.port().unwrap());
        let tcp = TcpStream::connect(address).await.unwrap();
        let (mut socket, _) = client_async(websocket.as_str(), tcp).await.unwrap();
        let hello = r#"{"messageType":"hello","use_webpush":true,"broadcasts":{}}"#;
        assert_eq!(ask(&mut socket, hello).await["status"], 200);
        let register = format!(r#"{{"messageType":"register","channelID":"{CHANNEL}"}}"#);
        let registered = ask(&mut socket, &register).await;
        let endpoint = registered["pushEndpoint"].as_str().unwrap().parse().unwrap();
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap();
        let subscription = keys.subscription(endpoint);
        Self { socket, keys, subscription }
    }

    async fn receive(&mut self) -> Vec<u8> {
        let message = serde_json::from_str(&text(&mut self.socket).await).unwrap();
        let ServerMessage::Notification(push) = message else { panic!("{message:?}") };
        decrypt(&self.keys, &push.content.unwrap()).unwrap()
    }
}

async fn ask(socket: &mut WebSocketStream<TcpStream>, message: &str) -> Value {
    socket.send(Message::text(message)).await.unwrap();
    serde_json::from_str(&text(socket).await).unwrap()
}

async fn text(socket: &mut WebSocketStream<TcpStream>) -> String {
    soon(socket.next()).await.unwrap().unwrap().into_text().unwrap().as_str().to_owned()
}

#[tokio::test]
async fn what_send_posts_arrives_through_serve() {
    let home = tempfile::tempdir().unwrap();
    let service = serve(home.path(), &[]).await;
    assert!(service.ca.is_none());
    let mut receiver = Receiver::register(&service.websocket).await;
    let subscription = serde_json::to_string(&receiver.subscription).unwrap();

    let link = "https://example.com/";
    let declarative = ["send", "--to", "-", "--title", "T", "--body", "B", "--navigate", link];
    let output = feed(home.path(), &declarative, &subscription).await;
    let stdout = String::from_utf8(output.stdout).unwrap();
    let location = format!("201 Created\nLocation: {}m/", service.endpoint);
    assert!(output.status.success() && stdout.starts_with(&location), "{stdout}");
    let document: Value = serde_json::from_slice(&receiver.receive().await).unwrap();
    assert_eq!(
        (document["web_push"].as_u64(), &document["notification"]["title"]),
        (Some(8030), &"T".into())
    );

    let file = home.path().join("subscription.json");
    std::fs::write(&file, &subscription).unwrap();
    let payload = ["--json", "send", "--payload", "-", "--topic", "t", "--to", file.to_str().unwrap()];
    let output = feed(home.path(), &payload, "\u{1}raw").await;
    let sent: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent["status"], 201);
    assert!(sent["location"].as_str().unwrap().starts_with(service.endpoint.as_str()));
    assert_eq!(receiver.receive().await, b"\x01raw");

    let too_large = "x".repeat(5000);
    let (code, _) = failure(&feed(home.path(), &payload, &too_large).await);
    assert_eq!(code, "invalid");
}

#[tokio::test]
async fn a_subscription_that_is_gone_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let service = serve(home.path(), &[]).await;
    let mut receiver = Receiver::register(&service.websocket).await;
    let unregister = format!(r#"{{"messageType":"unregister","channelID":"{CHANNEL}"}}"#);
    assert_eq!(ask(&mut receiver.socket, &unregister).await["status"], 200);
    let subscription = serde_json::to_string(&receiver.subscription).unwrap();
    let (code, message) = failure(&feed(home.path(), &["--json", "send", "--to", "-"], &subscription).await);
    assert_eq!(code, "rejected");
    assert!(message.contains("410") && message.contains("forget it"), "{message}");
}

#[tokio::test]
async fn a_local_authority_is_trusted_only_when_it_is_named() {
    let home = tempfile::tempdir().unwrap();
    let service = serve(home.path(), &["--tls", "auto"]).await;
    assert_eq!((service.websocket.scheme(), service.endpoint.scheme()), ("wss", "https"));
    let keys = SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap();
    let nobody = service.endpoint.join("wpush/v1/nobody").unwrap();
    let subscription = serde_json::to_string(&keys.subscription(nobody.as_str().parse().unwrap())).unwrap();

    let send = ["--json", "send", "--to", "-"];
    let (code, message) = failure(&feed(home.path(), &send, &subscription).await);
    assert_eq!((code.as_str(), message.contains("--ca")), ("offline", true), "{message}");
    assert!(!message.contains("nobody"), "the endpoint is a secret: {message}");

    let ca = service.ca.as_ref().unwrap().to_str().unwrap();
    let trusting = [&["--ca", ca], &send[..]].concat();
    let (code, message) = failure(&feed(home.path(), &trusting, &subscription).await);
    assert_eq!((code.as_str(), message.contains("404")), ("rejected", true), "{message}");
}

#[tokio::test]
async fn a_registration_token_lets_those_in_who_know_it_and_is_not_printed() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    let option = ["--registration-token", file.to_str().unwrap()];
    let refused = [&["serve", "--json", "--listen", "127.0.0.1:0"], option.as_slice()].concat();
    for (content, reason) in [(None, "No such file"), (Some("short\n"), "16 to 256")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let (code, message) = failure(&run(home.path(), &refused).await);
        assert_eq!((code.as_str(), message.contains(reason)), ("invalid", true), "{message}");
        assert!(!message.contains("short"), "{message}");
    }

    let token = "a-token-that-nobody-guesses";
    std::fs::write(&file, format!("{token}\n# for the laptop\n")).unwrap();
    let service = serve(home.path(), &option).await;
    assert_eq!(service.websocket.path(), "/");
    let refused =
        TcpStream::connect((service.websocket.host_str().unwrap(), service.websocket.port().unwrap()));
    let refused = client_async(service.websocket.as_str(), refused.await.unwrap()).await;
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status() == 404));
    let mut receiver = Receiver::register(&service.websocket.join(token).unwrap()).await;
    let subscription = serde_json::to_string(&receiver.subscription).unwrap();
    let sent = feed(home.path(), &["send", "--to", "-", "--title", "T"], &subscription).await;
    assert!(sent.status.success());
    assert_eq!(receiver.receive().await, br#"{"title":"T"}"#);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let home = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let keys = SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap();
    let subscription = keys.subscription(format!("{origin}/a").parse().unwrap());
    let subscription = serde_json::to_string(&subscription).unwrap();
    let redirect = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head, b"POST");
        let answer =
            format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {origin}/b\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream
    };
    let (_stream, output) =
        tokio::join!(soon(redirect), feed(home.path(), &["--json", "send", "--to", "-"], &subscription));
    let (code, message) = failure(&output);
    assert_eq!((code.as_str(), message.contains("redirects")), ("rejected", true), "{message}");
}

#[cfg(unix)]
#[tokio::test]
async fn serve_ends_cleanly_when_it_is_asked_to() {
    let home = tempfile::tempdir().unwrap();
    for signal in ["TERM", "INT"] {
        let mut service = serve(home.path(), &[]).await;
        let receiver = Receiver::register(&service.websocket).await;
        let pid = service.child.id().unwrap().to_string();
        let status = Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap();
        assert!(status.success());
        assert_eq!(soon(service.child.wait()).await.unwrap().code(), Some(0), "{signal}");
        drop(receiver);
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_failure() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = home.path().join("service");
    let arguments = ["serve", "--json", "--listen", &address, "--data", data.to_str().unwrap()];
    let (code, message) = failure(&run(home.path(), &arguments).await);
    assert_eq!((code.as_str(), message.contains(&address)), ("invalid", true), "{message}");
}
