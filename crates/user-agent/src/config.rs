//! Where a profile lives, how a push service is named, and how an engine is to be started.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::{CommandError, ErrorCode};
use crate::service::check_certificates;

/// Mozilla's push service, the default of a new profile.
pub const MOZILLA: &str = "wss://push.services.mozilla.com/";

/// The WebSocket URL of a push service. Written `mozilla`, or as a `ws:` or `wss:` URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PushServiceUrl(Url);

impl PushServiceUrl {
    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether its traffic can be read on the way: plain `ws:` to something that is not this computer.
    pub fn is_insecure(&self) -> bool {
        self.0.scheme() == "ws" && !self.is_loopback()
    }

    /// Whether it is on this computer.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

/// Whether a URL names this computer.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for PushServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PushServiceUrl {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let text = match text {
            "mozilla" => MOZILLA,
            other => other,
        };
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "ws" | "wss") && url.has_host() => Ok(Self(url)),
            _ => Err(CommandError::invalid("a push service is `mozilla` or a ws:// or wss:// URL")),
        }
    }
}

/// A push service as people name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PushServiceName {
    /// `local`: this user's own on this computer. Whoever runs the engine knows where it listens.
    Local,
    /// Every other one.
    Url(PushServiceUrl),
}

impl FromStr for PushServiceName {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        if text == "local" {
            return Ok(Self::Local);
        }
        text.parse().map(Self::Url).map_err(|_| {
            CommandError::invalid("a push service is `mozilla`, `local`, or a ws:// or wss:// URL")
        })
    }
}

impl TryFrom<String> for PushServiceName {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, CommandError> {
        text.parse()
    }
}

impl From<PushServiceName> for String {
    fn from(name: PushServiceName) -> Self {
        match name {
            PushServiceName::Local => "local".to_owned(),
            PushServiceName::Url(url) => url.into(),
        }
    }
}

impl TryFrom<String> for PushServiceUrl {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, CommandError> {
        text.parse()
    }
}

impl From<PushServiceUrl> for String {
    fn from(url: PushServiceUrl) -> Self {
        url.0.into()
    }
}

/// How to start an engine.
#[derive(Debug, Clone)]
pub struct Options {
    /// The profile's folder; made if it is not there.
    pub profile: PathBuf,
    /// What the engine is for.
    pub mode: Mode,
    /// Stored as the profile's default service when given.
    pub push_service: Option<PushServiceUrl>,
    /// Certificate authorities to trust besides the platform's: PEM files.
    pub ca_files: Vec<PathBuf>,
    /// Allows plain `ws:` to other machines.
    pub allow_insecure: bool,
    /// Connects nowhere until a push service has been chosen: for a front end that asks.
    pub ask_first: bool,
    /// Where the keyring is a sealed file: how its passphrase is found.
    pub passphrase: Passphrase,
}

/// Asks a person for the passphrase of the sealed keyring; `true`: for that of a new one, twice. Blocks.
pub type AskPassphrase = fn(bool) -> std::io::Result<String>;

/// How the passphrase of a sealed keyring is found: the first of these that there is. A systemd credential called
/// `belfry-passphrase` counts after the file.
#[derive(Debug, Clone, Default)]
pub struct Passphrase {
    /// A file whose first line it is.
    pub file: Option<PathBuf>,
    /// A person to ask. Without: nobody is asked.
    pub ask: Option<AskPassphrase>,
}

/// What an engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Receive and show: `belfry run`, the desktop app.
    Receive(Notify),
    /// One command that needs the push service. What arrives meanwhile is stored and shown by the next `Receive`.
    Online,
    /// One command that needs only what is stored.
    Offline,
}

/// How to show notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// The platform's best way.
    Auto,
    /// By notify-rust, on every platform.
    Portable,
    /// Not at all.
    None,
}

/// The profile used when none is named: the platform's folder for application data.
pub fn default_profile() -> Option<PathBuf> {
    let directories = directories::ProjectDirs::from("", "", "belfry")?;
    Some(directories.data_dir().to_owned())
}

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
            _ => Err("a proxy is `none`, or an http:// or socks5:// URL"),
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
            let unusable = |reason: String| CommandError::invalid(format!("{}: {reason}", file.display()));
            if !file.is_absolute() {
                return Err(unusable("give the whole path".into()));
            }
            check_certificates(file).map_err(unusable)?;
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

/// The certificate authority that the profile's `config.toml` names.
pub fn ca_file(profile: &Path) -> Result<Option<PathBuf>, CommandError> {
    ConfigFile::read(profile).map(|file| file.ca_file)
}

impl PushServiceUrl {
    /// Refuses what could be read on the way, unless the user allows it.
    pub(crate) fn check_secure(&self, allow_insecure: bool) -> Result<(), CommandError> {
        if self.is_insecure() && !allow_insecure {
            let message = "plain ws:// is used only on this computer: use wss://, or --allow-insecure";
            return Err(CommandError::invalid(message));
        }
        Ok(())
    }
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
    fn a_push_service_is_named_or_a_websocket_url() {
        assert_eq!("mozilla".parse::<PushServiceUrl>().unwrap().to_string(), MOZILLA);
        assert_eq!(
            "ws://127.0.0.1:8030".parse::<PushServiceUrl>().unwrap().to_string(),
            "ws://127.0.0.1:8030/"
        );
        assert!("https://push.example/".parse::<PushServiceUrl>().is_err());
        assert_eq!("local".parse::<PushServiceName>().unwrap(), PushServiceName::Local);
        assert!("nearby".parse::<PushServiceName>().unwrap_err().message.contains("`local`"));
    }

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

    #[test]
    fn plain_connections_to_other_machines_are_insecure() {
        let insecure = |url: &str| url.parse::<PushServiceUrl>().unwrap().is_insecure();
        for url in ["ws://127.0.0.1:1/", "ws://localhost/", "ws://[::1]/", "wss://push.example/"] {
            assert!(!insecure(url), "{url}");
        }
        assert!(insecure("ws://push.example/"));
        assert!(insecure("ws://192.168.1.2/"));
    }
}
