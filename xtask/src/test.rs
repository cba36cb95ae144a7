//! `cargo xtask test`: everything the tests need, then every test.

use crate::{
    packages,
    process::{cargo, run},
    provision::Senders,
    steps::Steps,
    workspace::Workspace,
};

/// # Errors
/// When something cannot be provided or built, or a test fails.
pub(crate) fn test(workspace: &Workspace, steps: &mut Steps, arguments: &[String]) -> anyhow::Result<()> {
    steps.take("system packages", || packages::ensure(&packages::test()))?;
    let senders = steps.take("sender libraries", || Senders::provide(workspace))?;
    steps.take("build", || build(workspace))?;
    steps.take("tests", || {
        let mut test = cargo();
        test.current_dir(&workspace.root).args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
        run(test.envs(senders.variables()).env("BELFRY_TEST_BIN_DIR", &workspace.programs))
    })
}

/// Builds the programs of the workspace. Always the whole of it: with `--package` cargo would choose other features
/// for the dependencies and keep a second copy of everything.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    run(cargo().current_dir(&workspace.root).args(["build", "--workspace"]))
}
