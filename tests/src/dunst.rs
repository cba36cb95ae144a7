//! A real notification daemon on a virtual display, for pictures.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::drawn::Drawn;
use crate::process::{Process, find_program};
use crate::session::{Session, wait_for_name};

const DUNST_CONFIGURATION: &str = include_str!("../demo/dunstrc");

/// Dunst on a display. Ends when it is dropped.
#[derive(Debug)]
pub struct Dunst {
    drawn: Drawn,
    _daemon: Process,
}

impl Dunst {
    /// Starts it as the session's notification server, on the session's display.
    pub async fn start(session: &Session) -> Result<Self> {
        let environment = session.environment().clone();
        let configuration = session.file("dunstrc", DUNST_CONFIGURATION)?;
        let arguments = [OsStr::new("-config"), configuration.as_os_str()];
        let daemon = Process::start(&find_program("dunst")?, arguments, &environment)?;
        wait_for_name(session.bus(), "org.freedesktop.Notifications").await?;
        Ok(Self { drawn: Drawn { environment, class: "dunst" }, _daemon: daemon })
    }

    /// Its name and version.
    pub async fn describe(&self) -> Result<String> {
        let text = self.drawn.tool("dunst", ["--version"]).await?;
        let line = text.lines().next().unwrap_or("dunst");
        Ok(line.replace("Dunst - A customizable and lightweight notification-daemon", "dunst"))
    }

    /// Waits until a notification is drawn, and writes two pictures to the folder: the whole display, and the
    /// notification. Returns the latter.
    pub async fn picture(&self, folder: &Path) -> Result<PathBuf> {
        self.drawn.picture(folder).await
    }

    /// A click on the newest notification.
    pub async fn click(&self) -> Result<()> {
        self.drawn.tool("dunstctl", ["action", "0"]).await.map(drop)
    }

    /// Takes the newest notification off the screen: dunst leaves one there after a click.
    pub async fn close(&self) -> Result<()> {
        self.drawn.tool("dunstctl", ["close"]).await.map(drop)
    }

    /// The newest notification that is no longer on screen, as the daemon has kept it: title and body.
    pub async fn last_closed(&self) -> Result<(String, String)> {
        let history: Value = serde_json::from_str(&self.drawn.tool("dunstctl", ["history"]).await?)?;
        let newest = history.pointer("/data/0/0").context("a notification in dunst's history")?;
        let text = |name: &str| {
            let value = newest.get(name).and_then(|member| member.get("data")).and_then(Value::as_str);
            value.map(str::to_owned).with_context(|| format!("{name} in dunst's history"))
        };
        Ok((text("summary")?, text("body")?))
    }
}
