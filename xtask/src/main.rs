//! The developer's commands, the same ones CI runs.
//!
//! Each sets up what it needs: system packages (see `packages`), and everything else in the target folder (see
//! `provision`), so that a fresh machine with Rust, Node and Python needs nothing but these commands.

mod bench;
mod check_os;
mod ci;
mod demo;
mod icons;
mod packages;
mod process;
mod provision;
mod run;
mod soak;
mod steps;
mod test;
mod ui;
mod workspace;

use std::{env, process::ExitCode};

use steps::Steps;
use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo                       show a push arriving, step by step; pictures go to target/demo
  test [ARGS]                build everything and run every test; ARGS go to `cargo test`
                             (`cargo xtask test NAME`, `cargo xtask test -- --nocapture`)
  soak [ARGS]                build, then push through a bad network and power failures (2,000 pushes, 200 kills of
                             the receiver, 100 of the push service), and 100 more of that one under load;
                             ARGS change that (`cargo xtask soak --help`)
  bench [ARGS]               build for release, then measure the push service under load and with 5,000 idle connections
                             (`cargo xtask bench --help`)
  ci                         what CI runs: formatting, licences, clippy, rustdoc, then `test`
  check-os [windows|macos]   type-check for the other systems, both unless one is named
  icons                      draw the committed icons again from the SVG files in icons/
  run [ARGS]                 build, then start the app with your own profile; ARGS go to `belfry-desktop`
  help                       print this

System packages are printed before they are installed, and installed without asking only for root and in CI.
";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(command) = arguments.next() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let arguments: Vec<String> = arguments.collect();
    let mut steps = Steps::new(&command);
    let done = Workspace::locate().and_then(|workspace| match (command.as_str(), arguments.as_slice()) {
        ("demo", []) => demo::demo(&workspace, &mut steps).map(Some),
        ("test", arguments) => test::test(&workspace, &mut steps, arguments).map(Some),
        ("soak", arguments) => soak::soak(&workspace, &mut steps, arguments).map(Some),
        ("bench", arguments) => bench::bench(&workspace, &mut steps, arguments).map(Some),
        ("ci", []) => ci::ci(&workspace, &mut steps).map(Some),
        ("check-os", systems) => check_os::check_os(&workspace, &mut steps, systems).map(Some),
        ("icons", []) => icons::icons(&workspace).map(Some),
        ("run", arguments) => run::run(&workspace, arguments).map(Some),
        _ => Ok(None),
    });
    match done {
        Ok(Some(())) => {
            steps.summarise();
            ExitCode::SUCCESS
        }
        Ok(None) if matches!(command.as_str(), "help" | "-h" | "--help") => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(None) => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            steps.summarise();
            println!("cargo xtask {command} failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
