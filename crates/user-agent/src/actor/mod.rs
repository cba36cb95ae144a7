//! The one loop: it owns the connections and passes on what they, the front ends and the notifications say. What a
//! message or a request means is decided elsewhere ([`crate::inbox`], [`requests`]).

mod delivery;
mod order;
mod said;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use webpush::ChannelId;

use self::order::Registered;
pub(crate) use self::order::{Held, Order};
use crate::api::{CommandError, ErrorCode, Event, PushServiceStatus};
use crate::background;
use crate::client::Command;
use crate::config::{Mode, PushServiceUrl};
use crate::notifier::Report;
use crate::presenter::Presenter;
use crate::requests::{self, Shared};
use crate::service::{self, Connector, Service};
use crate::store::channels;
use crate::store::{StoreError, sites};

/// Everything the loop listens to.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
    /// From the notifier, if there is one.
    pub(crate) reports: mpsc::UnboundedReceiver<Report>,
    /// The network changed or the machine woke. `None` where nothing connects.
    pub(crate) network: Option<mpsc::Receiver<()>>,
    pub(crate) stop: oneshot::Receiver<()>,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to.
    Stopped,
    /// The database is damaged.
    Damaged,
}

/// How long after a failed write the connection is made again, and messages come again, at first and at most.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(60);
/// Notifications whose end one transaction notes, at most: somebody may dismiss all of them together.
const REPORTS: usize = 256;
/// How often what has become too old is thrown away.
const UPKEEP: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Actor {
    shared: Shared,
    connector: Connector,
    presenter: Option<Presenter>,
    services: HashMap<PushServiceUrl, Service>,
    /// Services that must not be connected to now, each with what waits for it.
    held: HashMap<PushServiceUrl, VecDeque<Order>>,
    service_events: mpsc::Sender<(PushServiceUrl, service::Event)>,
    registering: HashMap<ChannelId, (PushServiceUrl, oneshot::Sender<Registered>)>,
    unregistering: HashMap<ChannelId, oneshot::Sender<()>>,
    begun: Begun,
    /// The wait after the next failed write.
    retry: Duration,
}

/// What of the beginning has been done.
#[derive(Debug, Default)]
struct Begun {
    background: bool,
    released: bool,
    connected: bool,
    /// When the rest is tried again.
    again_at: Option<Instant>,
}

impl Actor {
    /// Runs until told to stop; then everything received is stored and acknowledged.
    pub(crate) async fn run(
        shared: Shared,
        connector: Connector,
        presenter: Option<Presenter>,
        inputs: &mut Inputs,
    ) -> Ended {
        let (service_events, mut events) = mpsc::channel(16);
        let mut actor = Self {
            shared,
            connector,
            presenter,
            services: HashMap::new(),
            held: HashMap::new(),
            service_events,
            registering: HashMap::new(),
            unregistering: HashMap::new(),
            begun: Begun::default(),
            retry: FIRST_RETRY,
        };
        let store = actor.shared.store.clone();
        let mut reports = Vec::new();
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        actor.begin().await;
        let ended = loop {
            let again_at = actor.begun.again_at;
            tokio::select! {
                Some(command) = inputs.commands.recv() => requests::spawn(actor.shared.clone(), command),
                Some(order) = inputs.orders.recv() => actor.order(order).await,
                Some((service, event)) = events.recv() => {
                    if let Err(error) = actor.event(service.clone(), event).await {
                        actor.failed(&service, &error);
                    }
                }
                1.. = inputs.reports.recv_many(&mut reports, REPORTS) => {
                    requests::reported(&actor.shared, std::mem::take(&mut reports));
                }
                Some(()) = async { inputs.network.as_mut()?.recv().await } => {
                    actor.services.values().for_each(Service::reconnect_now);
                }
                _ = upkeep.tick() => actor.keep_up(),
                () = async { match again_at { Some(at) => sleep_until(at).await, None => std::future::pending().await } } => {
                    actor.begin().await;
                }
                () = store.damaged() => break Ended::Damaged,
                _ = &mut inputs.stop => break Ended::Stopped,
            }
        };
        // Whoever waits for an answer hears that there will be none.
        drop((events, actor.held, actor.registering, actor.unregistering));
        for service in actor.services.into_values() {
            service.stop().await;
        }
        if let Some(presenter) = actor.presenter {
            presenter.stop().await;
        }
        actor.shared.tasks.finish().await;
        if ended == Ended::Stopped
            && let Err(error) = background::tidy(&actor.shared, SignedDuration::ZERO).await
        {
            tracing::warn!(%error, "what was deleted is deleted for good at the next start");
        }
        ended
    }

    /// Reads what was withheld, and connects. What fails is tried again, and keeps nothing else from being done.
    async fn begin(&mut self) {
        let mut failure = None;
        if !std::mem::replace(&mut self.begun.background, true)
            && matches!(self.shared.mode, Mode::Receive(_))
        {
            let tasks = &self.shared.tasks;
            tasks.spawn_waiting(background::announce_silence(self.shared.clone()));
            tasks.spawn_waiting(background::keep_house(self.shared.clone()));
        }
        if !self.begun.released {
            match self.release().await {
                Ok(()) => self.begun.released = true,
                Err(error) => failure = Some(error),
            }
        }
        if !self.begun.connected && self.shared.mode != Mode::Offline {
            match self.connect_all().await {
                Ok(()) => self.begun.connected = true,
                Err(error) => failure = Some(error),
            }
        }
        self.begun.again_at = failure.map(|error| {
            self.report(None, format!("not everything could be started: {error}"));
            Instant::now() + self.next_retry()
        });
    }

    async fn connect_all(&mut self) -> Result<(), StoreError> {
        let rows = self.shared.store.read(|c| Ok(sites::push_services(c)?)).await?;
        let mut wanted: Vec<_> = rows.into_iter().filter(|row| row.in_use).map(|row| row.url).collect();
        let mut result = Ok(());
        if matches!(self.shared.mode, Mode::Receive(_)) {
            match self.default_to_connect().await {
                Ok(service) => wanted.extend(service),
                Err(error) => result = Err(error),
            }
        }
        for url in wanted {
            if let Some(waiting) = self.held.get_mut(&url) {
                waiting.push_back(Order::Connect(url));
            } else if let Err(error) = self.connect(&url).await {
                result = Err(error);
            }
        }
        result
    }

    /// The default service, unless somebody is to be asked first.
    async fn default_to_connect(&self) -> Result<Option<PushServiceUrl>, StoreError> {
        if self.shared.ask_first && !requests::is_chosen(&self.shared).await? {
            return Ok(None);
        }
        requests::default_push_service(&self.shared).await.map(Some)
    }

    /// Throws away what nobody needs any more.
    fn keep_up(&self) {
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move {
            let now = Timestamp::now();
            if let Err(error) = shared.store.write(move |tx| Ok(channels::prune_seen(tx, now)?)).await {
                tracing::warn!(%error, "old versions were not forgotten");
            }
        });
        requests::keyring::sweep(self.shared.clone());
    }

    /// What a service said could not be stored, and is not acknowledged: the connection is made anew, a while later, and
    /// the service says it again.
    fn failed(&mut self, url: &PushServiceUrl, error: &StoreError) {
        let wait = self.next_retry();
        self.report(None, format!("{error}; {}", error.trouble().remedy()));
        self.with(url, |service| service.drop_connection(error.to_string(), wait));
    }

    fn next_retry(&mut self) -> Duration {
        let wait = self.retry;
        self.retry = (wait * 2).min(LAST_RETRY);
        wait
    }

    async fn connect(&mut self, url: &PushServiceUrl) -> Result<(), StoreError> {
        if self.services.contains_key(url) {
            return Ok(());
        }
        let wanted = url.clone();
        let row = self.shared.store.write(move |tx| {
            sites::add_push_service(tx, &wanted)?;
            Ok(sites::push_services(tx)?.into_iter().find(|row| row.url == wanted))
        });
        let known = row.await?.filter(|row| row.established).and_then(|row| row.uaid);
        self.set_status(url, false, Some("connecting".into()));
        let service = Service::start(url.clone(), known, self.connector.clone(), self.service_events.clone());
        self.services.insert(url.clone(), service);
        Ok(())
    }

    async fn order(&mut self, order: Order) {
        let mut due = VecDeque::from([order]);
        while let Some(order) = due.pop_front() {
            if let Some(waiting) = order.needs().and_then(|service| self.held.get_mut(service)) {
                waiting.push_back(order);
            } else {
                due.extend(self.carry_out(order).await);
            }
        }
    }

    /// Returns what has waited for this.
    async fn carry_out(&mut self, order: Order) -> VecDeque<Order> {
        match order {
            Order::Connect(service) => {
                if let Err(error) = self.connect(&service).await {
                    self.report(None, error.to_string());
                }
            }
            Order::Disconnect { service, done } => {
                self.disconnect(&service).await;
                let _ = done.send(());
            }
            Order::Hold { service, reply } => {
                // Whoever has given up waiting drops it at once.
                let held = Held::new(service.clone(), self.shared.orders.clone());
                let again = self.services.contains_key(&service).then(|| Order::Connect(service.clone()));
                self.disconnect(&service).await;
                self.set_status(&service, false, Some("waiting until sites are imported".into()));
                self.held.insert(service, again.into_iter().collect());
                let _ = reply.send(held);
            }
            Order::LetGo(service) => {
                self.forget_status(&service);
                return self.held.remove(&service).unwrap_or_default();
            }
            Order::Release => {
                if let Err(error) = self.release().await {
                    self.report(None, format!("messages that waited for keys could not be read: {error}"));
                }
            }
            Order::Register { service, channel, key, reply } => match self.connect(&service).await {
                Ok(()) => {
                    self.registering.insert(channel, (service.clone(), reply));
                    self.with(&service, |service| {
                        service.register(channel, key);
                        service.attempt_now();
                    });
                }
                Err(error) => drop(reply.send(Err(error.into()))),
            },
            Order::Probe { service, reply } => match self.connect(&service).await {
                Ok(()) => self.with(&service, |service| service.probe(reply)),
                Err(error) => drop(reply.send(Err(error.into()))),
            },
            Order::Unregister { service, channel, code, reply } => match self.connect(&service).await {
                Ok(()) => {
                    // The service's answer to it will not be heard any more.
                    if let Some((_, registering)) = self.registering.remove(&channel) {
                        let message = "the subscription was given up meanwhile";
                        let _ = registering.send(Err(CommandError::new(ErrorCode::NotFound, message)));
                    }
                    self.unregistering.insert(channel, reply);
                    self.with(&service, |service| service.unregister(channel, code));
                }
                Err(error) => self.report(None, error.to_string()),
            },
        }
        VecDeque::new()
    }

    async fn disconnect(&mut self, url: &PushServiceUrl) {
        if let Some(service) = self.services.remove(url) {
            service.stop().await;
        }
        self.forget_status(url);
    }

    fn forget_status(&self, url: &PushServiceUrl) {
        self.shared.status.send_modify(|status| drop(Arc::make_mut(status).remove(url)));
        self.shared.tell(Event::Changed);
    }

    fn with(&self, url: &PushServiceUrl, act: impl FnOnce(&Service)) {
        if let Some(service) = self.services.get(url) {
            act(service);
        }
    }

    fn report(&self, site: Option<String>, reason: String) {
        tracing::warn!(site, reason, "failed");
        self.shared.tell(Event::Failed { site, reason });
    }

    fn set_status(&self, url: &PushServiceUrl, connected: bool, reason: Option<String>) {
        self.shared.status.send_modify(|status| {
            let state = PushServiceStatus { url: url.clone(), connected, reason };
            Arc::make_mut(status).insert(url.clone(), state);
        });
    }
}
