//! Logs: on stderr, apart from what commands print.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Warnings of everything; with `-v` also what Belfry itself does, with `-vv` in detail. Libraries stay at `info` at most:
/// below, some write what they carry. A certificate that is not trusted is the command's own failure to tell.
pub(crate) fn to_stderr(verbose: u8, format: LogFormat) {
    let filter = match verbose {
        0 => "warn,rustls_platform_verifier=off",
        1 => "warn,rustls_platform_verifier=off,belfry=info,push_service=info,user_agent=info,webpush=info",
        _ => "info,belfry=debug,push_service=debug,user_agent=debug,webpush=debug",
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
