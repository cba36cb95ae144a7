//! Xfce's notification daemon on a virtual display, for pictures.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::drawn::Drawn;
use crate::process::{Process, find_program};
use crate::session::{Session, wait_for_name};

/// Where Debian keeps what is started by the bus: `xfce4/notifyd/xfce4-notifyd` below a folder for the architecture.
const LIBRARIES: &str = "/usr/lib";

/// xfce4-notifyd on a display. Ends when it is dropped.
#[derive(Debug)]
pub struct Xfce {
    drawn: Drawn,
    _daemon: Process,
    /// Keeps its settings, without which it does not start.
    _settings: Process,
}

impl Xfce {
    /// Starts it as the session's notification server, on the session's display.
    pub async fn start(session: &Session) -> Result<Self> {
        let environment = session.environment().clone();
        let none: [&OsStr; 0] = [];
        let settings = Process::start(&library("xfce4/xfconf/xfconfd")?, none, &environment)?;
        wait_for_name(session.bus(), "org.xfce.Xfconf").await?;
        let daemon = Process::start(&library("xfce4/notifyd/xfce4-notifyd")?, none, &environment)?;
        wait_for_name(session.bus(), "org.freedesktop.Notifications").await?;
        let drawn = Drawn { environment, class: "xfce4-notifyd" };
        Ok(Self { drawn, _daemon: daemon, _settings: settings })
    }

    /// Waits until a notification is drawn, and writes two pictures to the folder: the whole display, and the
    /// notification. Returns the latter.
    pub async fn picture(&self, folder: &Path) -> Result<PathBuf> {
        self.drawn.picture(folder).await
    }
}

fn library(path: &str) -> Result<PathBuf> {
    let folders = std::fs::read_dir(LIBRARIES).context("read /usr/lib")?;
    let mut files = folders.filter_map(|folder| Some(folder.ok()?.path().join(path)));
    match files.find(|file| file.is_file()) {
        Some(file) => Ok(file),
        None => find_program(path.rsplit('/').next().unwrap_or(path)),
    }
}
