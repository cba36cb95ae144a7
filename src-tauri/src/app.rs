//! The process: one per profile, its windows and signals. What happens in it is told to the controller.

use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser as _;
use sha2::{Digest as _, Sha256};
use tauri::async_runtime::spawn;
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, RunEvent, WindowEvent, Wry};
use tokio::sync::mpsc;
use user_agent::Client;
use user_agent::api::{CommandError, Event};
use user_agent::profile::Profile;
use user_agent::tray::Action;

use crate::args::{Arguments, Launch};
use crate::clipboard::Clipboard;
use crate::commands;
use crate::controller::Controller;
use crate::farewell::{Closing, Farewell};
use crate::receiver::Receiver;
use crate::signals;
use crate::transfer::Chosen;

/// What the app hears of.
pub(crate) enum Notice {
    /// The engine is there, in this process or in another.
    Attached { client: Client, owner: bool },
    /// Something happened in it.
    Event(Event),
    /// The process that hosted it has ended.
    Lost,
    /// It could not be started.
    Failed(CommandError),
    /// Belfry was started once more.
    Launched(Box<Arguments>),
    /// A line of the tray's menu.
    Chosen(Action),
    /// The window was closed.
    Closed,
    /// Time to end.
    Stop,
}

/// Where to tell.
#[derive(Clone)]
pub(crate) struct Notices(mpsc::UnboundedSender<Notice>);

impl Notices {
    pub(crate) fn send(&self, notice: Notice) {
        // Nobody listens only once the app has ended.
        let _ = self.0.send(notice);
    }
}

/// Runs until it is asked to end; then the process ends with status 0. Returns at once when another process does what is
/// asked, or nothing is to be done.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    gtk::init().context("there is no display; `belfry run` receives without one")?;
    let mut options = arguments.engine()?;
    let profile = Profile::open(&options.profile)?;
    options.profile = profile.dir().to_owned();
    let (sender, queue) = mpsc::unbounded_channel();
    let notices = Notices(sender);
    let receiver = Arc::new(Receiver::new(options, arguments.push_service.clone(), notices.clone()));
    let farewell = Arc::new(Farewell::new(&profile));
    let app = tauri::Builder::default()
        .plugin(single_instance(&profile, notices.clone()))
        .manage(receiver.clone())
        .manage(Clipboard::default())
        .manage(Chosen::default())
        .invoke_handler(tauri::generate_handler![
            commands::request,
            commands::copy_text,
            commands::local_push_service,
            commands::start_local_push_service,
            commands::export_sites,
            commands::choose_sites_file,
            commands::import_sites
        ])
        .build(tauri::generate_context!())
        .context("start")?;
    if arguments.launch() == Launch::Quit {
        return Ok(());
    }
    let controller = Controller::new(app.handle(), notices.clone(), receiver, farewell.clone(), &profile);
    spawn(controller.run(arguments.launch(), queue));
    spawn(stop_on_signal(notices.clone()));
    #[cfg(target_os = "linux")]
    spawn(watch_tray_host(farewell.clone()));
    app.run(move |app, event| hear_window(app, &event, &farewell, &notices));
    Ok(())
}

/// Hands the arguments of a second launch to this process. By the profile's folder, so that profiles run side by side.
fn single_instance(profile: &Profile, notices: Notices) -> TauriPlugin<Wry> {
    tauri_plugin_single_instance::Builder::new()
        .dbus_id(format!("belfry.Belfry.{}", element(profile)))
        .callback(move |_, arguments, _| {
            // They were understood by the process that sends them, unless that was another version.
            let arguments = Arguments::try_parse_from(arguments);
            notices.send(match arguments {
                Ok(arguments) => Notice::Launched(Box::new(arguments)),
                Err(_) => Notice::Chosen(Action::Open),
            });
        })
        .build()
}

/// An element of a bus name: it begins with a letter.
fn element(profile: &Profile) -> String {
    let hash = Sha256::digest(profile.dir().as_os_str().as_encoded_bytes());
    hash.iter().take(8).fold("p".to_owned(), |name, byte| name + &format!("{byte:02x}"))
}

async fn stop_on_signal(notices: Notices) {
    match signals::stop().await {
        Ok(()) => notices.send(Notice::Stop),
        Err(error) => tracing::warn!("cannot listen for signals: {error}"),
    }
}

#[cfg(target_os = "linux")]
async fn watch_tray_host(farewell: Arc<Farewell>) {
    if let Err(error) = crate::tray_host::watch(|found| farewell.found_tray(found)).await {
        tracing::warn!("cannot tell whether there is a tray: {error}");
        farewell.found_tray(false);
    }
}

/// On the main thread.
#[expect(clippy::wildcard_enum_match_arm, reason = "the libraries' enums grow; the others are none of ours")]
fn hear_window(app: &AppHandle, event: &RunEvent, farewell: &Arc<Farewell>, notices: &Notices) {
    match event {
        RunEvent::ExitRequested { code: None, api, .. } => {
            api.prevent_exit();
            notices.send(Notice::Closed);
        }
        RunEvent::WindowEvent { label, event: WindowEvent::CloseRequested { api, .. }, .. } => {
            match farewell.closing() {
                Closing::Keep => {}
                Closing::Quit => notices.send(Notice::Stop),
                Closing::Ask => {
                    api.prevent_close();
                    ask(app, label, farewell.clone(), notices.clone());
                }
            }
        }
        _ => {}
    }
}

#[cfg(target_os = "linux")]
fn ask(app: &AppHandle, label: &str, farewell: Arc<Farewell>, notices: Notices) {
    use tauri::Manager as _;

    let Some(window) = app.get_webview_window(label) else { return };
    let Ok(parent) = window.gtk_window() else { return };
    crate::farewell::ask(&parent, move |keep| {
        farewell.remember(keep);
        if keep {
            let _ = window.destroy();
        } else {
            notices.send(Notice::Stop);
        }
    });
}

/// There is always a tray.
#[cfg(not(target_os = "linux"))]
fn ask(_: &AppHandle, _: &str, _: Arc<Farewell>, _: Notices) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_names_of_their_own_on_the_bus() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = |dir: &tempfile::TempDir| element(&Profile::open(dir.path()).unwrap());
        assert_eq!(name(&one), name(&one));
        assert_ne!(name(&one), name(&other));
        assert!(name(&one).starts_with('p') && name(&one).len() == 17, "{}", name(&one));
    }
}
