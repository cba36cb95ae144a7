//! The push service of this user on this computer: `local` on the command line, "This computer only" in the window.
//!
//! It is an ordinary `belfry serve` on the default data folder. Whoever needs it has the user's service manager keep it
//! running, or starts it where there is none; it then outlives them, so that pushes queue while nobody receives. Its port is
//! chosen once: endpoints contain it.

mod supervisor;

use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use directories::ProjectDirs;
use serde::Deserialize;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use self::supervisor::Supervised;
use crate::folder::{self, Lock};

/// The file in the data folder that says where its service listens, or listened last.
const URL_FILE: &str = "websocket-url";

/// How long a service may take to start: its database may be large, its disk slow.
const START: Duration = Duration::from_secs(20);

/// How often to look for what another process is about to start.
const INTERVAL: Duration = Duration::from_millis(50);

/// The folder of a service for which none is named. `None`: this system has no folder for application data.
pub fn default_data() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "belfry-push-service")?.data_dir().to_owned())
}

/// Why the local push service is not there.
#[derive(Debug, Error)]
pub enum LocalError {
    /// There is no folder for it.
    #[error("this system names no data folder")]
    NoFolder,
    /// Its folder cannot be used.
    #[error("the data folder {path} cannot be used: {source}")]
    Data {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A service of this user runs, with TLS or for other computers.
    #[error("this user's push service listens at {0}: name it by that URL")]
    Elsewhere(Url),
    /// `belfry` cannot be run.
    #[error("cannot run {program}: {source}")]
    Program {
        /// What was to be run.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended at once, with this reason.
    #[error("the local push service did not start: {0}")]
    Refused(String),
    /// The service manager does not do what it is told.
    #[error("the service manager failed: {0}")]
    Manager(#[source] io::Error),
    /// It takes too long.
    #[error("the local push service did not start within {} s", START.as_secs())]
    Slow,
}

/// This user's own push service.
#[derive(Debug, Clone)]
pub struct Local {
    data: PathBuf,
}

impl Local {
    /// With the default data folder.
    pub fn of_this_user() -> Result<Self, LocalError> {
        default_data().map(|data| Self { data }).ok_or(LocalError::NoFolder)
    }

    /// Where it listens, or listened last; `None` before its first start.
    pub fn url(&self) -> Result<Option<Url>, LocalError> {
        match std::fs::read_to_string(self.data.join(URL_FILE)) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(error)),
        }
    }

    /// Returns where it listens, once it does: starts it when it does not run.
    pub async fn ensure(&self) -> Result<Url, LocalError> {
        let deadline = Instant::now() + START;
        loop {
            if !self.is_running()? {
                match self.start().await? {
                    Started::Listening(url) => return own(url),
                    Started::Underway => {}
                }
            } else if let Some(url) = self.url()? {
                return own(url);
            }
            if Instant::now() >= deadline {
                return Err(LocalError::Slow);
            }
            sleep(INTERVAL).await;
        }
    }

    async fn release(&self, url: &Url) -> Result<(), LocalError> {
        if self.url()?.as_ref() != Some(url) {
            return Ok(());
        }
        supervisor::remove().await.map_err(LocalError::Manager)?;
        if self.is_running()? {
            self.end().await?;
        }
        tracing::info!("the local push service has ended");
        Ok(())
    }

    /// Ends one that was started without a service manager.
    #[cfg(unix)]
    async fn end(&self) -> Result<(), LocalError> {
        use rustix::process::{Pid, Signal, kill_process};

        let Some(owner) = Lock::owner(&self.data).and_then(Pid::from_raw) else { return Ok(()) };
        kill_process(owner, Signal::TERM).map_err(|error| self.unusable(error.into()))?;
        let deadline = Instant::now() + START;
        while self.is_running()? && Instant::now() < deadline {
            sleep(INTERVAL).await;
        }
        Ok(())
    }

    /// Ends with the session.
    #[cfg(not(unix))]
    async fn end(&self) -> Result<(), LocalError> {
        std::future::ready(Ok(())).await
    }

    async fn revive(&self, url: &Url) -> Result<bool, LocalError> {
        if self.url()?.as_ref() != Some(url) || self.is_running()? {
            return Ok(false);
        }
        self.ensure().await.map(|_| true)
    }

    fn is_running(&self) -> Result<bool, LocalError> {
        let taken = folder::create_private(&self.data).and_then(|()| Lock::acquire(&self.data));
        Ok(taken.map_err(|error| self.unusable(error))?.is_none())
    }

    async fn start(&self) -> Result<Started, LocalError> {
        let port = match self.url()?.and_then(|url| url.port()) {
            Some(port) => port,
            None => free_port().map_err(|error| self.unusable(error))?,
        };
        let (program, listen) = (program(), format!("127.0.0.1:{port}"));
        match self.start_supervised(&program, &listen).await {
            Ok(true) => return Ok(Started::Underway),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the local push service starts without a service manager"),
        }
        self.start_alone(program, &listen).await
    }

    async fn start_supervised(&self, program: &Path, listen: &str) -> io::Result<bool> {
        let (Some(program), Some(data)) = (program.to_str(), self.data.to_str()) else { return Ok(false) };
        let arguments = ["serve", "--listen", listen, "--data", data];
        let supervised = Supervised { program, arguments: &arguments };
        timeout(START, supervisor::start(&supervised)).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// Starts `belfry serve` in a process group of its own: what ends this process does not end that one.
    async fn start_alone(&self, program: PathBuf, listen: &str) -> Result<Started, LocalError> {
        let mut command = Command::new(&program);
        command.args(["serve", "--json", "--listen", listen, "--data"]).arg(&self.data);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|source| LocalError::Program { program, source })?;
        let Some(stdout) = child.stdout.take() else { return Err(LocalError::Slow) };
        let mut line = String::new();
        let first = timeout(START, BufReader::new(stdout).read_line(&mut line)).await;
        // Nobody else would notice its end, and it would stay as a zombie.
        tokio::spawn(async move { child.wait().await });
        match first {
            Ok(Ok(_)) => started(&line),
            Ok(Err(error)) => Err(LocalError::Refused(error.to_string())),
            Err(_) => Err(LocalError::Slow),
        }
    }

    fn unusable(&self, source: io::Error) -> LocalError {
        LocalError::Data { path: self.data.clone(), source }
    }
}

enum Started {
    Listening(Url),
    /// By the service manager, or by another process that has just begun the same.
    Underway,
}

/// The first line of `serve --json`.
#[derive(Deserialize)]
#[serde(untagged)]
enum FirstLine {
    Listening { websocket: Url },
    Failed { error: Reason },
}

#[derive(Deserialize)]
struct Reason {
    code: String,
    message: String,
}

fn started(line: &str) -> Result<Started, LocalError> {
    match serde_json::from_str(line) {
        Ok(FirstLine::Listening { websocket }) => Ok(Started::Listening(websocket)),
        Ok(FirstLine::Failed { error }) if error.code == "profile-in-use" => Ok(Started::Underway),
        Ok(FirstLine::Failed { error }) => Err(LocalError::Refused(error.message)),
        Err(_) => Err(LocalError::Refused("it said nothing".into())),
    }
}

/// Starts this user's service again if `url` is where it listened and it does not run any more: its receiver has lost the
/// connection, and where no service manager does it, nobody else would.
pub async fn revive(url: &Url) {
    match async { Local::of_this_user()?.revive(url).await }.await {
        Ok(true) => tracing::info!("the local push service is up again"),
        Ok(false) => {}
        Err(error) => tracing::warn!("{error}"),
    }
}

/// Ends this user's service if `url` is where it listened: its user needs it no more. What it keeps stays.
pub async fn release(url: &Url) {
    if let Err(error) = async { Local::of_this_user()?.release(url).await }.await {
        tracing::warn!("{error}");
    }
}

/// One that no other program has now, and that will be asked for by its number from now on.
fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Only what programs on this computer, and nobody else, can reach.
fn own(url: Url) -> Result<Url, LocalError> {
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(_)) | None => false,
    };
    if loopback && url.scheme() == "ws" { Ok(url) } else { Err(LocalError::Elsewhere(url)) }
}

/// `belfry`, beside this program or on the search path.
fn program() -> PathBuf {
    let name = Path::new("belfry").with_extension(std::env::consts::EXE_EXTENSION);
    let sibling = std::env::current_exe().ok().map(|program| program.with_file_name(&name));
    sibling.filter(|path| path.is_file()).unwrap_or(name)
}

/// Notes where the service with this data folder listens. Whole or not at all: a torn URL would cost the port.
pub(crate) fn remember(data: &Path, websocket: &Url) -> io::Result<()> {
    let new = data.join(format!("{URL_FILE}.new"));
    folder::private_file().truncate(true).open(&new)?.write_all(websocket.as_str().as_bytes())?;
    std::fs::rename(new, data.join(URL_FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(folder: &tempfile::TempDir) -> Local {
        Local { data: folder.path().join("data") }
    }

    #[tokio::test]
    async fn a_service_that_runs_is_found_where_it_listens() {
        let temp = tempfile::tempdir().unwrap();
        let local = local(&temp);
        assert_eq!(local.url().unwrap(), None);
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = crate::Config {
            listen,
            data: local.data.clone(),
            public_url: None,
            tls: crate::Tls::None,
            registration_token: None,
            rate_limits: None,
            trusted_proxies: Vec::new(),
        };
        let service = crate::PushService::start(config).await.unwrap();
        let url = local.ensure().await.unwrap();
        assert_eq!(url.port(), Some(service.address().port()));
        assert!(!local.revive(&url).await.unwrap(), "it runs");
        service.shutdown().await;
        assert_eq!(local.url().unwrap(), Some(url), "its port is kept");
        let other = "ws://127.0.0.1:1/".parse().unwrap();
        assert!(!local.revive(&other).await.unwrap(), "that one is somebody else's");
    }

    #[test]
    fn what_other_computers_reach_is_not_local() {
        assert!(own("ws://127.0.0.1:8030/".parse().unwrap()).is_ok());
        for url in ["wss://127.0.0.1:8030/", "ws://192.168.1.2:8030/", "ws://push.example/"] {
            assert!(matches!(own(url.parse().unwrap()), Err(LocalError::Elsewhere(_))), "{url}");
        }
    }

    #[test]
    fn the_first_line_says_where_it_listens_or_why_not() {
        let line = r#"{"event":"listening","websocket":"ws://127.0.0.1:9/","endpoint":"http://127.0.0.1:9/","ca":null}"#;
        assert!(matches!(started(line), Ok(Started::Listening(url)) if url.port() == Some(9)));
        let failed = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"taken"}}}}"#);
        assert!(matches!(started(&failed("profile-in-use")), Ok(Started::Underway)));
        assert!(matches!(started(&failed("invalid")), Err(LocalError::Refused(reason)) if reason == "taken"));
        assert!(started("").is_err());
    }
}
