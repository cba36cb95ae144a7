//! TLS by rustls with ring: certificate files, or certificates of a local CA.

mod local_ca;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use self::local_ca::LocalCa;

/// How long a certificate of the local CA is used before a fresh one takes its place, in seconds: 30 days.
const RENEW_AFTER: u64 = 30 * 86_400;

/// How the service is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// http and ws: for this computer, or behind a proxy that speaks TLS.
    #[default]
    None,
    /// https and wss with a certificate from elsewhere.
    Files {
        /// PEM: the server's certificate, then the intermediate ones.
        cert: PathBuf,
        /// PEM: its private key.
        key: PathBuf,
    },
    /// https and wss with certificates of a CA made on this computer, kept in the data folder. Programs that connect
    /// have to be told to trust it: see [`PushService::ca`](crate::PushService::ca).
    Auto,
}

/// Why TLS could not be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: no usable {what} in PEM")]
    Pem {
        /// Which.
        path: PathBuf,
        /// `certificate` or `private key`.
        what: &'static str,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Generate(#[from] rcgen::Error),
    /// Certificate and key do not fit.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// TLS as it is in use.
pub(crate) struct Active {
    config: RustlsConfig,
    local: Option<Local>,
}

struct Local {
    ca: LocalCa,
    hosts: Vec<String>,
    issued_at: u64,
}

impl Active {
    /// Loads or makes the certificates. `hosts`: names and addresses the service goes by, beside those of this computer.
    /// `now`: seconds since the epoch. `None`: no TLS.
    pub(crate) fn new(
        tls: &Tls,
        data: &Path,
        hosts: Vec<String>,
        now: u64,
    ) -> Result<Option<Self>, TlsError> {
        Ok(match tls {
            Tls::None => None,
            Tls::Files { cert, key } => {
                let config = server_config(certificates(cert)?, private_key(key)?)?;
                Some(Self { config: RustlsConfig::from_config(config), local: None })
            }
            Tls::Auto => {
                let ca = LocalCa::open(&data.join("tls"), now)?;
                let (certificates, key) = ca.issue(&hosts, now)?;
                let config = RustlsConfig::from_config(server_config(certificates, key)?);
                Some(Self { config, local: Some(Local { ca, hosts, issued_at: now }) })
            }
        })
    }

    /// For axum-server's acceptor; it follows renewals.
    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// The local CA's certificate, if there is one.
    pub(crate) fn ca(&self) -> Option<&Path> {
        self.local.as_ref().map(|local| local.ca.certificate_path())
    }

    /// Issues a fresh certificate for new connections, if it is time.
    pub(crate) fn renew_if_due(&mut self, now: u64) -> Result<(), TlsError> {
        if let Some(local) = &mut self.local
            && now >= local.issued_at.saturating_add(RENEW_AFTER)
        {
            let (certificates, key) = local.ca.issue(&local.hosts, now)?;
            self.config.reload_from_config(server_config(certificates, key)?);
            local.issued_at = now;
        }
        Ok(())
    }
}

/// HTTP/1.1 only: WebSocket over HTTP/2 is another protocol, which user agents do not speak here.
fn server_config(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(TlsError::Pem { path: path.to_owned(), what: "certificate" }),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?)
        .map_err(|_| TlsError::Pem { path: path.to_owned(), what: "private key" })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOW: u64 = 1_800_000_000;

    fn auto(folder: &Path, now: u64) -> Active {
        Active::new(&Tls::Auto, folder, vec!["push.example.org".to_owned()], now).unwrap().unwrap()
    }

    #[test]
    fn without_tls_there_is_nothing_to_set_up() {
        assert!(Active::new(&Tls::None, Path::new("/nowhere"), Vec::new(), NOW).unwrap().is_none());
    }

    #[test]
    fn files_that_hold_no_certificate_or_key_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let load = || {
            let files = Tls::Files { cert: cert.clone(), key: key.clone() };
            Active::new(&files, folder.path(), Vec::new(), NOW).err().map(|error| error.to_string())
        };
        assert!(load().unwrap().contains("cert.pem"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, "nothing").unwrap();
        assert!(load().unwrap().contains("key.pem"));
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        assert_eq!(load(), None);
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
        assert!(load().unwrap().contains("cannot be used"));
    }

    #[test]
    fn the_certificate_is_renewed_in_time_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut active = auto(folder.path(), NOW);
        let first = active.config.get_inner();
        active.renew_if_due(NOW + 29 * DAY).unwrap();
        assert!(Arc::ptr_eq(&first, &active.config.get_inner()));
        active.renew_if_due(NOW + 30 * DAY).unwrap();
        assert!(!Arc::ptr_eq(&first, &active.config.get_inner()));
    }
}
