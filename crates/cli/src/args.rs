//! The command line, as clap reads it.

mod send;
mod site;
mod until;
mod values;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use url::Url;
use user_agent::api::{CommandError, EntryId, SettingKey};
use user_agent::config::{Mode, Notify, Options, Passphrase, PushServiceName, default_profile};

pub(crate) use send::{Button, Members, Send};
pub(crate) use site::{SiteAdd, SiteCommand, SiteSet};
use until::until;
pub(crate) use values::{Change, Silence, Source};

/// Receives Web Push on the desktop, without a browser. Also a push service, and an application server.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, after_long_help = crate::exit::help())]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Reads a command line. What it refuses is wrong usage.
    pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments = Self::try_parse_from(words)?;
        match arguments.check() {
            Ok(()) => Ok(arguments),
            Err(error) => Err(Self::command().error(ErrorKind::ValueValidation, error.message)),
        }
    }

    /// What single values do not tell.
    fn check(&self) -> Result<(), CommandError> {
        let Self { global, command } = self;
        if let Command::Config(ConfigCommand::Set { key, value: Some(value), .. }) = command {
            return check_setting(*key, value);
        }
        if let Command::Run(Run { push_service: Some(PushServiceName::Url(url)), .. }) = command {
            // Any other command may be done by a process that was allowed to.
            return url.check_secure(global.allow_insecure);
        }
        if let Command::Send(send) = command { send.check() } else { Ok(()) }
    }
}

/// Which values there are depends on the setting.
fn check_setting(key: SettingKey, value: &str) -> Result<(), CommandError> {
    match key {
        SettingKey::PushService => value.parse::<PushServiceName>().map(drop),
        SettingKey::DndSchedule
        | SettingKey::HistoryDays
        | SettingKey::HistoryPerSite
        | SettingKey::CaFile => key.check(value),
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The profile's folder [default: `belfry` in the system's folder for application data]
    #[arg(long, global = true, env = "BELFRY_PROFILE", value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// Also trust the certificate authorities in this PEM file; may be repeated
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
    /// Print one JSON object per line, and nothing else, on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log what happens to stderr; twice: in detail
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How to write the log
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    /// Allow plain ws:// to other computers
    #[arg(long, global = true)]
    pub(crate) allow_insecure: bool,
    /// Where `keyring = "file"` is set in config.toml: the file whose first line is the passphrase
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl Global {
    /// The profile's folder.
    pub(crate) fn profile(&self) -> Result<PathBuf, CommandError> {
        let profile = self.profile.clone().or_else(default_profile);
        profile.ok_or_else(|| CommandError::invalid("this system names no data folder: give --profile"))
    }

    /// The authorities to trust besides the platform's: those given, and the profile's own.
    pub(crate) fn ca_files(&self) -> Result<Vec<PathBuf>, CommandError> {
        let mut files = self.ca.clone();
        files.extend(user_agent::config::ca_file(&self.profile()?)?);
        Ok(files)
    }

    /// How to start an engine for a command, should no other process own the profile.
    pub(crate) fn engine(&self, mode: Mode) -> Result<Options, CommandError> {
        Ok(Options {
            profile: self.profile()?,
            mode,
            push_service: None,
            ca_files: self.ca.clone(),
            allow_insecure: self.allow_insecure,
            ask_first: false,
            passphrase: Passphrase {
                file: self.passphrase_file.clone(),
                ask: io::stdin().is_terminal().then_some(ask_passphrase),
            },
        })
    }
}

/// On the terminal, without an echo; twice for a new one.
fn ask_passphrase(new: bool) -> io::Result<String> {
    let passphrase = rpassword::prompt_password("Passphrase of the keyring file: ")?;
    if new && rpassword::prompt_password("Again: ")? != passphrase {
        return Err(io::Error::other("the two passphrases differ"));
    }
    Ok(passphrase)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a push service: WebSocket at /, endpoints under /wpush/
    Serve(Serve),
    /// Receive in the foreground, without a window
    #[command(long_about = "Receive in the foreground, without a window.\n\n\
        Connects at once, even with no site. When standard output is closed it goes on receiving: a log that went away must \
        not cost a notification. A keyring that is locked or absent is waited for: nothing is asked, see `belfry unlock`. Ctrl-C or SIGTERM stops it; a second one does not wait for commands of --exec.")]
    Run(Run),
    /// The sites that may send
    #[command(subcommand)]
    Site(SiteCommand),
    /// What arrived, newest first
    Inbox(Inbox),
    /// Do Not Disturb
    Dnd {
        /// on, off, a duration, or until-tomorrow; without it, what is in force is printed
        state: Option<Silence>,
    },
    /// Settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Push services
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Send a push to a subscription, as an application server does
    #[command(
        long_about = "Send a push to a subscription, as an application server does: encrypt it, post it, print the status \
        and the Location.\n\n\
        --title with --navigate makes a Declarative Web Push document, which may have every other member of a notification \
        as well. That format requires a link, so --title alone makes flat JSON, {\"title\",\"body\"}. Without --title and \
        --payload the push has no body."
    )]
    Send(Box<Send>),
    /// Send a push to oneself through the real push service and wait for it
    #[command(long_about = "Send a push to oneself through the real push service and wait for it.\n\n\
        Without SITE the first site that accepts any sender is used. When there is none, or when SITE accepts only the \
        sender of a VAPID key, a temporary site \"Belfry test\" is made and removed afterwards.")]
    Test {
        /// A site's name or id
        site: Option<String>,
    },
    /// Look at every part that receiving needs, and say what to do about what is wrong
    #[command(
        long_about = "Look at every part that receiving needs, and say what to do about what is wrong.\n\n\
        Exit status 0: everything works, perhaps with less than it could (warnings); 1: pushes are not received or not \
        shown."
    )]
    Doctor,
    /// Have the keyring ask for its password
    #[command(long_about = "Have the keyring ask for its password, and wait for the answer.\n\n\
        Nothing else raises its question by itself: a receiver whose keyring is locked waits until it is unlocked, here or \
        elsewhere. Where `keyring = \"file\"` is set, a receiver that runs has the file open; otherwise the passphrase is tried.")]
    Unlock,
    /// Keys of an application server
    #[command(subcommand)]
    Vapid(VapidCommand),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8030", value_name = "ADDRESS", value_parser = values::address)]
    pub(crate) listen: SocketAddr,
    /// Where messages are kept [default: `belfry-push-service` in the system's folder for application data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How others reach the service, when that is not the listening address
    #[arg(long, value_name = "URL", value_parser = values::public_url)]
    pub(crate) public_url: Option<Url>,
    /// The certificate chain in PEM: serves https and wss
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", conflicts_with = "tls")]
    pub(crate) tls_key: Option<PathBuf>,
    /// `auto`: make a local certificate authority in the data folder and serve https and wss
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) tls: Option<TlsMode>,
    /// Let only those user agents connect whose WebSocket URL ends in the token in the first line of this file
    ///
    /// 16 to 256 of A-Z a-z 0-9 - . _ ~, so that a service which others reach is not open to the world: user agents are
    /// given `wss://HOST/TOKEN`, any other path answers 404. The token is not printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) registration_token: Option<PathBuf>,
    /// Answer 429 to more than 120 messages a minute for one endpoint, or 3,000 requests from one address [default: on,
    /// but off where only this computer connects]
    #[arg(long, value_enum, value_name = "WHETHER")]
    pub(crate) rate_limits: Option<Switch>,
    /// Believe the X-Forwarded-For of a proxy at this address; may be repeated. Turns the limits on
    #[arg(long, value_name = "ADDRESS", value_parser = values::ip)]
    pub(crate) trusted_proxy: Vec<IpAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsMode {
    Auto,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Stored as the push service of new sites: `mozilla`, `local`, or a ws:// or wss:// URL
    #[arg(long, value_name = "URL")]
    pub(crate) push_service: Option<PushServiceName>,
    /// How to show notifications
    #[arg(long, value_enum, default_value_t = NotifyMode::Auto, value_name = "HOW")]
    pub(crate) notify: NotifyMode,
    /// Run this shell command for every push that is shown or recorded
    ///
    /// It gets the push as the JSON line of `run --json` on its standard input, and BELFRY_SITE, BELFRY_TITLE, BELFRY_BODY
    /// and BELFRY_URL in its environment (quote them: they are the sender's text). Its output goes to stderr. At most four
    /// run at a time, the others wait.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NotifyMode {
    Auto,
    Portable,
    None,
}

impl From<NotifyMode> for Notify {
    fn from(mode: NotifyMode) -> Self {
        match mode {
            NotifyMode::Auto => Self::Auto,
            NotifyMode::Portable => Self::Portable,
            NotifyMode::None => Self::None,
        }
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Inbox {
    /// Only this site's (name or id)
    #[arg(long)]
    pub(crate) site: Option<String>,
    /// Only entries with all these words in title or body
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only unread ones
    #[arg(long)]
    pub(crate) unread: bool,
    /// At most this many [default: 50]
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub(crate) limit: Option<u32>,
    #[command(subcommand)]
    pub(crate) command: Option<InboxCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InboxCommand {
    /// Show one entry
    Show {
        /// Its id
        id: EntryId,
        /// Print the decrypted payload as it is stored; with --json as the member `raw` of the entry
        ///
        /// One that is no text is written to a file or a program byte for byte, and to a terminal in hexadecimal digits. With
        /// --json it is the member `raw_base64` in place of `raw`.
        #[arg(long)]
        raw: bool,
    },
    /// Mark entries as read
    Read {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<EntryId>,
    },
    /// Delete entries
    Delete {
        /// Their ids
        #[arg(required = true, value_name = "ID")]
        ids: Vec<EntryId>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a setting
    Get {
        /// push-service, dnd-schedule, history-days, history-per-site or ca-file
        key: SettingKey,
    },
    /// Change a setting
    #[command(long_about = "Change a setting.\n\n  \
        push-service      where new sites go\n  \
        dnd-schedule      when it is quiet: 22:00-07:00, or 22:00-07:00,mon-fri with the days it begins on; off\n  \
        history-days      days that the history is kept; off: for ever\n  \
        history-per-site  entries that are kept of a site; off: all\n  \
        ca-file           a certificate authority to trust as well, from the next start; off: none\n\n\
        A limit of the history under which messages that are there would be deleted is asked about on a terminal; elsewhere \
        it needs --yes.")]
    Set {
        /// push-service, dnd-schedule, history-days, history-per-site or ca-file
        key: SettingKey,
        /// Its value; without one, the default
        value: Option<String>,
        /// Do not ask before a limit of the history deletes messages
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// List the push services
    List,
    /// Add a push service
    Add {
        /// `mozilla`, `local`, or a ws:// or wss:// URL
        url: PushServiceName,
    },
    /// Remove a push service that no site is at
    Remove {
        /// `mozilla`, `local`, or a ws:// or wss:// URL
        url: PushServiceName,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum VapidCommand {
    /// Make a key pair: the private key in PEM on stdout, the public one, which `site add --vapid-key` takes, on stderr
    Generate,
}

impl Serve {
    /// A proxy that is told apart from its clients serves others than this computer.
    pub(crate) fn rate_limits(&self) -> Option<push_service::RateLimits> {
        let limited = match self.rate_limits {
            Some(switch) => switch == Switch::On,
            None => !self.listen.ip().is_loopback() || !self.trusted_proxy.is_empty(),
        };
        limited.then(push_service::RateLimits::default)
    }

    pub(crate) fn tls(self) -> push_service::Tls {
        match (self.tls_cert, self.tls_key, self.tls) {
            (Some(cert), Some(key), _) => push_service::Tls::Files { cert, key },
            (_, _, Some(TlsMode::Auto)) => push_service::Tls::Auto,
            _ => push_service::Tls::None,
        }
    }
}

#[cfg(test)]
mod tests;
