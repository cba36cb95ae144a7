//! What can be seen on a display, and what a window manager does there: windows that come, go and are raised, and the
//! clipboard.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use tokio::time::timeout;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xfixes::{ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask,
    ImageFormat, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::display::Display;
use crate::process::{self, Environment, PATIENCE, find_program};
use crate::session::Session;

/// Colours of a window that is not empty.
const COLOURS: usize = 16;

/// Eyes on a display.
#[derive(Debug)]
pub struct Screen {
    server: Arc<RustConnection>,
    root: u32,
    atoms: Atoms,
    environment: Environment,
    display: Display,
    happenings: mpsc::UnboundedReceiver<Happening>,
}

/// A window directly on the display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    id: u32,
    /// Its title.
    pub title: String,
}

#[derive(Debug)]
enum Happening {
    Shown(Window),
    Hidden(u32),
    Raised(u32),
    Drawn(u32),
    Copied,
}

x11rb::atom_manager! {
    /// Names the X server knows by numbers.
    Atoms: AtomsCookie {
        CLIPBOARD,
        UTF8_STRING,
        WM_DELETE_WINDOW,
        WM_PROTOCOLS,
        _NET_WM_NAME,
    }
}

impl Screen {
    /// Starts a virtual display for programs of the session started from now on, and watches it.
    pub async fn start(session: &mut Session) -> Result<Self> {
        let display = Display::start(session).await?;
        let (server, screen) = RustConnection::connect(Some(display.name())).context("the display")?;
        let root = server.setup().roots.get(screen).context("a screen")?.root;
        let atoms = Atoms::new(&server)?.reply()?;
        let children = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        server.change_window_attributes(root, &children)?.check()?;
        server.xfixes_query_version(5, 0)?.reply()?;
        server.damage_query_version(1, 1)?.reply()?;
        let owner = SelectionEventMask::SET_SELECTION_OWNER;
        server.xfixes_select_selection_input(root, atoms.CLIPBOARD, owner)?.check()?;

        let server = Arc::new(server);
        let (sender, happenings) = mpsc::unbounded_channel();
        let watched = server.clone();
        // Ends with the display.
        thread::spawn(move || {
            while let Ok(event) = watched.wait_for_event() {
                if let Some(happening) = happening(&watched, &atoms, &event)
                    && sender.send(happening).is_err()
                {
                    break;
                }
            }
        });
        let environment = session.environment().clone();
        Ok(Self { server, root, atoms, environment, display, happenings })
    }

    /// The display's name, such as `:99`.
    pub fn name(&self) -> &str {
        self.display.name()
    }

    /// The next window that is shown. What has happened before it is passed over, here and below.
    pub async fn shown(&mut self) -> Result<Window> {
        let shown = |happening| if let Happening::Shown(window) = happening { Some(window) } else { None };
        self.next("no window was shown", shown).await
    }

    /// Returns once a window is no longer shown.
    pub async fn hidden(&mut self, window: &Window) -> Result<()> {
        let hidden = |it| matches!(it, Happening::Hidden(id) if id == window.id).then_some(());
        self.next("the window stayed", hidden).await
    }

    /// Returns once a window has been brought to the front.
    pub async fn raised(&mut self, window: &Window) -> Result<()> {
        let raised = |it| matches!(it, Happening::Raised(id) if id == window.id).then_some(());
        self.next("the window was not raised", raised).await
    }

    /// Returns once something is copied.
    pub async fn copied(&mut self) -> Result<()> {
        self.next("nothing was copied", |it| matches!(it, Happening::Copied).then_some(())).await
    }

    /// The text on the clipboard, to the byte.
    pub async fn clipboard(&self) -> Result<String> {
        let arguments = ["-selection", "clipboard", "-target", "UTF8_STRING", "-out"];
        let output = process::run(&find_program("xclip")?, arguments, &self.environment, b"").await?;
        process::succeeded("xclip", &output)
    }

    /// Presses a key, named as X does it, in a window, which gets the focus.
    pub async fn press(&self, window: &Window, key: &str) -> Result<()> {
        let arguments = ["windowfocus", "--sync", &window.id.to_string(), "key", key];
        let output = process::run(&find_program("xdotool")?, arguments, &self.environment, b"").await?;
        process::succeeded("xdotool", &output).map(drop)
    }

    /// Types into whatever has the focus in a window, which gets it.
    pub async fn type_into(&self, window: &Window, text: &str) -> Result<()> {
        let arguments = ["windowfocus", "--sync", &window.id.to_string(), "type", "--delay", "1", text];
        let output = process::run(&find_program("xdotool")?, arguments, &self.environment, b"").await?;
        process::succeeded("xdotool", &output).map(drop)
    }

    /// Closes a window as a click on the cross in its title bar does.
    pub fn close(&self, window: &Window) -> Result<()> {
        let data = [self.atoms.WM_DELETE_WINDOW, x11rb::CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window.id, self.atoms.WM_PROTOCOLS, data);
        self.server.send_event(false, window.id, EventMask::NO_EVENT, event)?.check()?;
        Ok(())
    }

    /// Returns once something is drawn in a window: an empty one has few colours, text has many.
    pub async fn drawn(&mut self, window: &Window) -> Result<()> {
        let damage = self.server.generate_id()?;
        self.server.damage_create(damage, window.id, ReportLevel::NON_EMPTY)?.check()?;
        while self.colours(window)? < COLOURS {
            let drawn = |it| matches!(it, Happening::Drawn(id) if id == window.id).then_some(());
            self.next("nothing was drawn", drawn).await?;
            self.server.damage_subtract(damage, x11rb::NONE, x11rb::NONE)?.check()?;
        }
        self.server.damage_destroy(damage)?.check()?;
        Ok(())
    }

    fn colours(&self, window: &Window) -> Result<usize> {
        let size = self.server.get_geometry(window.id)?.reply()?;
        let image = self
            .server
            .get_image(ImageFormat::Z_PIXMAP, window.id, 0, 0, size.width, size.height, u32::MAX)?
            .reply()?;
        let (pixels, _) = image.data.as_chunks::<4>();
        Ok(pixels.iter().collect::<HashSet<_>>().len())
    }

    /// Writes a picture of a window to a file. WebDriver has one too, but waits with it until something in the page moves.
    pub async fn picture(&self, window: &Window, file: &Path) -> Result<()> {
        let id = window.id.to_string();
        let arguments = [OsStr::new("-window"), id.as_ref(), file.as_os_str()];
        let output = process::run(&find_program("import")?, arguments, &self.environment, b"").await?;
        process::succeeded("import", &output).map(drop)
    }

    /// Puts a window over everything else.
    pub async fn cover(&mut self) -> Result<Window> {
        let id = self.server.generate_id()?;
        let (x, y, width, height) = (0, 0, 1280, 800);
        let values = CreateWindowAux::new().background_pixel(0);
        self.server
            .create_window(
                x11rb::COPY_DEPTH_FROM_PARENT,
                id,
                self.root,
                x,
                y,
                width,
                height,
                0,
                WindowClass::INPUT_OUTPUT,
                x11rb::COPY_FROM_PARENT,
                &values,
            )?
            .check()?;
        self.server.map_window(id)?.check()?;
        loop {
            let window = self.shown().await?;
            if window.id == id {
                return Ok(window);
            }
        }
    }

    async fn next<T>(&mut self, failure: &str, wanted: impl Fn(Happening) -> Option<T>) -> Result<T> {
        let waiting = async {
            while let Some(happening) = self.happenings.recv().await {
                if let Some(found) = wanted(happening) {
                    return Ok(found);
                }
            }
            bail!("the display is gone")
        };
        match timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => bail!("{failure} in {PATIENCE:?}"),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "X has many events")]
fn happening(server: &RustConnection, atoms: &Atoms, event: &Event) -> Option<Happening> {
    match event {
        Event::MapNotify(event) if !event.override_redirect => {
            Some(Happening::Shown(Window { id: event.window, title: title(server, atoms, event.window)? }))
        }
        Event::UnmapNotify(event) => Some(Happening::Hidden(event.window)),
        Event::ConfigureNotify(event) => {
            let stack = server.query_tree(event.event).ok()?.reply().ok()?.children;
            (stack.last() == Some(&event.window)).then_some(Happening::Raised(event.window))
        }
        Event::DamageNotify(event) => Some(Happening::Drawn(event.drawable)),
        Event::XfixesSelectionNotify(event) if event.owner != x11rb::NONE => Some(Happening::Copied),
        _ => None,
    }
}

/// Nothing when the window is gone again.
fn title(server: &RustConnection, atoms: &Atoms, window: u32) -> Option<String> {
    let request = server.get_property(false, window, atoms._NET_WM_NAME, AtomEnum::ANY, 0, 1024).ok()?;
    Some(String::from_utf8_lossy(&request.reply().ok()?.value).into_owned())
}
