//! Starting and stopping the receiver: profile, keyring, database, then the connection. A closed database means no
//! connection, because the hello needs the identity that is kept there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::actor::{Actor, Inputs};
use crate::api::{CommandError, ErrorCode, Event};
use crate::client::Client;
use crate::config::{self, ConfigFile, Mode, Options};
use crate::control::{self, ControlServer};
use crate::keys::{self, KeyTable, Keyring, OpenStore};
use crate::network;
use crate::notifier::{self, Activation, Notifier};
use crate::presenter::Presenter;
use crate::profile::{Profile, ProfileLock};
use crate::requests::{DEFAULT_PUSH_SERVICE, Shared};
use crate::service::Connector;
use crate::store::{Store, StoreError, channels, sites};
use crate::tasks::Tasks;

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
    /// [`ErrorCode::ProfileInUse`] when another process owns the profile.
    pub async fn start(options: Options) -> Result<Self, CommandError> {
        let (activations, clicks) = mpsc::unbounded_channel();
        let notifier = match options.mode {
            Mode::Receive(notify) => notifier::connect(notify, activations).await,
            Mode::Online | Mode::Offline => None,
        };
        Self::start_with(options, Box::new(keys::platform_store), notifier, clicks).await
    }

    /// With this keyring and these notifications.
    pub(crate) async fn start_with(
        options: Options,
        open_keyring: OpenStore,
        notifier: Option<Arc<dyn Notifier>>,
        activations: mpsc::UnboundedReceiver<Activation>,
    ) -> Result<Self, CommandError> {
        let profile = Profile::open(&options.profile)?;
        let Some(lock) = profile.lock()? else {
            let message = format!("another Belfry process uses the profile {}", profile.dir().display());
            return Err(CommandError::new(ErrorCode::ProfileInUse, message));
        };
        let file = ConfigFile::read(profile.dir())?;
        let keyring = Keyring::new(profile.id().to_owned(), open_keyring);
        let store = open_store(profile.dir(), &keyring).await?;
        if let Some(service) = options.push_service {
            service.check_secure(options.allow_insecure)?;
            let url = service.to_string();
            store.write(move |tx| Ok(sites::set_setting(tx, DEFAULT_PUSH_SERVICE, &url)?)).await?;
        }
        let channels = store.read(|c| Ok(channels::with_sites(c)?)).await?;
        let (loaded, missing) = keyring.load(channels).await?;
        let (events, _) = broadcast::channel(1024);
        let (orders, order_queue) = mpsc::unbounded_channel();
        let shared = Shared {
            profile: profile.dir().to_owned(),
            mode: options.mode,
            allow_insecure: options.allow_insecure,
            ask_first: options.ask_first,
            store,
            keyring,
            keys: KeyTable::new(loaded),
            notifier: notifier.clone(),
            events: events.clone(),
            orders,
            status: watch::Sender::new(Arc::new(BTreeMap::new())),
            signals: Arc::default(),
            tasks: Tasks::default(),
        };
        let ca_files = options.ca_files.into_iter().chain(file.ca_file).collect();
        let connector = Connector::new(ca_files, options.allow_insecure, file.proxy.as_ref())?;
        let presenter = notifier.map(|notifier| Presenter::start(notifier, shared.clone()));
        let (requests, commands) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel();
        let network = (options.mode != Mode::Offline).then(network::changes);
        let inputs = Inputs { commands, orders: order_queue, activations, network, stop: stopped };
        let client = Client::in_process(requests, events);
        if !missing.is_empty() {
            tracing::error!(subscriptions = missing.len(), "keys are missing from the keyring");
            let reason = format!("the keyring lacks the keys of {} subscriptions", missing.len());
            shared.tell(Event::Failed { site: None, reason });
        }
        let control = match options.mode {
            Mode::Receive(_) => Some(control::serve(&profile, &lock, client.clone())?),
            Mode::Online | Mode::Offline => None,
        };
        let actor = tokio::spawn(Actor::run(shared, connector, presenter, inputs));
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

async fn open_store(profile: &Path, keyring: &Keyring) -> Result<Store, CommandError> {
    let path = profile.join("belfry.db");
    let exists = path.metadata().is_ok_and(|file| file.len() > 0);
    let key = keyring.database_key(exists).await?;
    let opened = tokio::task::spawn_blocking(move || {
        config::create_private(&path).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            CommandError::new(ErrorCode::Storage, message)
        })?;
        Ok(Store::open(&path, &key)?)
    });
    opened.await.unwrap_or(Err(StoreError::Closed.into()))
}
