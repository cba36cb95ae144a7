//! `cargo xtask soak`: a stream of pushes through a bad network and power failures.

use crate::{
    packages,
    process::{command, run},
    steps::Steps,
    test::build,
    workspace::Workspace,
};

/// # Errors
/// When something cannot be provided or built, or a push was lost or doubled.
pub(crate) fn soak(workspace: &Workspace, steps: &mut Steps, arguments: &[String]) -> anyhow::Result<()> {
    steps.take("system packages", || packages::ensure(&packages::test()))?;
    steps.take("build", || build(workspace))?;
    steps.take("soak", || {
        let mut soak = command(workspace.program("soak"));
        run(soak.args(arguments).env("BELFRY_TEST_BIN_DIR", &workspace.programs))
    })
}
