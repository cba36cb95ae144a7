//! A menu that a program shows through the bus (`com.canonical.dbusmenu`): read and clicked as a panel does it.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy};

use crate::process::PATIENCE;

const INTERFACE: &str = "com.canonical.dbusmenu";
const ROOT: i32 = 0;

/// A line, and what `GetLayout` says of it: its number, properties and the lines of its submenu.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// A menu on the bus.
#[derive(Debug)]
pub struct Menu {
    proxy: Proxy<'static>,
    changes: watch::Receiver<()>,
    listening: JoinHandle<()>,
}

/// A line of a menu. Separators are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    id: i32,
    /// Its text.
    pub label: String,
    /// Whether it can be chosen.
    pub enabled: bool,
    /// Whether it is on; `None` when it is neither on nor off.
    pub checked: Option<bool>,
    /// Its submenu.
    pub lines: Vec<Line>,
}

impl Menu {
    /// The menu that this program shows at this path.
    pub(crate) async fn at(bus: &Connection, owner: String, path: OwnedObjectPath) -> Result<Self> {
        let proxy = Proxy::new(bus, owner, path, INTERFACE).await?;
        let mut signals = proxy.receive_all_signals().await?;
        let (changed, changes) = watch::channel(());
        let listening = tokio::spawn(async move {
            while signals.next().await.is_some() {
                changed.send_replace(());
            }
        });
        Ok(Self { proxy, changes, listening })
    }

    /// What it shows now.
    pub async fn lines(&self) -> Result<Vec<Line>> {
        let arguments = (ROOT, -1i32, Vec::<&str>::new());
        let (_revision, root): (u32, Layout) =
            self.proxy.call("GetLayout", &arguments).await.context("read the menu")?;
        lines(root.2)
    }

    /// The line with these labels on the way to it, as it is now.
    pub async fn line(&self, path: &[&str]) -> Result<Line> {
        let lines = self.lines().await?;
        find(&lines, path).cloned().with_context(|| format!("no line {path:?} in {lines:#?}"))
    }

    /// Returns once the line with these labels on the way to it is as wanted.
    pub async fn until(&mut self, path: &[&str], wanted: impl Fn(&Line) -> bool) -> Result<Line> {
        let mut seen = Vec::new();
        let waiting = async {
            loop {
                self.changes.mark_unchanged();
                seen = self.lines().await?;
                if let Some(line) = find(&seen, path).filter(|line| wanted(line)) {
                    return Ok(line.clone());
                }
                self.changes.changed().await.context("the bus is gone")?;
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(line) => line,
            Err(_) => bail!("{path:?} was not as wanted in {PATIENCE:?}: {seen:#?}"),
        }
    }

    /// Chooses a line, by the labels on the way to it, once it is there: opens the menus above it and clicks.
    pub async fn choose(&mut self, path: &[&str]) -> Result<()> {
        loop {
            let line = self.until(path, |line| line.enabled).await?;
            self.proxy.call::<_, _, bool>("AboutToShow", &ROOT).await.context("open the menu")?;
            let event = (line.id, "clicked", Value::from(0i32), 0u32);
            match self.proxy.call::<_, _, ()>("Event", &event).await {
                Ok(()) => return Ok(()),
                // A menu drawn anew has other numbers.
                Err(_) if self.line(path).await?.id != line.id => {}
                Err(error) => return Err(error).with_context(|| format!("choose {path:?}")),
            }
        }
    }
}

impl Drop for Menu {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn find<'a>(lines: &'a [Line], path: &[&str]) -> Option<&'a Line> {
    let (first, rest) = path.split_first()?;
    let line = lines.iter().find(|line| line.label == *first)?;
    if rest.is_empty() { Some(line) } else { find(&line.lines, rest) }
}

fn lines(values: Vec<OwnedValue>) -> Result<Vec<Line>> {
    let layouts = values.into_iter().map(|value| Ok(Layout::try_from(value)?));
    layouts.filter_map(|layout: Result<Layout>| layout.and_then(line).transpose()).collect()
}

/// Properties that are not given have the values that the interface's description gives them.
fn line((id, properties, children): Layout) -> Result<Option<Line>> {
    let text = |name: &str| properties.get(name).and_then(|value| <&str>::try_from(value).ok());
    let truth = |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok());
    if text("type") == Some("separator") || truth("visible") == Some(false) {
        return Ok(None);
    }
    let on = || properties.get("toggle-state").and_then(|value| i32::try_from(value).ok()) == Some(1);
    Ok(Some(Line {
        id,
        label: without_mnemonic(text("label").unwrap_or_default()),
        enabled: truth("enabled").unwrap_or(true),
        checked: text("toggle-type").filter(|kind| !kind.is_empty()).map(|_| on()),
        lines: lines(children)?,
    }))
}

/// A single underscore marks the key of a line; a real one is doubled.
fn without_mnemonic(label: &str) -> String {
    label.split("__").map(|part| part.replace('_', "")).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_what_people_read() {
        assert_eq!(without_mnemonic("_Open Belfry"), "Open Belfry");
        assert_eq!(without_mnemonic("a__b & _c"), "a_b & c");
    }
}
