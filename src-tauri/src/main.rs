//! `belfry-desktop`: the receiver with a tray icon and a window. A thin shell: everything that is decided about pushes is
//! decided in `user-agent`.

#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod app;
mod args;
mod clipboard;
mod commands;
mod controller;
mod farewell;
mod file_dialog;
#[cfg(target_os = "linux")]
mod launcher;
mod local;
mod log;
mod receiver;
mod signals;
mod transfer;
mod tray;
#[cfg(target_os = "linux")]
mod tray_host;
mod window;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    #[cfg(target_os = "linux")]
    prepare();
    log::to_stderr(arguments.verbose);
    match app::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done when this cannot be written.
            let _ = writeln!(io::stderr(), "belfry-desktop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// On some drivers WebKit's faster way of drawing leaves the window blank. It reads this variable in this process and in
/// those it starts; set while there is one thread, because the environment is shared without a lock.
#[cfg(target_os = "linux")]
fn prepare() {
    // Leaves what the user has set. Fails for an impossible name only.
    let _ = gtk::glib::setenv("WEBKIT_DISABLE_DMABUF_RENDERER", "1", false);
    // What the tray icon is called.
    gtk::glib::set_application_name("Belfry");
}
