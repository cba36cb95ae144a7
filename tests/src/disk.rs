//! A disk of a few megabytes, to be filled and to be made read-only. Mounting one takes root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process::find_program;

/// A mounted file system in memory. Unmounted when it is dropped.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Whether this process may mount one.
    pub fn is_possible() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Mounts one on this folder, which is made.
    pub fn mount(folder: PathBuf, megabytes: u32) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let disk = Self { folder };
        disk.call("mount", &["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=700"), "belfry-tests"])?;
        Ok(disk)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Leaves no byte free.
    pub fn fill(&self) -> Result<()> {
        let full = fs::write(self.ballast(), vec![0; 64 << 20]);
        ensure!(full.is_err_and(|error| error.kind() == std::io::ErrorKind::StorageFull), "it is full");
        Ok(())
    }

    /// Undoes [`Disk::fill`].
    pub fn empty(&self) -> Result<()> {
        Ok(fs::remove_file(self.ballast())?)
    }

    /// From now on nothing can be written. Files that are open for writing prevent it.
    pub fn read_only(&self) -> Result<()> {
        self.call("mount", &["-o", "remount,ro"])
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    fn call(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let output = Command::new(find_program(program)?).args(arguments).arg(&self.folder).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{program} {arguments:?}: {stderr}");
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.call("umount", &["-l"]).context("unmount");
    }
}
