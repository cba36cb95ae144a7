//! Where a profile lives, how a push service is named, and how an engine is to be started.

mod file;
mod push_service;

use std::path::PathBuf;

pub(crate) use self::file::{ConfigFile, KeyringKind, ProxySetting, create_private};
pub use self::file::{ca_file, check_ca_file};
pub(crate) use self::push_service::is_loopback;
pub use self::push_service::{MOZILLA, PushServiceName, PushServiceUrl};

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
