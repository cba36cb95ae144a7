//! Where the sources and the results are.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// The folders every command works with.
pub(crate) struct Workspace {
    /// The root of the repository.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, which also holds everything a command provisions. CI keeps it outside its clone.
    pub(crate) target: PathBuf,
    /// Where cargo puts the programs of the workspace.
    pub(crate) programs: PathBuf,
}

impl Workspace {
    /// # Errors
    /// When this program was not started by `cargo xtask`.
    pub(crate) fn locate() -> anyhow::Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").context("start this as `cargo xtask`")?;
        let root = Path::new(&manifest).parent().context("the repository's root")?.to_owned();
        // Beside this program, whatever decided on the target folder: a variable, a setting or neither.
        let program = env::current_exe().context("find this program")?;
        let programs = program.parent().context("the folder of this program")?.to_owned();
        let target = programs.parent().context("the target folder")?.to_owned();
        Ok(Self { root, target, programs })
    }

    /// A program of the workspace.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name).with_extension(env::consts::EXE_EXTENSION)
    }
}
