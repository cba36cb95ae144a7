//! Starting and stopping the receiver: profile, keyring, database, then the connection. A closed database means no
//! connection, because the hello needs the identity that is kept there.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::actor::Inputs;
use crate::api::{CommandError, Trouble};
use crate::client::Client;
use crate::config::{ConfigFile, KeyringKind, Mode, Options};
use crate::control::{self, ControlServer};
use crate::host::Host;
use crate::keys::{Backend, Keyring, SealedFile, Unlocked};
use crate::network;
use crate::notifier::{self, Notifier, Report};
use crate::pictures::Pictures;
use crate::profile::{Profile, ProfileLock};
use crate::service::Connector;

/// A running receiver: the owner of its profile.
#[derive(Debug)]
pub struct UserAgent {
    client: Client,
    stop: oneshot::Sender<()>,
    actor: JoinHandle<()>,
    control: Option<ControlServer>,
    lock: ProfileLock,
}

impl UserAgent {
    /// Opens the profile, the keyring and the database, and starts receiving as `options` say. Fails with
    /// [`ErrorCode::ProfileInUse`](crate::api::ErrorCode::ProfileInUse) when another process owns the profile.
    ///
    /// A receiver ([`Mode::Receive`]) whose keyring is locked or absent starts all the same and waits for it; one command
    /// fails. No prompt is raised by either.
    pub async fn start(options: Options) -> Result<Self, CommandError> {
        let (reports, reported) = mpsc::unbounded_channel();
        let notifier = match options.mode {
            Mode::Receive(notify) => notifier::connect(notify, reports).await,
            Mode::Online | Mode::Offline => None,
        };
        Self::start_with(options, None, notifier, reported).await
    }

    /// With these notifications, and this keyring instead of the one that the profile is set to use.
    pub(crate) async fn start_with(
        options: Options,
        backend: Option<Backend>,
        notifier: Option<Arc<dyn Notifier>>,
        reports: mpsc::UnboundedReceiver<Report>,
    ) -> Result<Self, CommandError> {
        let profile = Profile::open(&options.profile)?;
        let Some(lock) = profile.lock()? else {
            let message = format!("another Belfry process uses the profile {}", profile.dir().display());
            return Err(CommandError::from_trouble(Trouble::ProfileInUse, message));
        };
        let file = ConfigFile::read(profile.dir())?;
        if let Some(service) = &options.push_service {
            service.check_secure(options.allow_insecure)?;
        }
        let backend = backend.unwrap_or_else(|| backend_of(&profile, file.keyring, &options));
        let (events, _) = broadcast::channel(1024);
        let (orders, order_queue) = mpsc::unbounded_channel();
        let (requests, commands) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel();
        let client = Client::in_process(requests, events.clone());
        let network = (options.mode != Mode::Offline).then(network::changes);
        let inputs = Inputs { commands, orders: order_queue, reports, network, stop: stopped };
        let ca_files = options.ca_files.into_iter().chain(file.ca_file).collect();
        let connector = Connector::new(ca_files, options.allow_insecure, file.proxy.as_ref())?;
        let mut host = Host {
            profile: profile.dir().to_owned(),
            mode: options.mode,
            allow_insecure: options.allow_insecure,
            ask_first: options.ask_first,
            push_service: options.push_service,
            keyring: Keyring::new(profile.id().to_owned(), backend),
            pictures: Pictures::new(connector.clone()),
            connector,
            notifier,
            events,
            orders,
        };
        let first = match host.open(false).await {
            Ok(opened) => Ok(opened),
            Err(error) => match host.waits_for(&error) {
                Some(reason) => Err(reason.clone()),
                None => return Err(error.into()),
            },
        };
        let control = match options.mode {
            Mode::Receive(_) => Some(control::serve(&profile, &lock, client.clone())?),
            Mode::Online | Mode::Offline => None,
        };
        let actor = tokio::spawn(host.run(first, inputs));
        Ok(Self { client, stop, actor, control, lock })
    }

    /// A way to ask it.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Stops: what has arrived is stored and acknowledged, the connection closed, the profile released.
    pub async fn shutdown(self) {
        if let Some(control) = self.control {
            control.shutdown().await;
        }
        let _ = self.stop.send(());
        if self.actor.await.is_err() {
            tracing::error!("the receiver ended unexpectedly");
        }
        drop(self.lock);
    }
}

fn backend_of(profile: &Profile, kind: KeyringKind, options: &Options) -> Backend {
    match kind {
        KeyringKind::System => Backend::Platform,
        KeyringKind::File => Backend::File(SealedFile {
            folder: profile.dir().to_owned(),
            passphrase_file: options.passphrase.file.clone(),
            ask: options.passphrase.ask,
        }),
    }
}

/// Has the person asked to unlock the profile's keyring, when no process that could owns the profile.
pub(crate) async fn unlock(profile: &Profile, options: &Options) -> Result<Unlocked, CommandError> {
    let kind = ConfigFile::read(profile.dir())?.keyring;
    let backend = backend_of(profile, kind, options);
    if let Backend::File(file) = &backend
        && !file.exists()
    {
        return Ok(Unlocked::Absent);
    }
    let keyring = Keyring::new(profile.id().to_owned(), backend);
    match kind {
        KeyringKind::System => keyring.unlock().await.map(|()| Unlocked::Unlocked),
        // Nothing stays open when this ends: what can be found out is whether the passphrase is the right one.
        KeyringKind::File => keyring.vendor().await.map(|_| Unlocked::PassphraseRight),
    }
    .map_err(CommandError::from)
}
