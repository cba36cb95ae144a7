//! `cargo xtask run`: the app from these sources, for daily use.

use std::process::Stdio;

use crate::{
    packages,
    process::{command, run as run_to_end},
    test::build,
    workspace::Workspace,
};

/// # Errors
/// When it does not compile, or ends with a failure.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> anyhow::Result<()> {
    packages::ensure(&packages::running())?;
    build(workspace)?;
    run_to_end(command(workspace.program("belfry-desktop")).args(arguments).stdin(Stdio::inherit()))
}
