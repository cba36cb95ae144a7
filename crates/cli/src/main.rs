//! `belfry`: the push service, the receiver without a window, and the application server, on the command line.
//!
//! This is a thin shell: it parses, asks the engine and prints. Exit status 0: done; 1: failed, with a one-line reason
//! on stderr (with `--json` also `{"error":{"code","message"}}` on stdout); 2: wrong usage. The closed set of codes is
//! listed by `belfry help`, from [`exit::CODES`].

mod args;
mod commands;
mod exit;
mod http;
mod log;
mod output;
mod stop;

use std::process::ExitCode;
use std::time::Duration;

use crate::args::Arguments;
use crate::exit::Failure;
use crate::output::Output;

/// How long what is still under way at the end may take, such as a prompt of the keyring that nobody answers.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    log::to_stderr(arguments.global.verbose, arguments.global.log_format);
    let output = Output::new(arguments.global.json);
    let result = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let result = runtime.block_on(commands::run(arguments, output));
            runtime.shutdown_timeout(LAST_WORDS);
            result
        }
        Err(error) => Err(Failure::internal(format!("cannot start: {error}"))),
    };
    exit::status(result, output)
}
