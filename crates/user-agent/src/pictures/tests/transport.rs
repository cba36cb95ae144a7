//! What is asked of servers, and what they may do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use super::server::{Answer, Server, file, give, head, moved, read_head};
use super::*;
use crate::pictures::download::Names;
use crate::pictures::wanted::Reach;

/// Long for loopback, short for a test.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_request_tells_nothing_but_what_is_wanted() {
    let server = Server::start(|path| match path {
        "/a.png?x=%20|{}" => head(302, "location: /b.png\r\nset-cookie: who=me\r\n"),
        _ => file(&png()),
    })
    .await;
    let loaded = of_site(&direct(), &server.url("/a.png?x= |{}#part"), &server.url("/")).await.unwrap();
    assert_eq!((loaded.width(), loaded.height()), (40, 20));
    let rest = format!(
        "HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nuser-agent: Mozilla/5.0 (compatible; Belfry)\r\n\
         accept: image/webp,image/png,image/jpeg,image/gif,image/*;q=0.5\r\naccept-encoding: identity\r\n\r\n",
        server.port()
    );
    assert_eq!(server.asked(), [format!("GET /a.png?x=%20|{{}} {rest}"), format!("GET /b.png {rest}")]);
}

#[tokio::test]
async fn three_redirects_on_the_same_host_are_followed_and_no_more() {
    let server = Server::start(|path| match path {
        "/0" => file(&png()),
        "/loop" => moved("/loop"),
        "/nowhere" => head(302, ""),
        path => moved(&(path.trim_matches('/').parse::<u32>().unwrap() - 1).to_string()),
    })
    .await;
    let (pictures, site) = (direct(), server.url("/"));
    assert!(of_site(&pictures, &server.url("/3"), &site).await.is_ok());
    assert_eq!(server.asked().len(), 4);
    for (path, requests) in [("/4", 4), ("/loop", 4), ("/nowhere", 1)] {
        let before = server.asked().len();
        assert_eq!(of_site(&pictures, &server.url(path), &site).await, Err(Refusal::Redirected), "{path}");
        assert_eq!(server.asked().len() - before, requests, "{path}");
    }
}

#[tokio::test]
async fn no_redirect_leads_elsewhere() {
    let mut other = Server::start(|_| file(&png())).await;
    let port = other.port();
    for (location, refusal) in [
        // Another port of the same host is not the site, and its address is private.
        (format!("http://127.0.0.1:{port}/"), Refusal::Private),
        (format!("//127.0.0.1:{port}/"), Refusal::Private),
        (format!("http://localhost:{port}/"), Refusal::Redirected),
        (format!("http://127.0.0.2:{port}/"), Refusal::Redirected),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), Refusal::Redirected),
        (format!("http://me:pw@127.0.0.1:{port}/"), Refusal::Credentials),
        ("http://169.254.169.254/latest/meta-data/".into(), Refusal::Redirected),
        ("file:///etc/passwd".into(), Refusal::Redirected),
        ("data:image/png;base64,AA==".into(), Refusal::Redirected),
        ("http://[".into(), Refusal::Redirected),
    ] {
        let to = location.clone();
        let server = Server::start(move |_| moved(&to)).await;
        assert_eq!(of_site(&direct(), &server.url("/a"), &server.url("/")).await, Err(refusal), "{location}");
    }
    other.assert_untouched().await;
}

#[tokio::test]
async fn a_name_that_leads_to_this_computer_is_not_followed() {
    let mut server = Server::start(|_| file(&png())).await;
    let url = format!("http://pictures.example:{}/a.png", server.port());
    for addresses in [
        &["127.0.0.1"][..],
        &["::ffff:127.0.0.1"],
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "2606:4700::1"],
        &["10.0.0.1", "fe80::1"],
        &[],
    ] {
        let pictures = with("none", lookup(addresses), LONG);
        assert_eq!(of_anyone(&pictures, &url).await, Err(Refusal::Unreachable), "{addresses:?}");
    }
    let pictures = with("none", lookup(&["127.0.0.1"]), LONG);
    for name in ["localhost", "a.localhost", "LOCALHOST."] {
        let url = format!("http://{name}:{}/a.png", server.port());
        assert_eq!(of_anyone(&pictures, &url).await, Err(Refusal::Unreachable), "{name}");
    }
    server.assert_untouched().await;
    // The control: the same name, if it is the site's.
    let own = Url::parse(&url).unwrap();
    assert!(of_site(&pictures, &own, &own).await.is_ok());
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_looked_at_each_time() {
    let answers = Mutex::new(["127.0.0.1", "1.1.1.1"].map(|text| text.parse::<IpAddr>().unwrap()).to_vec());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let lookup: Lookup = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        let address = answers.lock().unwrap().pop().unwrap();
        Box::pin(async move { Ok(vec![(address, 0).into()]) })
    });
    let mut names = Names { lookup, reach: Reach::Internet };
    let mut ask = || names.call("changes.example".parse().unwrap());
    assert_eq!(ask().await.unwrap().collect::<Vec<_>>(), ["1.1.1.1:0".parse().unwrap()]);
    assert!(ask().await.is_err());
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn no_more_is_taken_than_a_picture_may_have() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n",
    ] {
        let mut server = Server::start(move |_| Answer::Endless([head.as_bytes(), &png()].concat())).await;
        let outcome = of_site(&direct(), &server.url("/a"), &server.url("/")).await;
        assert!(matches!(outcome, Err(Refusal::TooLong | Refusal::Unreachable)), "{head}: {outcome:?}");
        // What lies in the system's buffers counts as taken.
        let taken = server.taken().await;
        assert!(taken < 16 * 1024 * 1024, "{taken} of {head}");
    }
    let chunk =
        |size: usize| [format!("{size:x}\r\n").into_bytes(), vec![0; size], b"\r\n".to_vec()].concat();
    let chunks =
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), chunk(600_000), chunk(600_000)];
    let server = Server::start(move |_| Answer::Whole(chunks.concat())).await;
    assert_eq!(of_site(&direct(), &server.url("/a"), &server.url("/")).await, Err(Refusal::TooLong));
}

#[tokio::test]
async fn a_large_picture_may_be_longer_than_an_icon() {
    let mut large = png();
    large.resize(2 * 1024 * 1024, 0);
    let server = Server::start(move |_| file(&large)).await;
    let (url, site, pictures) = (server.url("/a"), server.url("/"), direct());
    assert_eq!(of_site(&pictures, &url, &site).await, Err(Refusal::TooLong));
    let image = Wanted::new(&url, Use::Image, Some(&site), Images::Own).unwrap();
    assert!(pictures.load(image).await.is_ok());
}

#[tokio::test]
async fn a_server_that_does_not_finish_is_left() {
    let slow: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 200 OK\r\nx-a: ",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\x89PNG\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ];
    for start in slow {
        let mut server = Server::start(move |_| Answer::Stalled(start.to_vec())).await;
        let pictures = with("none", lookup(&[]), SHORT);
        assert_eq!(of_site(&pictures, &server.url("/a"), &server.url("/")).await, Err(Refusal::TooLate));
        // The connection is closed: the server hears of it.
        server.taken().await;
    }
}

#[tokio::test]
async fn what_is_no_answer_with_a_picture_is_none() {
    let hostile: [(Vec<u8>, Refusal); 10] = [
        (b"".to_vec(), Refusal::Unreachable),
        (b"\x89PNG\r\n\x1a\n".to_vec(), Refusal::Unreachable),
        (b"HTTP/0.9 200 OK\r\n\r\n".to_vec(), Refusal::Unreachable),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(), Refusal::Status(404)),
        (b"HTTP/1.1 206 Partial Content\r\ncontent-length: 0\r\n\r\n".to_vec(), Refusal::Status(206)),
        (b"HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\n\r\n".to_vec(), Refusal::Status(401)),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(), Refusal::NoPicture),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\x89PNG".to_vec(), Refusal::Unreachable),
        ([&b"HTTP/1.1 200 OK\r\n"[..], "x: y\r\n".repeat(200_000).as_bytes()].concat(), Refusal::Unreachable),
        ([&b"HTTP/1.1 200 OK\r\nx: "[..], "y".repeat(1_000_000).as_bytes()].concat(), Refusal::Unreachable),
    ];
    for (bytes, refusal) in hostile {
        let start = String::from_utf8_lossy(bytes.get(..40).unwrap_or(&bytes)).into_owned();
        let server = Server::start(move |_| Answer::Whole(bytes.clone())).await;
        let outcome = of_site(&direct(), &server.url("/a"), &server.url("/")).await;
        assert_eq!(outcome, Err(refusal), "{start:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_asked_only_for_a_sites_own_host_by_https() {
    let mut proxy = Server::start(|_| head(403, "")).await;
    let pictures = with(proxy.url("/").as_str(), lookup(&["1.1.1.1"]), LONG);
    assert_eq!(of_anyone(&pictures, "https://pictures.example/a.png").await, Err(Refusal::Proxied));
    assert_eq!(of_anyone(&pictures, "http://site.example/a.png").await, Err(Refusal::Proxied));
    assert_eq!(of_anyone(&pictures, "http://intranet/a.png").await, Err(Refusal::Proxied));
    assert_eq!(of_anyone(&pictures, "http://1.1.1.1/a.png").await, Err(Refusal::Proxied));
    assert_eq!(of_anyone(&pictures, "http://127.0.0.1/a.png").await, Err(Refusal::Private));
    proxy.assert_untouched().await;
    assert_eq!(of_anyone(&pictures, "https://site.example/a.png").await, Err(Refusal::Unreachable));
    assert!(proxy.asked()[1].starts_with("CONNECT site.example:443 HTTP/1.1\r\n"), "{:?}", proxy.asked());
}

#[tokio::test]
async fn a_site_on_this_computer_is_asked_without_the_proxy() {
    let server = Server::start(|_| file(&png())).await;
    let mut proxy = Server::start(|_| head(403, "")).await;
    let pictures = with(proxy.url("/").as_str(), lookup(&[]), LONG);
    assert!(of_site(&pictures, &server.url("/a.png"), &server.url("/")).await.is_ok());
    proxy.assert_untouched().await;
}

#[tokio::test]
async fn https_is_believed_by_the_authorities_that_push_services_are() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["site.example".into()]).unwrap().self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(mut client) = acceptor.accept(client).await else { continue };
            read_head(&mut client).await;
            give(&mut client, file(&png())).await;
        }
    });
    let load = async |ca_files, host: &str| {
        let connector = Connector::new(ca_files, false, Some(&ProxySetting::Direct)).unwrap();
        let pictures = Pictures::with(Downloader { connector, lookup: lookup(&["127.0.0.1"]) }, LONG);
        let url = Url::parse(&format!("https://{host}:{port}/a.png")).unwrap();
        of_site(&pictures, &url, &url).await
    };
    assert!(load(vec![ca.clone()], "site.example").await.is_ok());
    assert_eq!(load(vec![ca], "other.example").await, Err(Refusal::Unreachable));
    assert_eq!(load(Vec::new(), "site.example").await, Err(Refusal::Unreachable));
}
