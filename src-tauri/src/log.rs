//! Logs, on stderr.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Warnings of everything; with `-v` also what Belfry itself does, with `-vv` in detail. Libraries stay at `info` at most:
/// below, some write what they carry.
pub(crate) fn to_stderr(verbose: u8) {
    let filter = match verbose {
        0 => "warn",
        1 => "warn,belfry_desktop=info,user_agent=info,webpush=info",
        _ => "info,belfry_desktop=debug,user_agent=debug,webpush=debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}
