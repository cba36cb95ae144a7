//! A real notification daemon on a virtual display, for pictures.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::process::{self, Environment, Process, find_program};
use crate::session::{Session, wait_for_name};

/// Pixels around a notification in its picture.
const MARGIN: u32 = 24;
const DUNST_CONFIGURATION: &str = include_str!("../demo/dunstrc");

/// Dunst on a display. Ends when it is dropped.
#[derive(Debug)]
pub struct Dunst {
    environment: Environment,
    _daemon: Process,
}

/// Where a window is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Geometry {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl Dunst {
    /// Starts it as the session's notification server, on the session's display.
    pub async fn start(session: &Session) -> Result<Self> {
        let environment = session.environment().clone();
        let configuration = session.file("dunstrc", DUNST_CONFIGURATION)?;
        let arguments = [OsStr::new("-config"), configuration.as_os_str()];
        let daemon = Process::start(&find_program("dunst")?, arguments, &environment)?;
        wait_for_name(session.bus(), "org.freedesktop.Notifications").await?;
        Ok(Self { environment, _daemon: daemon })
    }

    /// Its name and version.
    pub async fn describe(&self) -> Result<String> {
        let text = self.tool("dunst", ["--version"]).await?;
        let line = text.lines().next().unwrap_or("dunst");
        Ok(line.replace("Dunst - A customizable and lightweight notification-daemon", "dunst"))
    }

    /// Waits until a notification is drawn, and writes two pictures to the folder: the whole display, and the
    /// notification. Returns the latter.
    pub async fn picture(&self, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let search = ["search", "--sync", "--onlyvisible", "--class", "dunst"];
        let window = self.tool("xdotool", search).await.context("wait for dunst's window")?;
        let window = window.lines().next().context("a window")?.to_owned();
        let (whole, part) = (folder.join("desktop.png"), folder.join("notification.png"));
        // Dunst maps its window before it draws in it.
        for _ in 0..100 {
            let geometry = self.tool("xdotool", ["getwindowgeometry", "--shell", &window]).await?;
            let geometry = Geometry::parse(&geometry)?;
            let root = [OsStr::new("-window"), OsStr::new("root"), whole.as_os_str()];
            self.tool("import", root).await?;
            let inside = OsString::from(geometry.to_string());
            let count = ["-crop".into(), inside, "-format".into(), "%k".into(), "info:".into()];
            let colours = self.convert(&whole, count).await?;
            if colours.trim().parse::<u32>().is_ok_and(|colours| colours > 16) {
                let around = OsString::from(geometry.with_margin().to_string());
                self.convert(&whole, ["-crop".into(), around, "+repage".into(), part.clone().into()]).await?;
                return Ok(part);
            }
        }
        anyhow::bail!("dunst's window stays empty")
    }

    /// A click on the newest notification.
    pub async fn click(&self) -> Result<()> {
        self.tool("dunstctl", ["action", "0"]).await.map(drop)
    }

    /// Takes the newest notification off the screen: dunst leaves one there after a click.
    pub async fn close(&self) -> Result<()> {
        self.tool("dunstctl", ["close"]).await.map(drop)
    }

    /// The newest notification that is no longer on screen, as the daemon has kept it: title and body.
    pub async fn last_closed(&self) -> Result<(String, String)> {
        let history: Value = serde_json::from_str(&self.tool("dunstctl", ["history"]).await?)?;
        let newest = history.pointer("/data/0/0").context("a notification in dunst's history")?;
        let text = |name: &str| {
            let value = newest.get(name).and_then(|member| member.get("data")).and_then(Value::as_str);
            value.map(str::to_owned).with_context(|| format!("{name} in dunst's history"))
        };
        Ok((text("summary")?, text("body")?))
    }

    /// Debian's ImageMagick 6 by the name its stand-ins do not take.
    async fn convert<const N: usize>(&self, picture: &Path, arguments: [OsString; N]) -> Result<String> {
        let program = find_program("convert-im6.q16").or_else(|_| find_program("convert"))?;
        let arguments = [picture.as_os_str().to_owned()].into_iter().chain(arguments);
        process::succeeded("convert", &process::run(&program, arguments, &self.environment, b"").await?)
    }

    async fn tool<A: AsRef<OsStr>, const N: usize>(&self, name: &str, arguments: [A; N]) -> Result<String> {
        let output = process::run(&find_program(name)?, arguments, &self.environment, b"").await?;
        process::succeeded(name, &output)
    }
}

impl Geometry {
    /// As `xdotool getwindowgeometry --shell` prints it.
    fn parse(text: &str) -> Result<Self> {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.and_then(|value| value.parse().ok()).with_context(|| format!("{name} in {text:?}"))
        };
        let geometry =
            Self { x: value("X")?, y: value("Y")?, width: value("WIDTH")?, height: value("HEIGHT")? };
        ensure!(geometry.width > 0 && geometry.height > 0, "a window has a size");
        Ok(geometry)
    }

    fn with_margin(self) -> Self {
        let Self { x, y, width, height } = self;
        Self {
            x: x.saturating_sub(MARGIN),
            y: y.saturating_sub(MARGIN),
            width: width + 2 * MARGIN,
            height: height + 2 * MARGIN,
        }
    }
}

impl std::fmt::Display for Geometry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}+{}+{}", self.width, self.height, self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_place_is_read_and_given_room() {
        let text = "WINDOW=8388611\nX=900\nY=10\nWIDTH=360\nHEIGHT=120\nSCREEN=0\n";
        let geometry = Geometry::parse(text).unwrap();
        assert_eq!(geometry.to_string(), "360x120+900+10");
        assert_eq!(geometry.with_margin().to_string(), "408x168+876+0");
        assert!(Geometry::parse("X=1").is_err());
    }
}
