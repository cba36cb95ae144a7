//! What commands need besides system packages: Python and Node libraries and the Rust sender, at pinned versions.
//!
//! All of it lives in the target folder. A folder is made again when the files it was made from have changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    process::{answer, cargo, command, run},
    workspace::Workspace,
};

/// The application servers' libraries the end-to-end tests send with.
pub(crate) struct Senders {
    python: PathBuf,
    node_modules: PathBuf,
    rust: PathBuf,
}

impl Senders {
    /// # Errors
    /// When a registry cannot be reached or a build fails.
    pub(crate) fn provide(workspace: &Workspace) -> anyhow::Result<Self> {
        let sources = workspace.root.join("tests/senders");
        Ok(Self {
            python: python(workspace, "python", &sources.join("python/requirements.txt"))?.join("python"),
            node_modules: node_modules(workspace, &sources.join("npm"))?,
            rust: rust_sender(workspace, &sources.join("rust"))?,
        })
    }

    /// The variables by which the tests find them.
    pub(crate) fn variables(&self) -> [(&'static str, &Path); 3] {
        [
            ("BELFRY_TEST_PYTHON", &self.python),
            ("BELFRY_TEST_NODE_MODULES", &self.node_modules),
            ("BELFRY_TEST_RUST_SENDER", &self.rust),
        ]
    }
}

/// A Python environment with the packages that `requirements` lists. Returns the folder of its programs.
///
/// # Errors
/// When there is no Python, or PyPI cannot be reached.
pub(crate) fn python(workspace: &Workspace, name: &str, requirements: &Path) -> anyhow::Result<PathBuf> {
    let folder = workspace.target.join("provisioned").join(name);
    let programs = folder.join("bin");
    let version = answer(command("python3").args(["-c", "import sys; print(sys.version, sys.base_prefix)"]))
        .context("python3 is needed")?;
    let made_from = format!("{version}\n{}", read(requirements)?);
    unless_made_from(&folder, &stamp(&folder), &made_from, || {
        run(command("python3").args(["-m", "venv"]).arg(&folder))?;
        run(command(programs.join("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(requirements))
    })?;
    Ok(programs)
}

fn node_modules(workspace: &Workspace, source: &Path) -> anyhow::Result<PathBuf> {
    let folder = workspace.target.join("provisioned/node");
    let files = ["package.json", "package-lock.json", ".npmrc"];
    let contents: Vec<_> =
        files.iter().map(|file| read(&source.join(file))).collect::<anyhow::Result<_>>()?;
    let version = answer(command("node").arg("--version")).context("node is needed")?;
    unless_made_from(&folder, &stamp(&folder), &format!("{version}\n{}", contents.concat()), || {
        for (file, content) in files.iter().zip(&contents) {
            fs::write(folder.join(file), content)?;
        }
        run(command("npm").args(["ci", "--ignore-scripts", "--silent"]).current_dir(&folder))
    })?;
    Ok(folder.join("node_modules"))
}

/// Cargo itself knows whether the sender has to be built again.
fn rust_sender(workspace: &Workspace, source: &Path) -> anyhow::Result<PathBuf> {
    let target = workspace.target.join("provisioned/rust");
    let mut build = cargo();
    build.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(source.join("Cargo.toml"));
    run(build.arg("--target-dir").arg(&target))?;
    Ok(target.join("debug/belfry-sender"))
}

/// Makes the folder from nothing, unless the stamp says that a former run finished making it from the same things.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn unless_made_from(
    folder: &Path,
    stamp: &Path,
    things: &str,
    make: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // The folder counts too: a Python environment does not survive being moved.
    let things = format!("{}\n{things}", folder.display());
    if folder.exists() && fs::read_to_string(stamp).is_ok_and(|made_from| made_from == things) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    make()?;
    if let Some(parent) = stamp.parent() {
        fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
    }
    fs::write(stamp, things).with_context(|| format!("write {}", stamp.display()))
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join("made-from")
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}
