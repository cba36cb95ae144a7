//! On loopback: addresses that do not answer, and proxies that know where the service is.

use std::net::{Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::timeout;

use super::*;

/// Far beyond the head start and far below what an address that does not answer is given.
const SOON: Duration = Duration::from_secs(10);

/// A resolver that has one answer for every name.
#[derive(Clone)]
struct Resolved(Vec<SocketAddr>);

impl Service<Name> for Resolved {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        std::future::ready(Ok(self.0.clone().into_iter()))
    }
}

/// A listener whose queue is full: further connections to it are neither accepted nor refused.
struct BlackHole {
    listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    async fn new() -> Self {
        let socket = TcpSocket::new_v6().unwrap();
        socket.bind((Ipv6Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
            queued.push(stream.unwrap());
            assert!(queued.len() < 10, "the queue is never full");
        }
        Self { listener, _queued: queued }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

/// Nobody listens there any more.
async fn refusing(address: &str) -> SocketAddr {
    TcpListener::bind(address).await.unwrap().local_addr().unwrap()
}

async fn reached(addresses: &[SocketAddr]) -> Result<TcpStream, Unreached> {
    let connector = configured(HttpConnector::new_with_resolver(Resolved(addresses.to_vec())));
    // Without a port, those of the addresses count.
    let reaching = reach(Uri::from_static("https://push.example/"), None, connector);
    timeout(SOON, reaching).await.expect("takes too long")
}

#[tokio::test]
async fn a_dead_ipv6_address_costs_no_more_than_a_head_start() {
    let hole = BlackHole::new().await;
    let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = [hole.address(), hole.address(), alive.local_addr().unwrap()];
    assert_eq!(reached(&addresses).await.unwrap().peer_addr().unwrap(), alive.local_addr().unwrap());
}

#[tokio::test]
async fn every_address_is_tried_and_all_refusing_is_said() {
    let alive = TcpListener::bind("[::1]:0").await.unwrap();
    let refusing = [refusing("127.0.0.1:0").await, refusing("127.0.0.2:0").await];
    let addresses = [refusing[0], refusing[1], alive.local_addr().unwrap()];
    assert_eq!(reached(&addresses).await.unwrap().peer_addr().unwrap(), alive.local_addr().unwrap());
    let error = reached(&refusing).await.unwrap_err();
    assert!(error.refused && error.reason.contains("refused"), "{error:?}");
}

/// Serves one client, then says how it was asked.
struct Proxy {
    address: SocketAddr,
    asked: tokio::task::JoinHandle<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    Http,
    Socks,
    /// Answers every request with this.
    Refusing(&'static str),
}

impl Proxy {
    /// Leads every name to `service`.
    async fn start(kind: Kind, service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let asked = match kind {
                Kind::Http => connect(&mut client, "HTTP/1.1 200 Connection established\r\n\r\n").await,
                Kind::Socks => socks(&mut client).await,
                Kind::Refusing(answer) => return connect(&mut client, answer).await,
            };
            let mut service = TcpStream::connect(service).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut service).await });
            asked
        });
        Self { address, asked }
    }
}

/// Answers a CONNECT.
async fn connect(client: &mut TcpStream, answer: &str) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(client.read_u8().await.unwrap().into());
    }
    client.write_all(answer.as_bytes()).await.unwrap();
    head
}

/// RFC 1928, and RFC 1929 when the client offers it. `user:password@host:port`.
async fn socks(client: &mut TcpStream) -> String {
    let mut asked = String::new();
    assert_eq!(client.read_u8().await.unwrap(), 5);
    if counted(client).await.contains('\u{2}') {
        client.write_all(&[5, 2]).await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), 1);
        asked = format!("{}:{}@", counted(client).await, counted(client).await);
        client.write_all(&[1, 0]).await.unwrap();
    } else {
        client.write_all(&[5, 0]).await.unwrap();
    }
    assert_eq!(client.read_u32().await.unwrap(), 0x05_01_00_03, "connect to a name");
    asked.push_str(&counted(client).await);
    asked.push_str(&format!(":{}", client.read_u16().await.unwrap()));
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    asked
}

async fn counted(client: &mut TcpStream) -> String {
    let mut bytes = vec![0; client.read_u8().await.unwrap().into()];
    client.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Through a proxy, to a service that only the proxy finds: what the proxy was asked.
async fn through(kind: Kind, setting: impl Fn(SocketAddr) -> String) -> Result<String, String> {
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(kind, service.local_addr().unwrap()).await;
    let setting = ProxySetting::try_from(setting(proxy.address)).unwrap();
    let proxies = Proxies::new(Some(&setting)).unwrap();
    let mut stream = timeout(SOON, proxies.connect(&"wss://push.invalid/".parse().unwrap()))
        .await
        .unwrap()
        .map_err(|error| error.reason)?;
    stream.write_all(b"hello").await.unwrap();
    let (mut peer, _) = service.accept().await.unwrap();
    let mut heard = [0; 5];
    peer.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
    Ok(proxy.asked.await.unwrap())
}

#[tokio::test]
async fn an_http_proxy_is_asked_to_connect() {
    let asked = through(Kind::Http, |proxy| format!("http://{proxy}")).await.unwrap();
    assert!(asked.starts_with("CONNECT push.invalid:443 HTTP/1.1\r\n"), "{asked}");
    assert!(!asked.contains("Authorization"), "{asked}");
    let asked = through(Kind::Http, |proxy| format!("http://Aladdin:open%20sesame@{proxy}")).await.unwrap();
    assert!(asked.contains("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{asked}");
}

#[tokio::test]
async fn a_socks_proxy_resolves_the_name() {
    for scheme in ["socks5", "socks5h"] {
        let asked = through(Kind::Socks, |proxy| format!("{scheme}://{proxy}")).await.unwrap();
        assert_eq!(asked, "push.invalid:443");
        let asked = through(Kind::Socks, |proxy| format!("{scheme}://me:secret@{proxy}")).await.unwrap();
        assert_eq!(asked, "me:secret@push.invalid:443");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    for (answer, said) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "authorization required"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "unsuccessful"),
        ("nonsense\r\n\r\n", "unsuccessful"),
    ] {
        let error =
            through(Kind::Refusing(answer), |proxy| format!("http://me:hunter2@{proxy}")).await.unwrap_err();
        assert!(
            error.contains(said) && error.contains("push.invalid:443 through the proxy 127"),
            "{error:?}"
        );
        assert!(!error.contains("hunter2"), "{error:?}");
    }
    let gone = refusing("127.0.0.1:0").await;
    // The library keeps a SOCKS proxy's own error to itself.
    for (scheme, said) in [("http", "refused"), ("socks5", "failed")] {
        let setting = ProxySetting::try_from(format!("{scheme}://{gone}")).unwrap();
        let proxies = Proxies::new(Some(&setting)).unwrap();
        let error = proxies.connect(&"wss://push.invalid/".parse().unwrap()).await.unwrap_err();
        assert!(error.reason.contains(said), "{error:?}");
        assert!(!error.refused, "the proxy has, and nothing is known of the service: {error:?}");
    }
}

#[tokio::test]
async fn a_service_on_this_computer_is_reached_without_the_proxy() {
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let setting = ProxySetting::try_from(format!("http://{}", refusing("127.0.0.1:0").await)).unwrap();
    let proxies = Proxies::new(Some(&setting)).unwrap();
    let url = format!("ws://{}/", service.local_addr().unwrap()).parse().unwrap();
    assert_eq!(proxies.connect(&url).await.unwrap().peer_addr().unwrap(), service.local_addr().unwrap());
}

#[test]
fn the_environments_proxies_count_unless_the_setting_says_none() {
    let service = Uri::from_static("https://push.example:443/");
    let environment = Matcher::builder().https("http://proxy.example").no("local.example").build();
    assert!(environment.intercept(&service).is_some());
    assert!(environment.intercept(&Uri::from_static("https://push.local.example:443/")).is_none());
    let direct = Proxies::new(Some(&ProxySetting::Direct)).unwrap();
    assert!(direct.0.intercept(&service).is_none());
    assert!(!format!("{direct:?}").contains("proxy."));
}

#[tokio::test]
async fn an_unsupported_kind_of_proxy_is_an_error_and_not_left_out() {
    for kind in ["https", "socks4"] {
        let proxies = Proxies(Matcher::builder().all(format!("{kind}://proxy.invalid:1")).build());
        let error = proxies.connect(&"wss://push.invalid/".parse().unwrap()).await.unwrap_err();
        assert!(error.reason.contains("not supported"), "{error:?}");
    }
}

#[test]
fn targets_keep_what_the_url_says() {
    for (url, uri) in [
        ("wss://push.example/", "https://push.example:443/"),
        ("https://example.org/a.png", "https://example.org:443/"),
        ("ws://push.example:81/path?query", "http://push.example:81/"),
        ("wss://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/"),
    ] {
        assert_eq!(target(&url.parse().unwrap()).unwrap(), uri.parse::<Uri>().unwrap());
    }
}
