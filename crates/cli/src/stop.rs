//! Being asked to stop: Ctrl-C, or SIGTERM.

use std::io;

use crate::exit::Failure;

/// From its creation on, the signals no longer end the process.
#[derive(Debug)]
pub(crate) struct Stop {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
    #[cfg(windows)]
    signals: (tokio::signal::windows::CtrlC, tokio::signal::windows::CtrlBreak),
}

impl Stop {
    pub(crate) fn listen() -> Result<Self, Failure> {
        Self::signals().map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))
    }

    #[cfg(unix)]
    fn signals() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
    }

    #[cfg(windows)]
    fn signals() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c};
        Ok(Self { signals: (ctrl_c()?, ctrl_break()?) })
    }

    /// Returns when the process was asked to stop; called again, when it is asked once more.
    #[cfg(unix)]
    pub(crate) async fn requested(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    /// Returns when the process was asked to stop; called again, when it is asked once more.
    #[cfg(windows)]
    pub(crate) async fn requested(&mut self) {
        let (ctrl_c, ctrl_break) = &mut self.signals;
        tokio::select! {
            _ = ctrl_c.recv() => {}
            _ = ctrl_break.recv() => {}
        }
    }
}
