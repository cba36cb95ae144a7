//! The app: one loop over everything it hears of. It asks the engine and draws; it decides nothing about pushes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Emitter as _, Manager as _, RunEvent, WindowEvent, Wry};
use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::Client;
use user_agent::api::{CommandError, DoNotDisturb, ErrorCode, Event, Request, Response, SiteChange, Status};
use user_agent::profile::Profile;
use user_agent::tray::{Action, Tray};

use crate::args::{Arguments, Launch};
use crate::clipboard::Clipboard;
use crate::commands;
use crate::farewell::{Closing, Farewell};
use crate::receiver::Receiver;
use crate::signals;
use crate::tray::{Icon, without_engine};
use crate::window;

/// How long the end may take; what has arrived is stored long before.
const LAST_WORDS: Duration = Duration::from_secs(10);

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
    let receiver = Arc::new(Receiver::new(options, notices.clone()));
    let farewell = Arc::new(Farewell::new(&profile));
    let app = tauri::Builder::default()
        .plugin(single_instance(&profile, notices.clone()))
        .manage(receiver.clone())
        .manage(Clipboard::default())
        .invoke_handler(tauri::generate_handler![commands::request, commands::copy_text])
        .build(tauri::generate_context!())
        .context("start")?;
    if arguments.launch() == Launch::Quit {
        return Ok(());
    }
    let icon = Icon::new(app.handle().clone(), notices.clone());
    let controller = Controller {
        app: app.handle().clone(),
        notices: notices.clone(),
        icon,
        receiver,
        engine: Engine::Starting,
        toggle: false,
    };
    tauri::async_runtime::spawn(controller.run(arguments.launch(), queue));
    tauri::async_runtime::spawn(stop_on_signal(notices.clone()));
    #[cfg(target_os = "linux")]
    tauri::async_runtime::spawn(watch_tray_host(farewell.clone()));
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

struct Controller {
    app: AppHandle,
    notices: Notices,
    icon: Icon,
    receiver: Arc<Receiver>,
    engine: Engine,
    /// Do-not-disturb is to be switched as soon as there is an engine.
    toggle: bool,
}

enum Engine {
    Starting,
    Here(Client),
    /// Another process receives, and has whatever shows that: this one is a window.
    Elsewhere(Client),
    Failed(CommandError),
}

impl Controller {
    async fn run(mut self, launch: Launch, mut queue: mpsc::UnboundedReceiver<Notice>) {
        self.attach();
        self.launch(launch);
        while let Some(notice) = queue.recv().await {
            self.hear(notice).await;
            // What comes at once is drawn once.
            while let Ok(notice) = queue.try_recv() {
                self.hear(notice).await;
            }
            self.draw().await;
        }
    }

    async fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Attached { client, owner } => self.attached(client, owner).await,
            Notice::Event(event) => self.tell_window(&event),
            Notice::Lost => {
                self.engine = Engine::Starting;
                self.receiver.forget().await;
                self.attach();
            }
            Notice::Failed(error) => self.engine = Engine::Failed(error),
            Notice::Launched(arguments) => {
                if let Some(url) = arguments.push_service.clone() {
                    self.ask(Request::SetDefaultPushService { url });
                }
                self.launch(arguments.launch());
            }
            Notice::Chosen(action) => self.choose(action).await,
            Notice::Closed if matches!(self.engine, Engine::Elsewhere(_)) => self.end().await,
            Notice::Closed => {}
            Notice::Stop => self.end().await,
        }
    }

    fn launch(&mut self, launch: Launch) {
        match launch {
            Launch::Open(place) => self.open(place),
            Launch::Hide => {}
            Launch::ToggleDoNotDisturb => match &self.engine {
                Engine::Here(client) | Engine::Elsewhere(client) => {
                    tauri::async_runtime::spawn(toggle(client.clone()));
                }
                Engine::Starting | Engine::Failed(_) => self.toggle = true,
            },
            Launch::Quit => self.notices.send(Notice::Stop),
        }
    }

    async fn attached(&mut self, client: Client, owner: bool) {
        if std::mem::take(&mut self.toggle) {
            toggle(client.clone()).await;
        }
        if owner {
            self.engine = Engine::Here(client);
        } else {
            self.engine = Engine::Elsewhere(client);
            if !window::is_open(&self.app) {
                tracing::warn!(
                    "another process receives for this profile; there is nothing to do without a window"
                );
                self.end().await;
            }
        }
        self.tell_window(&Event::Changed);
    }

    async fn choose(&mut self, action: Action) {
        // Whatever the menu shows by now, the click has changed it.
        self.icon.touched();
        match action {
            Action::SetState(site, state) => {
                self.ask(Request::SetSite { site, changes: vec![SiteChange::State(state)] });
            }
            Action::CopySubscription(site) => {
                let (app, receiver) = (self.app.clone(), self.receiver.clone());
                tauri::async_runtime::spawn(async move {
                    if let Err(error) = copy_subscription(&app, &receiver, site).await {
                        report(&app, &error);
                    }
                });
            }
            Action::SetDoNotDisturb(on) => {
                let value = if on { DoNotDisturb::On } else { DoNotDisturb::Off };
                self.ask(Request::SetDoNotDisturb { value });
            }
            Action::Open => self.open(None),
            Action::Quit => self.end().await,
        }
    }

    /// Starts the engine, or finds who hosts it. The outcome comes as a notice.
    fn attach(&self) {
        let receiver = self.receiver.clone();
        tauri::async_runtime::spawn(async move { drop(receiver.client().await) });
    }

    /// Asks for what needs no answer but that it is done.
    fn ask(&self, request: Request) {
        let (app, receiver) = (self.app.clone(), self.receiver.clone());
        tauri::async_runtime::spawn(async move {
            let answer = async { receiver.client().await?.request(request).await };
            if let Err(error) = answer.await {
                report(&app, &error);
            }
        });
    }

    fn open(&self, place: Option<&str>) {
        if let Err(error) = window::open(&self.app, place) {
            tracing::error!("the window does not open: {error}");
        }
    }

    fn tell_window(&self, event: &Event) {
        if let Err(error) = self.app.emit("belfry", event) {
            tracing::warn!("the window did not hear of it: {error}");
        }
    }

    async fn draw(&mut self) {
        match &self.engine {
            Engine::Starting => {}
            Engine::Here(client) => match current(client).await {
                Ok(tray) => self.icon.show(tray).await,
                Err(error) => self.icon.show(without_engine(&error)).await,
            },
            Engine::Elsewhere(_) => self.icon.remove(),
            Engine::Failed(error) => self.icon.show(without_engine(error)).await,
        }
    }

    /// Stops the engine, if it is here, and the process.
    async fn end(&self) {
        if timeout(LAST_WORDS, self.receiver.finish()).await.is_err() {
            tracing::warn!("the receiver is still busy: ending without it");
        }
        self.app.exit(0);
    }
}

/// What the tray shows now.
async fn current(client: &Client) -> Result<Tray, CommandError> {
    let status = status(client).await?;
    let Response::Sites(sites) = client.request(Request::ListSites).await? else {
        return Err(unexpected());
    };
    let quiet = status.do_not_disturb.is_active(Timestamp::now());
    Ok(Tray::new(&status, &sites, quiet))
}

async fn status(client: &Client) -> Result<Status, CommandError> {
    match client.request(Request::Status).await? {
        Response::Status(status) => Ok(status),
        _ => Err(unexpected()),
    }
}

async fn toggle(client: Client) {
    let switched = async {
        let quiet = status(&client).await?.do_not_disturb.is_active(Timestamp::now());
        let value = if quiet { DoNotDisturb::Off } else { DoNotDisturb::On };
        client.request(Request::SetDoNotDisturb { value }).await
    };
    if let Err(error) = switched.await {
        tracing::warn!("do-not-disturb was not switched: {error}");
    }
}

async fn copy_subscription(app: &AppHandle, receiver: &Receiver, site: String) -> Result<(), CommandError> {
    let Response::Site(site) = receiver.client().await?.request(Request::ShowSite { site }).await? else {
        return Err(unexpected());
    };
    let Some(subscription) = site.subscription else {
        let message = format!("{} has no subscription yet: its push service has not answered", site.name);
        return Err(CommandError::new(ErrorCode::Offline, message));
    };
    let line = serde_json::to_string(&subscription)
        .map_err(|_| CommandError::new(ErrorCode::Internal, "the subscription cannot be written"))?;
    let app = app.clone();
    let copied = tauri::async_runtime::spawn_blocking(move || app.state::<Clipboard>().set(line)).await;
    copied.unwrap_or_else(|_| Err(unexpected()))
}

/// What a person asked for in the tray did not happen.
fn report(app: &AppHandle, error: &CommandError) {
    tracing::warn!(code = ?error.code, "not done: {error}");
    let _ = app.emit("belfry", Event::Failed { site: None, reason: error.message.clone() });
}

fn unexpected() -> CommandError {
    CommandError::new(ErrorCode::Internal, "the receiver answered something else")
}

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
