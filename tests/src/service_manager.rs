//! A user's real service manager, `systemd --user`, with nothing in it but what a test puts there.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::process::{self, PATIENCE, Process, find_program};
use crate::session::Session;

const SYSTEMD: &str = "/lib/systemd/systemd";

/// On a computer that was not started by systemd it has to be told that one was, where only it can see that.
const PRETEND: &str = "mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec \"$@\"";

/// Otherwise what the system's packages bring would be started, a second session bus among it.
const NOTHING: &str = "[Unit]\nDescription=Nothing\nDefaultDependencies=no\n";

/// A running service manager. Killed when dropped.
#[derive(Debug)]
pub struct ServiceManager(Process);

impl ServiceManager {
    /// Starts it as a login does. What is enabled is on its way by the time this returns.
    pub async fn start(session: &Session) -> Result<Self> {
        let units = session.folder().join("config/systemd/user");
        fs::create_dir_all(&units)?;
        for target in ["basic.target", "default.target"] {
            fs::write(units.join(target), NOTHING)?;
        }
        let path = session.folder().join("ready");
        let told = UnixDatagram::bind(&path)?;
        let mut environment = session.environment().clone();
        environment.insert("NOTIFY_SOCKET".into(), path.clone().into());
        let systemd = [SYSTEMD, "--user", "--log-target=console"];
        let process = if Path::new("/run/systemd/system").is_dir() {
            let [program, arguments @ ..] = systemd;
            Process::start(Path::new(program), arguments, &environment)?
        } else {
            let pretending = ["--mount", "--", "sh", "-c", PRETEND, "sh"].into_iter().chain(systemd);
            Process::start(&find_program("unshare")?, pretending, &environment)?
        };
        let mut manager = Self(process);
        let ready = async {
            let mut message = [0; 4096];
            loop {
                let length = told.recv(&mut message).await?;
                if message.get(..length).is_some_and(|told| told.starts_with(b"READY=1")) {
                    return std::io::Result::Ok(());
                }
            }
        };
        match timeout(PATIENCE, ready).await {
            Ok(ready) => ready?,
            Err(_) => return Err(manager.0.failure("does not become ready").await),
        }
        fs::remove_file(path)?;
        Ok(manager)
    }

    /// Runs `systemctl --user`, which must succeed, and returns what it prints.
    pub async fn systemctl(&self, session: &Session, arguments: &[&str]) -> Result<String> {
        let arguments = ["--user"].iter().chain(arguments);
        let output = process::run(&find_program("systemctl")?, arguments, session.environment(), b"").await?;
        Ok(process::succeeded("systemctl", &output)?.trim().to_owned())
    }

    /// The main process of a unit that runs.
    pub async fn main_process(&self, session: &Session, unit: &str) -> Result<u32> {
        let number = self.systemctl(session, &["show", "--value", "--property=MainPID", unit]).await?;
        let number = number.parse().with_context(|| format!("a process id, not {number:?}"))?;
        ensure!(number != 0, "{unit} does not run");
        Ok(number)
    }

    /// Ends it, and what it runs, as a logout does.
    pub async fn logout(self) -> Result<()> {
        self.0.terminate().await.map(drop)
    }
}
