//! Opening a WebSocket: TCP, TLS by rustls with the platform's trust store, the upgrade.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};
use webpush::autopush::message::MAX_FRAME;

use crate::config::PushServiceUrl;

/// An open WebSocket, plain or over TLS.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// What a WebSocket runs over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) struct ConnectError {
    /// One line, for people.
    pub(crate) reason: String,
    /// What the service asked for.
    pub(crate) retry_after: Option<Duration>,
}

impl<E: fmt::Display> From<E> for ConnectError {
    fn from(error: E) -> Self {
        Self { reason: error.to_string(), retry_after: None }
    }
}

/// How to reach push services.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    ca_files: Arc<[PathBuf]>,
    allow_insecure: bool,
}

impl Connector {
    /// Trusts the platform's authorities and those in `ca_files`.
    pub(crate) fn new(ca_files: Vec<PathBuf>, allow_insecure: bool) -> Self {
        Self { ca_files: ca_files.into(), allow_insecure }
    }

    pub(super) async fn connect(&self, service: &PushServiceUrl) -> Result<Socket, ConnectError> {
        service.check_secure(self.allow_insecure)?;
        let url = service.url();
        let host = url.host_str().ok_or("the URL has no host")?;
        let port = url.port_or_known_default().ok_or("the URL has no port")?;
        let address = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tcp = TcpStream::connect((address.as_str(), port))
            .await
            .map_err(|error| format!("cannot reach {host}:{port}: {error}"))?;
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Stream> = if url.scheme() == "wss" {
            let name = ServerName::try_from(address)?;
            let tls = TlsConnector::from(Arc::new(self.tls()?));
            Box::new(
                tls.connect(name, tcp).await.map_err(|error| format!("TLS with {host} failed: {error}"))?,
            )
        } else {
            Box::new(tcp)
        };
        // No subprotocol is offered: Mozilla's service never answers one, and the library would take that for a failure.
        let request = url.as_str().into_client_request()?;
        let config = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => {
                let seconds = response.headers().get(http::header::RETRY_AFTER);
                let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse().ok());
                Err(ConnectError {
                    reason: format!("{host} answered {}", response.status()),
                    retry_after: seconds.map(Duration::from_secs),
                })
            }
            Err(error) => Err(format!("{host} does not speak WebSocket: {error}").into()),
        }
    }

    fn tls(&self) -> Result<ClientConfig, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut extra = Vec::new();
        for file in self.ca_files.iter() {
            let unreadable =
                |error: rustls::pki_types::pem::Error| format!("cannot read {}: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
                extra.push(certificate.map_err(unreadable)?);
            }
        }
        let verifier = Verifier::new_with_extra_roots(extra, provider.clone())?;
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth())
    }
}
