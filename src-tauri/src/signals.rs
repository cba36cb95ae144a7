//! Being asked to stop from outside: Ctrl-C, SIGTERM, the end of the session.

use std::io;

/// Returns when the process is asked to stop.
#[cfg(unix)]
pub(crate) async fn stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Returns when the process is asked to stop.
#[cfg(windows)]
pub(crate) async fn stop() -> io::Result<()> {
    tokio::signal::windows::ctrl_c()?.recv().await;
    Ok(())
}
