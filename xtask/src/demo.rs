//! `cargo xtask demo`: a push on its way, step by step.

use anyhow::Context as _;

use crate::{
    packages,
    process::{command, run},
    steps::Steps,
    test::build,
    workspace::Workspace,
};

/// # Errors
/// When something cannot be provided or built, or the demonstration fails.
pub(crate) fn demo(workspace: &Workspace, steps: &mut Steps) -> anyhow::Result<()> {
    steps.take("system packages", || packages::ensure(&packages::test()))?;
    steps.take("build", || build(workspace))?;
    steps.take("demo", || {
        let output = workspace.target.join("demo");
        std::fs::create_dir_all(&output).with_context(|| format!("make {}", output.display()))?;
        let mut demo = command(workspace.program("demo"));
        run(demo.arg(&output).current_dir(&workspace.root).env("BELFRY_TEST_BIN_DIR", &workspace.programs))
    })
}
