//! A service in a temporary folder, and the two who talk to it.

mod server;
mod user_agent;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use push_service::{Config, Timing, Tls};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) use self::server::Server;
pub(crate) use self::user_agent::{SilentUserAgent, UserAgent};

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
