//! A CA of this service's own: its certificate is given to those who connect, its key stays in the data folder.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";

/// Names the issuer in every certificate, so it must stay what it was when the CA was made.
const NAME: &str = "Belfry push service local CA";

const DAY: u64 = 86_400;
const CA_LIFETIME: u64 = 20 * 365 * DAY;
/// Well above the time after which it is replaced, so that one issued just before a long sleep still holds.
const CERTIFICATE_LIFETIME: u64 = 90 * DAY;
/// For clocks that are behind.
const BACKDATED: u64 = DAY;

/// Made once, then kept: those who trust it must not have to be told again.
pub(super) struct LocalCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: PathBuf,
}

impl LocalCa {
    /// Opens the CA in this folder, or makes one. `now`: seconds since the epoch.
    pub(super) fn open(folder: &Path, now: u64) -> Result<Self, TlsError> {
        let (certificate, key_path) = (folder.join(CERTIFICATE), folder.join(KEY));
        let params = ca_params(now);
        let key = if certificate.exists() && key_path.exists() {
            let pem = fs::read_to_string(&key_path).map_err(file_error(&key_path))?;
            KeyPair::from_pem(&pem)
                .map_err(|_| TlsError::Pem { path: key_path.clone(), what: "private key" })?
        } else {
            let key = KeyPair::generate()?;
            crate::folder::create_private(folder).map_err(file_error(folder))?;
            write(&key_path, &key.serialize_pem(), 0o600)?;
            write(&certificate, &params.self_signed(&key)?.pem(), 0o644)?;
            key
        };
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// The file to hand to those who connect: PEM.
    pub(super) fn certificate_path(&self) -> &Path {
        &self.certificate
    }

    /// A certificate for these hosts and for this computer, with a key that is never written down.
    pub(super) fn issue(
        &self,
        hosts: &[String],
        now: u64,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let own = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let name = gethostname::gethostname().into_string().unwrap_or_default();
        let mut names: Vec<String> = own.into_iter().chain([name]).chain(hosts.iter().cloned()).collect();
        names.retain(|name| can_be_certified(name));
        names.sort();
        names.dedup();

        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "Belfry push service");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, now, CERTIFICATE_LIFETIME);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((vec![certificate.into()], key.into()))
    }
}

/// An address, or a name that TLS clients know how to compare: a malformed one can make them refuse all the others.
fn can_be_certified(name: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.parse::<IpAddr>().is_ok() || (!name.is_empty() && name.chars().all(part_of_name))
}

fn ca_params(now: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now, CA_LIFETIME);
    params
}

fn set_validity(params: &mut CertificateParams, now: u64, lifetime: u64) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(now.saturating_sub(BACKDATED));
    params.not_after = epoch + Duration::from_secs(now.saturating_add(lifetime));
}

/// Complete or not at all.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let unfinished = path.with_extension("tmp");
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
        .open(&unfinished)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(file_error(path))
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn the_ca_stays_the_same_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let ca = LocalCa::open(folder.path(), NOW).unwrap();
        let certificate = fs::read(ca.certificate_path()).unwrap();
        let again = LocalCa::open(folder.path(), NOW + DAY).unwrap();
        assert_eq!(fs::read(again.certificate_path()).unwrap(), certificate);
        assert_eq!(again.issuer.key().serialize_der(), ca.issuer.key().serialize_der());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn host_names_that_no_certificate_can_hold_are_left_out() {
        for good in ["localhost", "my_host-1.local", "192.0.2.1", "2001:db8::1"] {
            assert!(can_be_certified(good), "{good:?}");
        }
        let bad = ["", "b\u{fc}cher.example", "Somebody's computer", "*.example.org"].map(str::to_owned);
        for name in &bad {
            assert!(!can_be_certified(name), "{name:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(LocalCa::open(folder.path(), NOW).unwrap().issue(&bad, NOW).is_ok());
    }

    #[test]
    fn a_damaged_key_is_reported_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        drop(LocalCa::open(folder.path(), NOW).unwrap());
        fs::write(folder.path().join(KEY), "damaged").unwrap();
        assert!(matches!(LocalCa::open(folder.path(), NOW), Err(TlsError::Pem { .. })));
        assert_eq!(fs::read_to_string(folder.path().join(KEY)).unwrap(), "damaged");
    }
}
