//! A notification as a real daemon draws it on a virtual display.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::process::{self, Environment, find_program};

/// Pixels around a notification in its picture.
const MARGIN: u32 = 24;

/// Pixels of an edge that no notification falls short of: daemons also have windows that are not seen.
const SHORTEST: u32 = 50;

/// The windows of a notification daemon.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) environment: Environment,
    /// Their class, as X calls it.
    pub(crate) class: &'static str,
}

/// Where a window is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Geometry {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl Drawn {
    /// Waits until a notification is drawn, and writes two pictures to the folder: the whole display, and the
    /// notification. Returns the latter.
    pub(crate) async fn picture(&self, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let search = ["search", "--sync", "--onlyvisible", "--class", self.class];
        let (whole, part) = (folder.join("desktop.png"), folder.join("notification.png"));
        // A daemon shows its window before it draws in it.
        for _ in 0..100 {
            let windows = self.tool("xdotool", search).await.context("wait for the daemon's window")?;
            let root = [OsStr::new("-window"), OsStr::new("root"), whole.as_os_str()];
            self.tool("import", root).await?;
            for window in windows.lines() {
                // One may be gone by now.
                let Ok(geometry) = self.tool("xdotool", ["getwindowgeometry", "--shell", window]).await
                else {
                    continue;
                };
                let geometry = Geometry::parse(&geometry)?;
                if geometry.width.min(geometry.height) < SHORTEST {
                    continue;
                }
                let inside = OsString::from(geometry.to_string());
                let count = ["-crop".into(), inside, "-format".into(), "%k".into(), "info:".into()];
                let colours = self.convert(&whole, count).await?;
                if colours.trim().parse::<u32>().is_ok_and(|colours| colours > 16) {
                    let around = OsString::from(geometry.with_margin().to_string());
                    let cut =
                        ["-crop".into(), around, "+repage".into(), "-strip".into(), part.clone().into()];
                    self.convert(&whole, cut).await?;
                    return Ok(part);
                }
            }
        }
        anyhow::bail!("the window of {} stays empty", self.class)
    }

    /// Debian's ImageMagick 6 by the name its stand-ins do not take.
    async fn convert<const N: usize>(&self, picture: &Path, arguments: [OsString; N]) -> Result<String> {
        let program = find_program("convert-im6.q16").or_else(|_| find_program("convert"))?;
        let arguments = [picture.as_os_str().to_owned()].into_iter().chain(arguments);
        process::succeeded("convert", &process::run(&program, arguments, &self.environment, b"").await?)
    }

    pub(crate) async fn tool<A: AsRef<OsStr>, const N: usize>(
        &self,
        name: &str,
        arguments: [A; N],
    ) -> Result<String> {
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
