//! `cargo xtask check-os`: type-checks the workspace for Windows and macOS.
//!
//! The standard library comes from the Rust toolchain in use if it has one for the target, and is otherwise built from
//! source with Debian's `rustc-web`. Nothing is linked, so C sources need no cross compiler: a stand-in writes empty
//! objects.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{
    packages,
    process::{answer, cargo, command, run},
    steps::Steps,
    workspace::Workspace,
};

/// Members that are about Linux alone.
const EXCLUDED: &[&str] = &["belfry-tests"];

const STAND_IN: &str = include_str!("stand-in-cc.sh");

/// # Errors
/// When a system is unknown, something cannot be provided, or the workspace does not compile for a system.
pub(crate) fn check_os(workspace: &Workspace, steps: &mut Steps, systems: &[String]) -> anyhow::Result<()> {
    let targets: Vec<_> = match systems {
        [] => vec!["x86_64-pc-windows-gnu", "aarch64-apple-darwin"],
        systems => systems.iter().map(|system| target(system)).collect::<anyhow::Result<_>>()?,
    };
    let folder = workspace.target.join("check-os");
    let compiler = stand_in(&folder)?;
    for target in targets {
        if target.contains("windows") {
            packages::ensure(&packages::windows_resources())?;
        }
        let own = has_standard_library(target);
        if !own {
            steps.take("system packages", || {
                let instead = || format!("another way, with rustup: rustup target add {target}");
                packages::ensure(&packages::check_os()).with_context(instead)
            })?;
        }
        steps.take(target, || check(workspace, target, own, &folder, &compiler))?;
    }
    Ok(())
}

fn target(system: &str) -> anyhow::Result<&'static str> {
    match system {
        "windows" => Ok("x86_64-pc-windows-gnu"),
        "macos" => Ok("aarch64-apple-darwin"),
        _ => bail!("the systems are windows and macos, not {system}"),
    }
}

fn has_standard_library(target: &str) -> bool {
    let libraries = answer(command("rustc").args(["--print", "target-libdir", "--target", target]));
    libraries.is_some_and(|folder| Path::new(&folder).is_dir())
}

fn check(
    workspace: &Workspace,
    target: &str,
    own: bool,
    folder: &Path,
    compiler: &Path,
) -> anyhow::Result<()> {
    let mut check = cargo();
    check.current_dir(&workspace.root).args(["check", "--workspace", "--target", target]);
    check.arg("--target-dir").arg(folder);
    for member in EXCLUDED {
        check.args(["--exclude", member]);
    }
    if !own {
        // Building the standard library is an unstable feature of cargo.
        check.arg("-Zbuild-std").env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    }
    for tool in ["CC", "CXX", "AR"] {
        check.env(format!("{tool}_{}", target.replace('-', "_")), compiler);
    }
    // Where this is set, no build script asks for Xcode.
    run(check.env("SDKROOT", folder))
}

fn stand_in(folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let compiler = folder.join("stand-in-cc");
    fs::write(&compiler, STAND_IN).with_context(|| format!("write {}", compiler.display()))?;
    run(command("chmod").arg("+x").arg(&compiler))?;
    Ok(compiler)
}
