//! The way to a push service's endpoints.

use std::error::Error as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls_platform_verifier::Verifier;
use url::{Host, Url};
use user_agent::api::{CommandError, ErrorCode};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);

/// A client that trusts the platform's authorities and those in `ca_files`, and follows no redirect: a subscription's
/// endpoint is where it says it is. This computer is reached directly, others through the environment's proxy.
pub(crate) fn client(ca_files: &[PathBuf], target: &Url) -> Result<reqwest::Client, CommandError> {
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls(ca_files)?)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")));
    if is_this_computer(target) {
        client = client.no_proxy();
    }
    client.build().map_err(|error| CommandError::new(ErrorCode::Internal, reason(error)))
}

/// A request that got no answer, in one line without its URL, which is a secret.
pub(crate) fn unanswered(error: reqwest::Error) -> CommandError {
    let code = if error.is_timeout() { ErrorCode::Timeout } else { ErrorCode::Offline };
    let reason = reason(error);
    let remedy = if reason.contains("certificate") { "; --ca FILE trusts another authority" } else { "" };
    CommandError::new(code, format!("the push service cannot be reached: {reason}{remedy}"))
}

fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        reason = format!("{reason}: {error}");
        source = error.source();
    }
    reason
}

fn tls(ca_files: &[PathBuf]) -> Result<ClientConfig, CommandError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut authorities = Vec::new();
    for file in ca_files {
        let unreadable = |error: pem::Error| {
            CommandError::invalid(format!("cannot read the CA file {}: {error}", file.display()))
        };
        let before = authorities.len();
        for certificate in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
            authorities.push(certificate.map_err(unreadable)?);
        }
        if authorities.len() == before {
            return Err(unreadable(pem::Error::NoItemsFound));
        }
    }
    let config = || {
        let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok::<_, rustls::Error>(config.with_no_client_auth())
    };
    config().map_err(|error| CommandError::new(ErrorCode::Internal, format!("cannot set up TLS: {error}")))
}

fn is_this_computer(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("ca.pem");
        let target = "https://push.example/".parse().unwrap();
        assert_eq!(client(std::slice::from_ref(&file), &target).unwrap_err().code, ErrorCode::Invalid);
        std::fs::write(&file, "not PEM").unwrap();
        let error = client(&[file], &target).unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid);
        assert!(error.message.contains("ca.pem"), "{error}");
    }
}
