//! What the push service bears: messages in a second, how long each takes, and memory. `cargo xtask bench`.
//!
//! The load is wrk's, so that the figures can be held beside others'; the user agents are in this program. All of it runs
//! on the same machine, and the rate of an endpoint that does nothing but answer says what that machine can do at all.

mod idle;
mod posts;
mod service;
mod trivial;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use belfry_tests::session::Session;
use clap::Parser;

use self::posts::Scenario;

#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// How long each measurement takes
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// How often each is taken
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Connections that post at the same time
    #[arg(long, default_value_t = 8)]
    connections: u32,
    /// Idle user agents; 0 leaves them out
    #[arg(long, default_value_t = 5000)]
    idle: usize,
    /// Only measurements whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Be the endpoint that does nothing
    #[arg(long, hide = true)]
    trivial: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.trivial { trivial::serve().await } else { bench(&arguments).await };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: &Arguments) -> Result<()> {
    service::allow_many_files()?;
    let session = Session::without_keyring().await?;
    println!("{}", service::machine()?);
    println!(
        "{} connections, bodies of {} bytes, {} s each\n",
        arguments.connections,
        wrk::BODY,
        arguments.seconds
    );
    let wanted = |name: &str| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let scenarios: Vec<_> = Scenario::ALL.into_iter().filter(|scenario| wanted(scenario.name())).collect();
    if !scenarios.is_empty() {
        println!("{}", posts::HEADING);
    }
    for round in 1..=arguments.rounds {
        for scenario in &scenarios {
            let load = service::load_average()?;
            let figures = scenario.measure(&session, arguments).await;
            let figures = figures.with_context(|| format!("{}, round {round}", scenario.name()))?;
            println!("{figures}  {load}");
        }
    }
    if arguments.idle > 0 && wanted("idle") {
        println!("\n{}", idle::measure(&session, arguments.idle).await?);
    }
    Ok(())
}

/// A new folder on the disk this program is on: where temporary files go, there may be none.
fn data_folder() -> Result<tempfile::TempDir> {
    let program = std::env::current_exe()?;
    let beside: PathBuf = program.parent().context("a folder")?.to_owned();
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?)
}
