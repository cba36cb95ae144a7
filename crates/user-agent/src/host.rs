//! A receiver's life: it waits for the keyring while that is closed, runs the actor while the profile is open, and opens it
//! again when the database turns out to be damaged.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::actor::{Actor, Ended, Inputs, Order};
use crate::api::{CommandError, Condition, DoNotDisturb, Event, Request, Response, Status};
use crate::client::Command;
use crate::config::{MOZILLA, Mode, PushServiceUrl};
use crate::keys::{Keyring, KeyringError};
use crate::notifier::Notifier;
use crate::opening::{self, OpenError, Opened};
use crate::pictures::Pictures;
use crate::presenter::Presenter;
use crate::requests::{self, DEFAULT_PUSH_SERVICE, Shared};
use crate::service::Connector;
use crate::store::sites;
use crate::tasks::Tasks;

/// The least time from one opening to the next because of damage: nothing for one that has run for a while.
const BETWEEN_DAMAGES: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 60 });

/// How long after an attempt to open a profile again has failed the next one is made.
const REOPEN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });

/// How soon after it was announced a keyring that does not work yet is tried again: it may have its name before anything
/// answers under it. Doubled each time, up to [`KEYRING_LAST`].
const KEYRING_FIRST: Duration = Duration::from_millis(250);

const KEYRING_LAST: Duration = Duration::from_secs(60);

/// Everything that outlasts one opening of the profile.
pub(crate) struct Host {
    pub(crate) profile: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) allow_insecure: bool,
    pub(crate) ask_first: bool,
    /// To be stored as the default when the database is open.
    pub(crate) push_service: Option<PushServiceUrl>,
    pub(crate) keyring: Keyring,
    pub(crate) connector: Connector,
    pub(crate) pictures: Pictures,
    pub(crate) notifier: Option<Arc<dyn Notifier>>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
}

impl Host {
    /// Opens the profile, without a question to anybody.
    pub(crate) async fn open(&mut self, suspect: bool) -> Result<Opened, OpenError> {
        let opened = opening::open(&self.profile, &self.keyring, suspect).await?;
        if let Some(service) = &self.push_service {
            let url = service.to_string();
            opened.store.write(move |tx| Ok(sites::set_setting(tx, DEFAULT_PUSH_SERVICE, &url)?)).await?;
            self.push_service = None;
        }
        Ok(opened)
    }

    /// Why to wait instead of failing: only a receiver waits, and only for a keyring.
    pub(crate) fn waits_for<'a>(&self, error: &'a OpenError) -> Option<&'a KeyringError> {
        match (self.mode, error) {
            (Mode::Receive(_), OpenError::Keyring(error)) if self.keyring.may_open_later() => Some(error),
            _ => None,
        }
    }

    /// Runs until told to stop. `first`: how the first attempt to open ended.
    pub(crate) async fn run(mut self, first: Result<Opened, KeyringError>, mut inputs: Inputs) {
        let mut attempt = first;
        loop {
            let opened = match attempt {
                Ok(opened) => opened,
                Err(reason) => match self.wait(&mut inputs, reason).await {
                    Some(opened) => opened,
                    None => return,
                },
            };
            let opened_at = Instant::now();
            let shared = self.share(opened);
            let presenter = self.notifier.clone().map(|notifier| Presenter::start(notifier, shared.clone()));
            shared.tasks.spawn_waiting(requests::keyring::watch(shared.clone()));
            let ended = Actor::run(shared, self.connector.clone(), presenter, &mut inputs).await;
            match ended {
                Ended::Stopped => return,
                Ended::Damaged => {
                    self.tell(Event::Failed { site: None, reason: "the database is damaged".into() });
                    // A disk that damages one after the other must not be filled with them.
                    tokio::select! {
                        () = sleep_until(opened_at + BETWEEN_DAMAGES) => {}
                        _ = &mut inputs.stop => return,
                    }
                    attempt = loop {
                        let opened = tokio::select! {
                            opened = self.open(true) => opened,
                            _ = &mut inputs.stop => return,
                        };
                        match opened {
                            Ok(opened) => break Ok(opened),
                            Err(error) => match self.waits_for(&error) {
                                Some(reason) => break Err(reason.clone()),
                                // A disk that is full may have space later.
                                None => self.fail(error),
                            },
                        }
                        tokio::select! {
                            () = sleep(REOPEN) => {}
                            _ = &mut inputs.stop => return,
                        }
                    };
                }
            }
        }
    }

    fn fail(&self, error: OpenError) {
        let error = CommandError::from(error);
        tracing::error!("the profile did not open again: {error}");
        self.tell(Event::Failed { site: None, reason: error.message });
    }

    fn share(&self, opened: Opened) -> Shared {
        let Opened { store, keys, news, stale } = opened;
        for reason in news {
            self.tell(Event::Failed { site: None, reason });
        }
        let shared = Shared {
            profile: self.profile.clone(),
            mode: self.mode,
            allow_insecure: self.allow_insecure,
            ask_first: self.ask_first,
            store,
            keyring: self.keyring.clone(),
            keys,
            notifier: self.notifier.clone(),
            pictures: self.pictures.clone(),
            skew: self.connector.skew(),
            events: self.events.clone(),
            orders: self.orders.clone(),
            status: watch::Sender::default(),
            signals: Arc::default(),
            tasks: Tasks::default(),
        };
        let writer = shared.clone();
        shared.tasks.spawn(async move {
            for channel in stale {
                requests::keyring::save_record(&writer, channel).await;
            }
        });
        shared
    }

    /// Waits until the keyring can be read, and says so to whoever asks. `None`: told to stop.
    async fn wait(&mut self, inputs: &mut Inputs, mut reason: KeyringError) -> Option<Opened> {
        let mut changes = self.keyring.changes().await;
        let mut unlocking = JoinSet::new();
        self.locked(&reason);
        let mut delay = KEYRING_FIRST;
        // What has changed before we listened is not announced any more.
        let mut due = Some(Instant::now());
        loop {
            tokio::select! {
                () = changes.next() => delay = KEYRING_FIRST,
                Some(_) = unlocking.join_next() => {}
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                Some(command) = inputs.commands.recv() => {
                    if command.request == Request::Unlock {
                        let keyring = self.keyring.clone();
                        unlocking.spawn(async move {
                            let unlocked = keyring.unlock().await.map(|()| Response::Done);
                            let _ = command.reply.send(unlocked.map_err(CommandError::from));
                        });
                    } else {
                        self.answer(command, &reason);
                    }
                    continue;
                }
                _ = &mut inputs.stop => return None,
            }
            // A keyring may take long to answer, and whoever stops it does not wait for that.
            let opened = tokio::select! {
                opened = self.open(false) => opened,
                _ = &mut inputs.stop => return None,
            };
            match opened {
                Ok(opened) => {
                    tracing::info!("the keyring can be read");
                    self.tell(Event::Unlocked);
                    self.tell(Event::Changed);
                    return Some(opened);
                }
                Err(error) => {
                    let now = match self.waits_for(&error) {
                        Some(now) => now.clone(),
                        // Not the keyring any more: a disk that is full may have space later.
                        None => {
                            let error = CommandError::from(error);
                            self.tell(Event::Failed { site: None, reason: error.message });
                            due = Some(Instant::now() + REOPEN);
                            continue;
                        }
                    };
                    // One that is locked says when it no longer is.
                    due = match &now {
                        KeyringError::Absent(_) => Some(delay),
                        KeyringError::Silent => Some(KEYRING_LAST),
                        KeyringError::Locked(_)
                        | KeyringError::Sealed(_)
                        | KeyringError::Dismissed
                        | KeyringError::Missing
                        | KeyringError::Damaged
                        | KeyringError::DatabaseKeyMissing => None,
                    }
                    .map(|delay| Instant::now() + delay);
                    delay = (delay * 2).min(KEYRING_LAST);
                    if now != reason {
                        self.locked(&now);
                        reason = now;
                    }
                }
            }
        }
    }

    fn locked(&self, reason: &KeyringError) {
        tracing::warn!(%reason, "waiting for the keyring");
        self.tell(Event::Locked { reason: reason.to_string(), code: reason.trouble() });
        self.tell(Event::Changed);
    }

    /// What can be said without the database.
    fn answer(&self, command: Command, reason: &KeyringError) {
        let answer = if command.request == Request::Status {
            self.status(reason).map(Response::Status)
        } else if command.request == Request::Diagnose {
            Ok(Response::Checks(vec![reason.trouble().check(reason.to_string())]))
        } else {
            Err(reason.clone().into())
        };
        let _ = command.reply.send(answer);
    }

    fn status(&self, reason: &KeyringError) -> Result<Status, CommandError> {
        Ok(Status {
            push_services: Vec::new(),
            default_push_service: match &self.push_service {
                Some(service) => service.clone(),
                None => MOZILLA.parse()?,
            },
            first_run: false,
            do_not_disturb: DoNotDisturb::Off,
            quiet: false,
            quiet_until: None,
            unread: 0,
            locked: Some(reason.to_string()),
            condition: Condition::Problem,
            headline: "Locked: waiting for the keyring".into(),
        })
    }

    fn tell(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.events.send(event);
    }
}
