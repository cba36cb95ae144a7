//! A virtual display of one's own.

use anyhow::{Context as _, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

use crate::process::{Process, find_program};
use crate::session::Session;

const SIZE: &str = "1280x800x24";

/// Xvfb, without a window manager. Ends when it is dropped.
#[derive(Debug)]
pub struct Display {
    name: String,
    _server: Process,
}

impl Display {
    /// Starts a display of a free number, for programs of the session started from now on.
    pub async fn start(session: &mut Session) -> Result<Self> {
        let arguments = ["-displayfd", "1", "-screen", "0", SIZE, "-noreset", "-nolisten", "tcp"];
        let mut server = Process::start(&find_program("Xvfb")?, arguments, session.environment())?;
        let name = format!(":{}", server.line().await?);
        session.set("DISPLAY", &name);
        session.set("XDG_SESSION_TYPE", "x11");
        Ok(Self { name, _server: server })
    }

    /// Gives its background a colour, as red, green and blue.
    pub fn paint(&self, colour: u32) -> Result<()> {
        let (server, screen) = RustConnection::connect(Some(&self.name)).context("the display")?;
        let root = server.setup().roots.get(screen).context("a screen")?.root;
        let background = ChangeWindowAttributesAux::new().background_pixel(colour);
        server.change_window_attributes(root, &background)?.check()?;
        server.clear_area(false, root, 0, 0, 0, 0)?.check()?;
        Ok(())
    }

    /// Its name, such as `:99`.
    pub fn name(&self) -> &str {
        &self.name
    }
}
