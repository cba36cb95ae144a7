//! What a person may edit by hand, and what a file needs that only its user may read.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use crate::api::{CommandError, ErrorCode};
use crate::service::check_certificates;

/// `config.toml` in the profile's folder: what a person may edit by hand.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ConfigFile {
    /// A certificate authority to trust besides the platform's: a PEM file.
    pub(crate) ca_file: Option<PathBuf>,
    /// The proxy to push services, in place of the environment's.
    pub(crate) proxy: Option<ProxySetting>,
    /// Where the secrets are.
    pub(crate) keyring: KeyringKind,
}

/// What `keyring` in `config.toml` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyringKind {
    /// The platform's.
    #[default]
    System,
    /// A file in the profile's folder, sealed with a passphrase.
    File,
}

/// `http://` or `socks5://` with a host, or `none`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum ProxySetting {
    /// Straight to the push service, whatever the environment says.
    Direct,
    /// Through this one.
    Proxy(Url),
}

/// The URL may hold a password.
impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "Direct",
            Self::Proxy(_) => "Proxy(..)",
        })
    }
}

impl TryFrom<String> for ProxySetting {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match Url::parse(&text) {
            _ if text == "none" => Ok(Self::Direct),
            Ok(url) if matches!(url.scheme(), "http" | "socks5" | "socks5h") && url.has_host() => {
                Ok(Self::Proxy(url))
            }
            _ => {
                Err("a proxy is `none`, or an http:// or socks5:// URL such as http://proxy.example.org:3128")
            }
        }
    }
}

impl ConfigFile {
    /// A file that is not there is empty; one that cannot be understood is an error that names the line.
    pub(crate) fn read(profile: &Path) -> Result<Self, CommandError> {
        let path = profile.join("config.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(CommandError::invalid(format!("cannot read {}: {error}", path.display())));
            }
        };
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            // Its own form shows the line itself, which may hold a proxy's password.
            let before = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(before).filter(|byte| *byte == b'\n').count();
            CommandError::invalid(format!("{}, line {line}: {}", path.display(), error.message()))
        })
    }

    /// Names another certificate authority, or none, and leaves the rest of the file as its author wrote it.
    pub(crate) fn set_ca_file(profile: &Path, ca_file: Option<&Path>) -> Result<(), CommandError> {
        if let Some(file) = ca_file {
            if !file.is_absolute() {
                return Err(CommandError::invalid(format!("{}: give the whole path", file.display())));
            }
            check_ca_file(file)?;
        }
        // What cannot be understood is not written over.
        Self::read(profile)?;
        let path = profile.join("config.toml");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let invalid = |error: String| CommandError::invalid(format!("{}: {error}", path.display()));
        let mut document: toml_edit::DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| invalid(error.to_string()))?;
        match ca_file {
            Some(file) => {
                let file = file.to_str().ok_or_else(|| invalid("the path is not Unicode".into()))?;
                document.insert("ca-file", toml_edit::value(file));
            }
            None => drop(document.remove("ca-file")),
        }
        // Written beside it and put in its place: it is never half a file.
        let written = create_private(&path).and_then(|()| {
            let new = profile.join("config.toml.new");
            create_private(&new)?;
            std::fs::write(&new, document.to_string())?;
            std::fs::rename(&new, &path)
        });
        written.map_err(|error| {
            CommandError::new(ErrorCode::Storage, format!("cannot write {}: {error}", path.display()))
        })
    }
}

/// Refuses a file that names no certificate authority.
pub fn check_ca_file(file: &Path) -> Result<(), CommandError> {
    check_certificates(file).map_err(|reason| CommandError::invalid(format!("{}: {reason}", file.display())))
}

/// The certificate authority that the profile's `config.toml` names.
pub fn ca_file(profile: &Path) -> Result<Option<PathBuf>, CommandError> {
    ConfigFile::read(profile).map(|file| file.ca_file)
}

/// Makes a file that only its user can read; one that is there is left as it is.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_not_understood_is_named_by_its_line_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            std::fs::write(folder.path().join("config.toml"), text).unwrap();
            ConfigFile::read(folder.path())
        };
        for good in ["http://user:pw@proxy.example:3128", "socks5://[::1]:1080", "none"] {
            let setting = read(&format!("proxy = \"{good}\"\n")).unwrap().proxy.unwrap();
            assert!(!format!("{setting:?}").contains("pw"));
        }
        for bad in ["ftp://user:hunter2@proxy.example", "hunter2", "https://hunter2", ""] {
            let message = read(&format!("ca-file = \"x\"\nproxy = \"{bad}\"\n")).unwrap_err().message;
            assert!(message.contains("line 2") && message.contains("socks5"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
        assert!(read("ca-file = \"x\"\n\ncafile = \"y\"").unwrap_err().message.contains("line 3"));
    }

    #[test]
    fn a_setting_is_changed_and_the_rest_of_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        for none in ["no certificate", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&ca, none).unwrap();
            assert!(ConfigFile::set_ca_file(folder.path(), Some(&ca)).is_err(), "{none}");
        }
        let authority = rcgen::generate_simple_self_signed(["authority.example".to_owned()]).unwrap();
        std::fs::write(&ca, authority.cert.pem()).unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "# mine\n").unwrap();
        ConfigFile::set_ca_file(folder.path(), Some(&ca)).unwrap();
        assert_eq!(ConfigFile::read(folder.path()).unwrap().ca_file, Some(ca));
        assert!(std::fs::read_to_string(&path).unwrap().contains("# mine\n"));
        ConfigFile::set_ca_file(folder.path(), None).unwrap();
        assert_eq!(ConfigFile::read(folder.path()).unwrap().ca_file, None);
        assert!(ConfigFile::set_ca_file(folder.path(), Some(Path::new("ca.pem"))).is_err());
        assert!(ConfigFile::set_ca_file(folder.path(), Some(&folder.path().join("absent"))).is_err());
        std::fs::write(&path, "mistyped = 1\n").unwrap();
        assert!(ConfigFile::set_ca_file(folder.path(), None).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mistyped = 1\n");
    }
}
