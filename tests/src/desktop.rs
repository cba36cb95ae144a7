//! The built `belfry-desktop`, started as the applications menu or the login would start it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context as _, Result, ensure};

use crate::belfry::sibling;
use crate::port::Port;
use crate::process::{self, Process};
use crate::session::Session;

/// A running `belfry-desktop`. Killed when dropped.
#[derive(Debug)]
pub struct Desktop {
    process: Process,
    inspector: Option<Port>,
}

/// A process of the app's: its own, or one of WebKit's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub id: u32,
    /// The name of its program, cut to 15 bytes as Linux does.
    pub name: String,
}

impl Desktop {
    /// Starts it with the profile in this folder.
    pub fn start<A: AsRef<OsStr>>(session: &Session, profile: &Path, options: &[A]) -> Result<Self> {
        let arguments = arguments(profile, options);
        let process = Process::start(&sibling("belfry-desktop")?, arguments, session.environment())?;
        Ok(Self { process, inspector: None })
    }

    /// The same, whose first window a [`Page`](crate::page::Page) can drive.
    pub fn start_driven<A: AsRef<OsStr>>(session: &Session, profile: &Path, options: &[A]) -> Result<Self> {
        let port = Port::reserve()?;
        let mut environment = session.environment().clone();
        environment.insert("TAURI_WEBVIEW_AUTOMATION".into(), "true".into());
        environment.insert("WEBKIT_INSPECTOR_SERVER".into(), port.address().to_string().into());
        let process = Process::start(&sibling("belfry-desktop")?, arguments(profile, options), &environment)?;
        Ok(Self { process, inspector: Some(port) })
    }

    /// Where WebKit lets a driver in.
    pub(crate) fn inspector(&self) -> Result<&Port> {
        self.inspector.as_ref().context("the app was not started to be driven")
    }

    /// Waits for it to end by itself; returns its exit status and stderr.
    pub async fn ended(&mut self) -> Result<(ExitStatus, String)> {
        self.process.ended().await
    }

    /// SIGTERM, as at the end of a session; returns its exit status and stderr.
    pub async fn terminate(self) -> Result<(ExitStatus, String)> {
        self.process.terminate().await
    }

    /// SIGKILL: the power fails.
    pub async fn kill(self) -> Result<()> {
        self.process.kill().await.map(drop)
    }

    /// Its processes, the app's own first.
    pub fn parts(&self) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut ids = vec![self.process.id()?];
        while let Some(id) = ids.pop() {
            // Gone meanwhile, unless it is the first.
            let Ok(name) = fs::read_to_string(format!("/proc/{id}/comm")) else { continue };
            parts.push(Part { id, name: name.trim_end().to_owned() });
            ids.extend(children(id));
        }
        ensure!(!parts.is_empty(), "the app has ended");
        Ok(parts)
    }

    /// The processes of WebKit's: for the network, and for pages.
    pub fn web_parts(&self) -> Result<Vec<Part>> {
        Ok(self.parts()?.into_iter().filter(|part| part.name.starts_with("WebKit")).collect())
    }

    /// Those that hold a page.
    pub fn pages(&self) -> Result<Vec<Part>> {
        Ok(self.web_parts()?.into_iter().filter(|part| part.name == "WebKitWebProces").collect())
    }
}

impl Part {
    /// Memory in bytes that it holds: its own, and its share of what it has in common with others (PSS).
    pub fn memory(&self) -> Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.id);
        let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")?.strip_suffix("kB"));
        let kilobytes: u64 = line.with_context(|| format!("Pss in {path}"))?.trim().parse()?;
        Ok(kilobytes * 1024)
    }

    /// Returns once it has ended.
    pub async fn ended(&self) -> Result<()> {
        process::gone(self.id).await.with_context(|| format!("wait for the end of {}", self.name))
    }
}

/// Starts the app where it runs already: does what the options say there, and ends.
pub async fn launch(session: &Session, profile: &Path, options: &[&str]) -> Result<()> {
    let program = sibling("belfry-desktop")?;
    let output = process::run(&program, arguments(profile, options), session.environment(), b"").await?;
    process::succeeded(&format!("belfry-desktop {options:?}"), &output).map(drop)
}

fn arguments<A: AsRef<OsStr>>(profile: &Path, options: &[A]) -> Vec<OsString> {
    let profile = [OsString::from("--profile"), PathBuf::from(profile).into()];
    profile.into_iter().chain(options.iter().map(|option| option.as_ref().to_owned())).collect()
}

/// Threads start processes, too.
fn children(id: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let ids = |list: String| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>();
    lists.flat_map(ids).collect()
}
