//! A desktop session of one's own: private folders, a private D-Bus session bus and a real gnome-keyring on it. Or, for
//! demonstrations, the one this program was started in.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::timeout;
use zbus::Connection;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use crate::process::{Environment, PATIENCE, Process, find_program};

/// Activates no services, so that only what a test starts is on the bus.
const BUS_CONFIGURATION: &str = include_str!("../session-bus.conf");
/// An empty password would leave the keyring locked.
const KEYRING_PASSWORD: &[u8] = b"belfry tests";

/// A session. Everything that was started in it ends when it is dropped.
#[derive(Debug)]
pub struct Session {
    environment: Environment,
    bus: Connection,
    keyring: Option<Process>,
    _bus_daemon: Option<Process>,
    // Last: the folders go after the processes that write to them.
    folder: TempDir,
}

impl Session {
    /// Starts the bus and an unlocked keyring.
    pub async fn start() -> Result<Self> {
        let mut session = Self::without_keyring().await?;
        session.start_keyring().await?;
        Ok(session)
    }

    /// The session of the person who started this program, with a folder of one's own and nothing else.
    pub async fn of_this_person() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("belfry-").tempdir_in("/tmp")?;
        let environment: Environment = std::env::vars_os().collect();
        let bus = Connection::session().await.context("the session bus")?;
        Ok(Self { environment, bus, keyring: None, _bus_daemon: None, folder })
    }

    /// Starts the bus only.
    pub async fn without_keyring() -> Result<Self> {
        // Sockets live in here: the path must stay well below 108 bytes.
        let folder = tempfile::Builder::new().prefix("belfry-").tempdir_in("/tmp")?;
        let mut environment = private_environment(folder.path())?;

        let configuration = folder.path().join("bus.conf");
        fs::write(&configuration, BUS_CONFIGURATION)?;
        let socket = folder.path().join("runtime/bus");
        let arguments = [
            format!("--config-file={}", configuration.display()),
            format!("--address=unix:path={}", socket.display()),
            "--nofork".to_owned(),
            "--nopidfile".to_owned(),
            "--print-address=1".to_owned(),
        ];
        let mut bus_daemon = Process::start(&find_program("dbus-daemon")?, arguments, &environment)?;
        let address = bus_daemon.line().await.context("the session bus")?;
        environment.insert("DBUS_SESSION_BUS_ADDRESS".into(), address.clone().into());
        let bus = connect(&address).await?;
        Ok(Self { environment, bus, keyring: None, _bus_daemon: Some(bus_daemon), folder })
    }

    /// Starts gnome-keyring on this bus, with its login keyring unlocked.
    pub async fn start_keyring(&mut self) -> Result<()> {
        self.run_keyring(true).await
    }

    /// Starts it again as after a login without a password: the login keyring is there and locked.
    pub async fn start_locked_keyring(&mut self) -> Result<()> {
        self.run_keyring(false).await
    }

    async fn run_keyring(&mut self, unlock: bool) -> Result<()> {
        let program = find_program("gnome-keyring-daemon")?;
        let mut arguments = vec!["--foreground", "--components=secrets"];
        if unlock {
            arguments.push("--unlock");
        }
        let mut daemon = Process::start(&program, arguments, &self.environment)?;
        if unlock {
            daemon.feed(KEYRING_PASSWORD).await?;
        }
        wait_for_name(&self.bus, "org.freedesktop.secrets").await?;
        self.keyring = Some(daemon);
        Ok(())
    }

    /// SIGKILL to the keyring. What it keeps stays on the disk.
    pub async fn kill_keyring(&mut self) -> Result<()> {
        self.keyring.take().context("no keyring runs")?.kill().await.map(drop)
    }

    /// Gives the login keyring its password, as a login or a password manager does.
    pub async fn unlock_keyring(&self) -> Result<()> {
        crate::keyring::unlock(&self.bus, KEYRING_PASSWORD).await
    }

    /// The environment for programs of this session.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Adds a variable for programs started from now on.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    /// Puts a folder first in the search path of programs started from now on.
    pub fn search_first(&mut self, folder: &Path) {
        let rest = self.environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        let mut path = folder.as_os_str().to_owned();
        path.push(":");
        path.push(rest);
        self.set("PATH", path);
    }

    /// A connection of the harness's own to this bus.
    pub fn bus(&self) -> &Connection {
        &self.bus
    }

    /// A further connection.
    pub async fn connect(&self) -> Result<Connection> {
        let address =
            self.environment.get(OsStr::new("DBUS_SESSION_BUS_ADDRESS")).context("the bus address")?;
        connect(&address.to_string_lossy()).await
    }

    /// A folder for the test's own files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The processes of this session whose command line has this word in it, whoever started them.
    pub fn processes(&self, word: &str) -> Result<Vec<Pid>> {
        let here = self.folder.path().join("runtime");
        let mut variable = b"XDG_RUNTIME_DIR=".to_vec();
        variable.extend(here.as_os_str().as_encoded_bytes());
        let of_here = |entry: fs::DirEntry| {
            let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
            // A process may end while it is looked at.
            let has = |file: &str, wanted: &[u8]| {
                let text = fs::read(entry.path().join(file)).ok()?;
                text.split(|&byte| byte == 0).any(|part| part == wanted).then_some(())
            };
            has("environ", &variable)?;
            has("cmdline", word.as_bytes())?;
            Some(pid)
        };
        Ok(fs::read_dir("/proc")?.filter_map(|entry| of_here(entry.ok()?)).collect())
    }

    /// A file of the test's own with this content.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A push service that Belfry has started outlives it.
        for pid in self.processes("serve").unwrap_or_default() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns once somebody owns this name on the bus.
pub async fn wait_for_name(bus: &Connection, name: &'static str) -> Result<()> {
    wait_for_owner(bus, name, true).await.with_context(|| format!("nobody owns {name} on the session bus"))
}

/// Returns once nobody owns this name on the bus: whoever did has ended.
pub async fn wait_until_free(bus: &Connection, name: &'static str) -> Result<()> {
    wait_for_owner(bus, name, false).await.with_context(|| format!("{name} stays on the session bus"))
}

async fn wait_for_owner(bus: &Connection, name: &'static str, owned: bool) -> Result<()> {
    let proxy = DBusProxy::new(bus).await?;
    let mut changes = proxy.receive_name_owner_changed_with_args(&[(0, name)]).await?;
    if proxy.name_has_owner(BusName::try_from(name)?).await? == owned {
        return Ok(());
    }
    let changed = async {
        while let Some(change) = changes.next().await {
            if change.args().is_ok_and(|change| change.new_owner().is_some() == owned) {
                break;
            }
        }
    };
    Ok(timeout(PATIENCE, changed).await?)
}

async fn connect(address: &str) -> Result<Connection> {
    Ok(zbus::connection::Builder::address(address)?.build().await?)
}

fn private_environment(folder: &Path) -> Result<Environment> {
    let mut environment = Environment::new();
    for (name, path) in [
        ("HOME", "home"),
        ("XDG_RUNTIME_DIR", "runtime"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
    ] {
        let path = folder.join(path);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        environment.insert(name.into(), path.into());
    }
    environment.insert("LANG".into(), "C.UTF-8".into());
    environment.insert("PATH".into(), std::env::var_os("PATH").context("PATH is not set")?);
    // Coverage and sanitizers write where these say.
    for name in ["LLVM_PROFILE_FILE", "RUST_BACKTRACE", "BELFRY_LOG", "RUST_LOG"] {
        if let Some(value) = std::env::var_os(name) {
            environment.insert(name.into(), value);
        }
    }
    Ok(environment)
}
