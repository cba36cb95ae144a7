//! A stream of pushes through a bad network, with power failures: nothing may be lost, nothing doubled. `soak --help`.

use std::process::ExitCode;
use std::time::Duration;

use belfry_tests::endurance::Endurance;
use belfry_tests::faults::{Fault, Framing};
use belfry_tests::soak::Soak;
use clap::Parser;

/// Pushes through a network that breaks connections, to a receiver and from a push service whose power fails.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Arguments {
    /// Decides what goes wrong and when [default: a random one]
    #[arg(long)]
    seed: Option<u64>,
    /// Over how long the pushes are spread, at least
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Pushes that must be accepted
    #[arg(long, default_value_t = 2000)]
    pushes: u32,
    /// How often the receiver is killed
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// How often the push service is killed, in the bad network and once more under load without one
    #[arg(long, default_value_t = 100)]
    service_kills: u32,
    /// wss instead of ws, and bytes altered on the way instead of frames put in
    #[arg(long)]
    tls: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let framing = if arguments.tls { Framing::Tls } else { Framing::WebSocket };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    let endurance = Endurance { seed, kills: arguments.service_kills };
    let soak = Soak {
        seed,
        span: Duration::from_secs(arguments.seconds),
        pushes: arguments.pushes,
        kills: arguments.kills,
        service_kills: arguments.service_kills,
        faults: Fault::all(framing),
        framing,
    };
    match both(&soak, &endurance).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: failed {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn both(soak: &Soak, endurance: &Endurance) -> anyhow::Result<()> {
    println!("{}", endurance.run().await?);
    println!("{}", soak.run().await?);
    Ok(())
}
