//! The window's pages: their libraries, their checks, and the files that the app embeds.

use std::{
    fs,
    hash::{DefaultHasher, Hasher as _},
    path::Path,
};

use anyhow::Context as _;

use crate::{
    process::{command, run},
    provision::unless_made_from,
    workspace::Workspace,
};

/// What is made from the sources, and so is none of them.
const MADE: [&str; 4] = ["node_modules", "dist", "screenshots", ".svelte-kit"];

/// Builds the pages into `ui/dist`, unless that was made from the same sources: a new one has the app linked again.
///
/// # Errors
/// When the npm registry cannot be reached, or the pages do not build.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    let ui = libraries(workspace)?;
    let mut hash = DefaultHasher::new();
    digest(&ui, &mut hash).context("read ui")?;
    let dist = ui.join("dist");
    // Where the pages are missing, the app's build script has left one that says so.
    if dist.exists() && !dist.join("assets").exists() {
        fs::remove_dir_all(&dist).context("remove ui/dist")?;
    }
    let stamp = ui.join("node_modules/.dist-made-from");
    unless_made_from(&dist, &stamp, &hash.finish().to_string(), || npm(&ui, &["run", "build"]))
}

/// Types, accessibility warnings and formatting.
///
/// # Errors
/// When a check fails.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    npm(&libraries(workspace)?, &["run", "check"])
}

/// The pages' own tests.
///
/// # Errors
/// When one fails.
pub(crate) fn test(workspace: &Workspace) -> anyhow::Result<()> {
    npm(&libraries(workspace)?, &["test"])
}

/// Installs what `package-lock.json` names, and returns the folder of the pages.
fn libraries(workspace: &Workspace) -> anyhow::Result<std::path::PathBuf> {
    let ui = workspace.root.join("ui");
    let lock = fs::read_to_string(ui.join("package-lock.json")).context("read ui/package-lock.json")?;
    let modules = ui.join("node_modules");
    unless_made_from(&modules, &modules.join(".made-from"), &lock, || {
        npm(&ui, &["ci", "--ignore-scripts", "--silent"])
    })?;
    Ok(ui)
}

fn npm(ui: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    run(command("npm").args(arguments).current_dir(ui))
}

/// Names and contents of every source below this folder, in a fixed order.
fn digest(folder: &Path, hash: &mut DefaultHasher) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        if MADE.iter().any(|made| name == *made) {
            continue;
        }
        hash.write(name.as_encoded_bytes());
        if entry.file_type()?.is_dir() {
            digest(&entry.path(), hash)?;
        } else {
            hash.write(&fs::read(entry.path())?);
        }
    }
    Ok(())
}
