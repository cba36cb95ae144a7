//! `cargo xtask bench`: what the push service bears.

use crate::{
    packages,
    process::{cargo, command, run},
    steps::Steps,
    workspace::Workspace,
};

/// # Errors
/// When something cannot be provided or built, or an answer was wrong.
pub(crate) fn bench(workspace: &Workspace, steps: &mut Steps, arguments: &[String]) -> anyhow::Result<()> {
    steps.take("system packages", || packages::ensure(&packages::bench()))?;
    steps.take("release build", || {
        let mut build = cargo();
        build.current_dir(&workspace.root).args(["build", "--release", "--workspace"]);
        run(build.args(["--bin", "belfry", "--bin", "bench"]))
    })?;
    steps.take("benchmark", || {
        let programs = workspace.target.join("release");
        run(command(programs.join("bench")).args(arguments).env("BELFRY_TEST_BIN_DIR", &programs))
    })
}
