//! One loop over everything the app hears of. It asks the engine and draws; it decides nothing about pushes.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tauri::async_runtime::{spawn, spawn_blocking};
use tauri::{AppHandle, Emitter as _, Manager as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use user_agent::Client;
use user_agent::api::{
    CommandError, DoNotDisturb, EntryId, ErrorCode, Event, Request, Response, SiteChange, Status,
};
use user_agent::config::PushServiceName;
use user_agent::profile::Profile;
use user_agent::tray::{Action, Tray};

use crate::app::{Notice, Notices};
use crate::args::Launch;
use crate::clipboard::Clipboard;
use crate::farewell::Farewell;
#[cfg(target_os = "linux")]
use crate::launcher::Launcher;
use crate::local;
use crate::receiver::Receiver;
use crate::tray::{Icon, without_engine};
use crate::window;

/// How long the end may take; what has arrived is stored long before.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How long the tray waits for what it is to show.
const ANSWER: Duration = Duration::from_secs(3);

/// Everything the app knows while it runs.
pub(crate) struct Controller {
    app: AppHandle,
    notices: Notices,
    icon: Icon,
    #[cfg(target_os = "linux")]
    launcher: Launcher,
    receiver: Arc<Receiver>,
    farewell: Arc<Farewell>,
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
    pub(crate) fn new(
        app: &AppHandle,
        notices: Notices,
        receiver: Arc<Receiver>,
        farewell: Arc<Farewell>,
        profile: &Profile,
    ) -> Self {
        let icon = Icon::new(app.clone(), notices.clone(), profile.dir());
        Self {
            app: app.clone(),
            notices,
            icon,
            #[cfg(target_os = "linux")]
            launcher: Launcher::default(),
            receiver,
            farewell,
            engine: Engine::Starting,
            toggle: false,
        }
    }

    /// Does what the first launch asks, then what it hears of, until the process ends.
    pub(crate) async fn run(mut self, launch: Launch, mut queue: mpsc::UnboundedReceiver<Notice>) {
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
            Notice::Event(Event::Open { entry, action, asks }) => {
                self.open(place(entry, action, asks).as_deref());
            }
            Notice::Event(event) => {
                self.tell_window(&event);
                if matches!(self.engine, Engine::Here(_)) {
                    spawn(async move { local::revive_after(&event).await });
                }
            }
            Notice::Lost => {
                self.engine = Engine::Starting;
                self.receiver.forget().await;
                self.attach();
            }
            Notice::Failed(error) => {
                self.farewell.found_receiver(true);
                self.engine = Engine::Failed(error);
            }
            Notice::Launched(arguments) => {
                if let Some(name) = arguments.push_service.clone() {
                    self.adopt(name);
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
                    spawn(toggle(client.clone()));
                }
                Engine::Starting | Engine::Failed(_) => self.toggle = true,
            },
            Launch::Quit => self.notices.send(Notice::Stop),
        }
    }

    async fn attached(&mut self, client: Client, owner: bool) {
        if mem::take(&mut self.toggle) {
            toggle(client.clone()).await;
        }
        self.farewell.found_receiver(owner);
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
                spawn(async move {
                    if let Err(error) = copy_subscription(&app, &receiver, site).await {
                        report(&app, &error);
                    }
                });
            }
            Action::SetDoNotDisturb(on) => {
                let value = if on { DoNotDisturb::On } else { DoNotDisturb::Off };
                self.ask(Request::SetDoNotDisturb { value });
            }
            Action::Unlock => self.ask(Request::Unlock),
            Action::Open => self.open(None),
            Action::Quit => self.end().await,
        }
    }

    /// Starts the engine, or finds who hosts it. The outcome comes as a notice.
    fn attach(&self) {
        let receiver = self.receiver.clone();
        spawn(async move { drop(receiver.client().await) });
    }

    /// Asks for what needs no answer but that it is done.
    fn ask(&self, request: Request) {
        let (app, receiver) = (self.app.clone(), self.receiver.clone());
        spawn(async move {
            let answer = async { receiver.client().await?.request(request).await };
            if let Err(error) = answer.await {
                report(&app, &error);
            }
        });
    }

    /// Makes a push service the default.
    fn adopt(&self, name: PushServiceName) {
        let (app, receiver) = (self.app.clone(), self.receiver.clone());
        spawn(async move {
            let answer = async {
                let url = local::locate(name).await?;
                receiver.client().await?.request(Request::SetDefaultPushService { url }).await
            };
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
            // Quit must be heard while the receiver is busy; whatever ends that is an event, after which this is asked again.
            Engine::Here(client) => match timeout(ANSWER, current(client)).await {
                Ok(Ok(tray)) => {
                    #[cfg(target_os = "linux")]
                    self.launcher.show(tray.unread).await;
                    self.icon.show(tray).await;
                }
                Ok(Err(error)) => self.icon.show(without_engine(&error)).await,
                Err(_) => {}
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

/// Where in the window a click leads to. `ui/src/lib/route.svelte.ts` reads it.
fn place(entry: Option<EntryId>, action: Option<usize>, asks: bool) -> Option<String> {
    let entry = entry?;
    Some(match (asks, action) {
        (false, _) => format!("#/inbox/{entry}"),
        (true, None) => format!("#/inbox/{entry}/open"),
        (true, Some(action)) => format!("#/inbox/{entry}/open/{action}"),
    })
}

/// What the tray shows now.
async fn current(client: &Client) -> Result<Tray, CommandError> {
    let status = status(client).await?;
    if status.locked.is_some() {
        // Nothing but that can be said.
        return Ok(Tray::new(&status, &[]));
    }
    let Response::Sites(sites) = client.request(Request::ListSites).await? else {
        return Err(unexpected());
    };
    Ok(Tray::new(&status, &sites))
}

async fn status(client: &Client) -> Result<Status, CommandError> {
    let Response::Status(status) = client.request(Request::Status).await? else {
        return Err(unexpected());
    };
    Ok(status)
}

async fn toggle(client: Client) {
    let switched = async {
        let quiet = status(&client).await?.quiet;
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
    let copied = spawn_blocking(move || app.state::<Clipboard>().set(line)).await;
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
