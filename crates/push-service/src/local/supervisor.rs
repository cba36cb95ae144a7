//! The user's service manager, which keeps the local push service running: systemd on Linux, launchd on macOS. Windows
//! has none for users; there, and where none runs, whoever needs the service starts it.

#[cfg(target_os = "linux")]
#[path = "systemd.rs"]
mod manager;
#[cfg(target_os = "macos")]
#[path = "launchd.rs"]
mod manager;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod manager {
    use super::{Supervised, io};

    pub(super) async fn start(_: &Supervised<'_>) -> io::Result<bool> {
        Ok(false)
    }

    pub(super) async fn remove() -> io::Result<bool> {
        Ok(false)
    }
}

use std::io;
#[cfg(any(target_os = "linux", target_os = "macos"))]
use std::{path::PathBuf, process::Stdio};

#[cfg(any(target_os = "linux", target_os = "macos"))]
use tokio::process::Command;

/// What is to be kept running.
pub(super) struct Supervised<'a> {
    pub(super) program: &'a str,
    pub(super) arguments: &'a [&'a str],
}

/// Has the service manager start it now and at every login, and again when it fails. It listens when this returns. False:
/// there is no service manager.
pub(super) async fn start(supervised: &Supervised<'_>) -> io::Result<bool> {
    manager::start(supervised).await
}

/// Has the service manager stop it and forget it. False: it knew nothing of it.
pub(super) async fn remove() -> io::Result<bool> {
    manager::remove().await
}

/// Runs a program that must succeed.
#[cfg(any(target_os = "linux", target_os = "macos"))]
async fn succeed(program: &str, arguments: &[&str]) -> io::Result<()> {
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program} {}: {}", arguments.join(" "), reason.trim())))
}

/// Writes what the service manager reads, unless that stands there already. Returns whether it did not.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn write(path: &PathBuf, text: &str) -> io::Result<bool> {
    if std::fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).map(|()| true)
}
