//! A stand-in `xdg-open` that reports how it was called.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use crate::process::PATIENCE;
use crate::session::Session;

/// What the stand-in was called with.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its arguments, joined by blanks.
    pub arguments: String,
    /// `XDG_ACTIVATION_TOKEN`, empty when not set.
    pub activation_token: String,
    /// `DESKTOP_STARTUP_ID`, empty when not set.
    pub startup_id: String,
}

/// Links opened in a session.
#[derive(Debug)]
pub struct Opener {
    calls: BufReader<pipe::Receiver>,
}

impl Opener {
    /// Puts the stand-in first in the search path of the session's programs started from now on.
    pub fn install(session: &mut Session) -> Result<Self> {
        let folder = session.folder().join("bin");
        fs::create_dir(&folder)?;
        let fifo = session.folder().join("opened");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).context("make a named pipe")?;
        // Also open for writing here, so that the pipe does not end with each caller.
        let calls = pipe::OpenOptions::new().read_write(true).open_receiver(&fifo)?;
        let script = format!(
            "#!/bin/sh\nprintf '%s\\t%s\\t%s\\n' \"$*\" \"$XDG_ACTIVATION_TOKEN\" \"$DESKTOP_STARTUP_ID\" >'{}'\n",
            fifo.display()
        );
        let program = folder.join("xdg-open");
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        session.search_first(&folder);
        Ok(Self { calls: BufReader::new(calls) })
    }

    /// The next call.
    pub async fn next(&mut self) -> Result<Opened> {
        let mut line = String::new();
        if timeout(PATIENCE, self.calls.read_line(&mut line)).await.is_err() {
            bail!("no link was opened in {PATIENCE:?}");
        }
        let mut fields = line.trim_end_matches('\n').split('\t').map(str::to_owned);
        let mut field = || fields.next().with_context(|| format!("a call of xdg-open, not {line:?}"));
        Ok(Opened { arguments: field()?, activation_token: field()?, startup_id: field()? })
    }
}
