//! Opening a WebSocket: TCP, TLS by rustls with the platform's trust store, the upgrade. The first two also lead to other
//! servers.

use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};
use tower_service::Service;
use url::Url;
use webpush::autopush::message::MAX_FRAME;

use super::proxy::{self, Proxies, Unreached, configured};
use super::retry_after::retry_after;
use super::skew::Skew;
use crate::api::{CommandError, Trouble};
use crate::config::{ProxySetting, PushServiceUrl};

/// A WebSocket, plain or over TLS.
pub(super) type Socket = WebSocketStream<Box<dyn Stream>>;

/// An open one.
pub(super) struct Connection {
    pub(super) socket: Socket,
    /// This computer's end.
    local: SocketAddr,
}

impl Connection {
    /// Whether its address has been taken from this computer: nothing will ever arrive on it again.
    pub(super) fn is_cut(&self) -> bool {
        is_lost(self.local)
    }
}

fn is_lost(mut address: SocketAddr) -> bool {
    address.set_port(0);
    UdpSocket::bind(address).is_err_and(|error| error.kind() == std::io::ErrorKind::AddrNotAvailable)
}

/// What a WebSocket, or HTTP, runs over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct ConnectError {
    /// One line, for people.
    pub(super) reason: String,
    /// What the service asked for.
    pub(super) retry_after: Option<Duration>,
    /// What is wrong, where there is more to say than the reason does.
    pub(super) trouble: Option<Trouble>,
}

impl<E: fmt::Display> From<E> for ConnectError {
    fn from(error: E) -> Self {
        Self { reason: error.to_string(), retry_after: None, trouble: None }
    }
}

/// How to reach push services.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    ca_files: Arc<[PathBuf]>,
    allow_insecure: bool,
    proxies: Arc<Proxies>,
    skew: Skew,
}

impl Connector {
    /// Trusts the platform's authorities and those in `ca_files`. Without a `proxy` the environment decides.
    pub(crate) fn new(
        ca_files: Vec<PathBuf>,
        allow_insecure: bool,
        proxy: Option<&ProxySetting>,
    ) -> Result<Self, CommandError> {
        let proxies = Arc::new(Proxies::new(proxy)?);
        Ok(Self { ca_files: ca_files.into(), allow_insecure, proxies, skew: Skew::default() })
    }

    /// How far this clock is from that of the service connected to last.
    pub(crate) fn skew(&self) -> Skew {
        self.skew.clone()
    }

    /// Takes as long as it takes: whoever calls knows how long to wait.
    pub(super) async fn connect(&self, service: &PushServiceUrl) -> Result<Box<Connection>, ConnectError> {
        service.check_secure(self.allow_insecure)?;
        let url = service.url();
        let host = url.host_str().ok_or("the URL has no host")?;
        let tcp = self.proxies.connect(service).await.map_err(|error| tcp_failure(service, error))?;
        let local = tcp.local_addr()?;
        let stream: Box<dyn Stream> =
            if url.scheme() == "wss" { self.secured(host, tcp).await? } else { Box::new(tcp) };
        // No subprotocol is offered: Mozilla's service never answers one, and the library would take that for a failure.
        let request = url.as_str().into_client_request()?;
        let config = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, response)) => {
                self.skew.note(response.headers(), Timestamp::now());
                Ok(Box::new(Connection { socket, local }))
            }
            Err(tungstenite::Error::Http(response)) => {
                self.skew.note(response.headers(), Timestamp::now());
                let retry_after = retry_after(response.headers(), SystemTime::now());
                let status = response.status();
                Err(match retry_after {
                    None if is_final(status) => elsewhere(format!("{host} answered {status}")),
                    _ => {
                        let reason = format!("{host} answered {status}");
                        ConnectError { reason, retry_after, trouble: None }
                    }
                })
            }
            Err(tungstenite::Error::Protocol(ProtocolError::HttparseError(error))) => {
                Err(elsewhere(format!("{host} does not speak WebSocket: {error}")))
            }
            Err(error) => Err(format!("{host} does not speak WebSocket: {error}").into()),
        }
    }

    /// The proxy that leads to a web server, if one does. It looks up the server's name as well.
    pub(crate) fn proxied(&self, url: &Url) -> Option<Intercept> {
        // A URL that is not understood is not connected to either.
        self.proxies.leading_to(url).unwrap_or_default()
    }

    /// A connection to a web server, for a request of its own; without a proxy, to those of its addresses that `names` tells,
    /// and if `suits` says so of its two ends, this one first, before anything is sent.
    pub(crate) async fn connect_web<R>(
        &self,
        url: &Url,
        proxy: Option<Intercept>,
        names: R,
        suits: impl FnOnce(IpAddr, IpAddr) -> bool,
    ) -> Result<Box<dyn Stream>, String>
    where
        HttpConnector<R>: Service<Uri, Response = TokioIo<TcpStream>>,
        <HttpConnector<R> as Service<Uri>>::Error: std::error::Error + 'static,
    {
        let straight = configured(HttpConnector::new_with_resolver(names));
        let is_straight = proxy.is_none();
        let tcp = proxy::reach(proxy::target(url)?, proxy, straight).await.map_err(|error| error.reason)?;
        if is_straight {
            let ends = tcp.local_addr().and_then(|local| Ok((local.ip(), tcp.peer_addr()?.ip())));
            let (local, peer) = ends.map_err(|error| error.to_string())?;
            if !suits(local, peer) {
                return Err("it is not where it may be".into());
            }
        }
        if url.scheme() != "https" {
            return Ok(Box::new(tcp));
        }
        let host = url.host_str().ok_or("the URL has no host")?;
        self.secured(host, tcp).await.map_err(|error| error.reason)
    }

    async fn secured(&self, host: &str, tcp: TcpStream) -> Result<Box<dyn Stream>, ConnectError> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let tls = TlsConnector::from(Arc::new(self.tls()?));
        Ok(Box::new(tls.connect(name, tcp).await.map_err(|error| tls_failure(host, &error))?))
    }

    fn tls(&self) -> Result<ClientConfig, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut extra = Vec::new();
        for file in self.ca_files.iter() {
            extra.extend(
                certificates(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?,
            );
        }
        let verifier = Verifier::new_with_extra_roots(extra, provider.clone())?;
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth())
    }
}

/// The certificates in a PEM file.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_file_iter(file)?.collect()
}

/// Whether a file holds certificates, and nothing that only looks like one.
pub(crate) fn check_certificates(file: &Path) -> Result<(), String> {
    let certificates = match certificates(file) {
        Ok(certificates) => certificates,
        Err(pem::Error::Io(error)) => return Err(format!("it cannot be read: {error}")),
        Err(_) => Vec::new(),
    };
    if certificates.is_empty() {
        return Err("there is no certificate in it, in PEM: -----BEGIN CERTIFICATE-----".into());
    }
    let mut roots = RootCertStore::empty();
    let understood = certificates.into_iter().try_for_each(|one| roots.add(one));
    understood.map_err(|_| "what it has in place of a certificate is none".into())
}

fn tcp_failure(service: &PushServiceUrl, error: Unreached) -> ConnectError {
    let Unreached { reason, refused } = error;
    if refused && service.is_loopback() {
        return troubled(Trouble::PushServiceNotRunning, format!("no push service listens there ({reason})"));
    }
    ConnectError { reason, retry_after: None, trouble: refused.then_some(Trouble::PushServiceUnreachable) }
}

/// Whether an answer to the handshake will be the same the next time.
fn is_final(status: StatusCode) -> bool {
    use StatusCode as Status;

    let may_pass = matches!(status, Status::REQUEST_TIMEOUT | Status::TOO_EARLY | Status::TOO_MANY_REQUESTS);
    !may_pass && !status.is_server_error()
}

/// Something is there, and it is not the push service.
fn elsewhere(what: String) -> ConnectError {
    troubled(Trouble::PushServiceAddress, what)
}

fn troubled(trouble: Trouble, what: String) -> ConnectError {
    let error = CommandError::from_trouble(trouble, what);
    ConnectError { reason: error.message, retry_after: None, trouble: error.trouble }
}

/// A self-hosted service is often one whose authority nobody has heard of yet.
fn tls_failure(host: &str, error: &std::io::Error) -> ConnectError {
    use CertificateError as Invalid;

    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidMessage(_)) = cause {
        return elsewhere(format!("{host} speaks no TLS at this port"));
    }
    let Some(rustls::Error::InvalidCertificate(invalid)) = cause else {
        return format!("TLS with {host} failed: {error}").into();
    };
    let (trouble, what) = if *invalid == Invalid::UnknownIssuer {
        (Trouble::PushServiceUntrusted, "is not trusted here".to_owned())
    } else if matches!(invalid, Invalid::Expired | Invalid::ExpiredContext { .. }) {
        (Trouble::PushServiceCertificate, "has expired".to_owned())
    } else if matches!(invalid, Invalid::NotValidYet | Invalid::NotValidYetContext { .. }) {
        (Trouble::PushServiceCertificate, "is not valid yet".to_owned())
    } else if matches!(invalid, Invalid::NotValidForName | Invalid::NotValidForNameContext { .. }) {
        (Trouble::PushServiceCertificate, "is for another name".to_owned())
    } else if is_of_an_authority(invalid) {
        // What `openssl req -x509` makes.
        (Trouble::PushServiceAuthority, "is one for signing others (CA:TRUE), not a server's own".to_owned())
    } else {
        (Trouble::PushServiceCertificate, format!("is not accepted ({invalid:?})"))
    };
    troubled(trouble, format!("the certificate of {host} {what}"))
}

fn is_of_an_authority(invalid: &CertificateError) -> bool {
    let CertificateError::Other(other) = invalid else { return false };
    other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_meets_an_unknown_authority_is_told_how_to_trust_it() {
        let failure = |error| {
            let error = rustls::Error::InvalidCertificate(error);
            let error = tls_failure("push.example", &std::io::Error::other(error));
            (error.reason, error.trouble)
        };
        let (unknown, trouble) = failure(CertificateError::UnknownIssuer);
        assert_eq!(trouble, Some(Trouble::PushServiceUntrusted));
        for part in ["of push.example is not trusted", "`--ca FILE`", "`belfry config set ca-file FILE`"] {
            assert!(unknown.contains(part), "{unknown}");
        }
        for (error, what) in [
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidYet, "is not valid yet"),
            (CertificateError::NotValidForName, "is for another name"),
            (CertificateError::BadSignature, "is not accepted (BadSignature)"),
        ] {
            let (reason, trouble) = failure(error);
            assert_eq!(trouble, Some(Trouble::PushServiceCertificate));
            assert!(reason.contains(what) && !reason.contains("--ca"), "{reason}");
        }
        let broken = tls_failure("push.example", &std::io::Error::other("broken"));
        assert_eq!((broken.reason.as_str(), broken.trouble), ("TLS with push.example failed: broken", None));
    }

    #[test]
    fn a_connection_is_cut_when_its_address_is_no_longer_ours() {
        assert!(!is_lost("127.0.0.1:4242".parse().unwrap()));
        assert!(is_lost("192.0.2.1:4242".parse().unwrap()));
    }
}
