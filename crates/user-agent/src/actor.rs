//! The one loop: it owns the connections and passes on what they, the front ends and the notifications say. What a
//! message or a request means is decided elsewhere ([`inbox`], [`requests`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use webpush::autopush::{Identity, UnregisterCode};
use webpush::{ApplicationServerKey, ChannelId, PushEndpoint, PushMessage};

use crate::api::{Disposition, Event, PushServiceStatus, UaidState};
use crate::client::Command;
use crate::config::{Mode, Notify, PushServiceUrl};
use crate::crash;
use crate::inbox::{self, Outcome};
use crate::notifier::Activation;
use crate::presenter::Presenter;
use crate::requests::{self, Shared};
use crate::service::{self, Connector, Service};
use crate::store::channels::{self, ChannelState};
use crate::store::{StoreError, sites};

/// What a request needs of the connections.
#[derive(Debug)]
pub(crate) enum Order {
    /// Connect to a service, unless it is connected already.
    Connect(PushServiceUrl),
    /// Obtain an endpoint.
    Register {
        service: PushServiceUrl,
        channel: ChannelId,
        key: Option<ApplicationServerKey>,
        /// The endpoint, or the status the service refused with.
        reply: oneshot::Sender<Result<PushEndpoint, u16>>,
    },
    /// Give an endpoint up; answered once the service has confirmed.
    Unregister { service: PushServiceUrl, channel: ChannelId, reply: oneshot::Sender<()> },
    /// Read the messages that waited for keys: there are some more.
    Release,
}

/// Everything the loop listens to.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
    pub(crate) activations: mpsc::UnboundedReceiver<Activation>,
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
/// How often what has become too old is thrown away.
const UPKEEP: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Actor {
    shared: Shared,
    connector: Connector,
    presenter: Option<Presenter>,
    services: HashMap<PushServiceUrl, Service>,
    service_events: mpsc::Sender<(PushServiceUrl, service::Event)>,
    registering: HashMap<ChannelId, oneshot::Sender<Result<PushEndpoint, u16>>>,
    unregistering: HashMap<ChannelId, oneshot::Sender<()>>,
    begun: Begun,
    /// The wait after the next failed write.
    retry: Duration,
}

/// What of the beginning has been done.
#[derive(Debug, Default)]
struct Begun {
    shown: bool,
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
            service_events,
            registering: HashMap::new(),
            unregistering: HashMap::new(),
            begun: Begun::default(),
            retry: FIRST_RETRY,
        };
        let store = actor.shared.store.clone();
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
                Some(activation) = inputs.activations.recv() => requests::activate(actor.shared.clone(), activation),
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
        drop(events);
        for service in actor.services.into_values() {
            service.stop().await;
        }
        if let Some(presenter) = actor.presenter {
            presenter.stop().await;
        }
        ended
    }

    /// Shows what an earlier process committed and did not get to show, and connects. What fails is tried again, and keeps
    /// nothing else from being done.
    async fn begin(&mut self) {
        let mut failure = None;
        if !self.begun.shown {
            match self.show_pending().await {
                Ok(()) => self.begun.shown = true,
                Err(error) => failure = Some(error),
            }
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

    async fn show_pending(&self) -> Result<(), StoreError> {
        let Some(presenter) = &self.presenter else { return Ok(()) };
        for (popup, received_at) in self.shared.store.read(|c| Ok(crate::store::entries::pending(c)?)).await?
        {
            presenter.show(popup, received_at);
        }
        Ok(())
    }

    async fn connect_all(&mut self) -> Result<(), StoreError> {
        let silence = self.shared.store.read(|c| Ok(sites::do_not_disturb(c)?)).await?;
        requests::announce_end(&self.shared, silence);
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
            if let Err(error) = self.connect(&url).await {
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
        tokio::spawn(async move {
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
        let (Order::Connect(service) | Order::Register { service, .. } | Order::Unregister { service, .. }) =
            &order
        else {
            if let Err(error) = self.release().await {
                self.report(None, format!("messages that waited for keys could not be read: {error}"));
            }
            return;
        };
        if let Err(error) = self.connect(service).await {
            self.report(None, error.to_string());
            return;
        }
        match order {
            Order::Connect(_) | Order::Release => {}
            Order::Register { service, channel, key, reply } => {
                self.registering.insert(channel, reply);
                self.with(&service, |service| service.register(channel, key));
            }
            Order::Unregister { service, channel, reply } => {
                self.unregistering.insert(channel, reply);
                self.with(&service, |service| service.unregister(channel, UnregisterCode::UserRequest));
            }
        }
    }

    async fn event(&mut self, url: PushServiceUrl, event: service::Event) -> Result<(), StoreError> {
        match event {
            service::Event::Connected(identity) => self.connected(url, identity).await,
            service::Event::Disconnected { retry_in, reason } => {
                tracing::info!(service = %url, ?retry_in, reason, "not connected");
                self.set_status(&url, false, Some(reason.clone()));
                let retry_in_ms = retry_in.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
                self.shared.tell(Event::Disconnected { push_service: url, retry_in_ms, reason });
                Ok(())
            }
            service::Event::Registered { channel_id, endpoint } => {
                self.registered(url, channel_id, endpoint).await
            }
            service::Event::RegisterFailed { channel_id, status } => {
                match self.registering.remove(&channel_id) {
                    Some(reply) => drop(reply.send(Err(status))),
                    None => {
                        self.report(None, format!("{url} refused to renew a subscription (status {status})"))
                    }
                }
                Ok(())
            }
            service::Event::Unregistered { channel_id } => {
                self.shared.store.write(move |tx| Ok(channels::forget(tx, channel_id)?)).await?;
                if let Some(reply) = self.unregistering.remove(&channel_id) {
                    let _ = reply.send(());
                }
                Ok(())
            }
            service::Event::Messages(messages) => self.messages(url, messages).await,
        }
    }

    async fn connected(&mut self, url: PushServiceUrl, identity: Identity) -> Result<(), StoreError> {
        let (uaid, state) = match identity {
            Identity::New(uaid) => (uaid, UaidState::New),
            Identity::Kept(uaid) => (uaid, UaidState::Kept),
            Identity::Replaced(uaid) => (uaid, UaidState::Replaced),
        };
        let service = url.clone();
        let work = self.shared.store.write(move |tx| {
            sites::set_uaid(tx, &service, &uaid)?;
            let dead =
                if state == UaidState::Replaced { channels::invalidate(tx, &service)? } else { Vec::new() };
            let pending = channels::of_service(tx, &service, ChannelState::Pending)?;
            let removed = channels::of_service(tx, &service, ChannelState::Removed)?;
            Ok((dead, pending, removed))
        });
        let (dead, pending, removed) = work.await?;
        self.set_status(&url, true, None);
        tracing::info!(service = %url, identity = ?state, "connected");
        self.with(&url, |service| {
            for (channel, key) in &pending {
                service.register(*channel, *key);
            }
            for (channel, _) in &removed {
                service.unregister(*channel, UnregisterCode::UserRequest);
            }
        });
        self.shared.tell(Event::Connected { push_service: url, uaid: state });
        for site in dead {
            self.report(
                Some(site),
                "the push service has forgotten this subscription: pair the site again".into(),
            );
        }
        Ok(())
    }

    async fn registered(
        &mut self,
        url: PushServiceUrl,
        channel: ChannelId,
        endpoint: PushEndpoint,
    ) -> Result<(), StoreError> {
        let stored = endpoint.clone();
        if !self.shared.store.write(move |tx| Ok(channels::set_endpoint(tx, channel, &stored)?)).await? {
            // Removed while the answer was on its way.
            self.with(&url, |service| service.unregister(channel, UnregisterCode::UserRequest));
            return Ok(());
        }
        let (shared, reply) = (self.shared.clone(), self.registering.remove(&channel));
        tokio::spawn(async move {
            // Only then: whoever has been given the endpoint can rely on it, whatever becomes of the database.
            requests::keyring::save_record(&shared, channel).await;
            if let Some(reply) = reply {
                let _ = reply.send(Ok(endpoint));
            }
        });
        self.shared.tell(Event::Changed);
        Ok(())
    }

    /// Commit, then acknowledge, then show.
    async fn messages(&mut self, url: PushServiceUrl, messages: Vec<PushMessage>) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let keys = self.shared.keys.clone();
        let notifications = self.shared.mode != Mode::Receive(Notify::None);
        let count = messages.len();
        let receipts = self
            .shared
            .store
            .write(move |tx| inbox::receive(tx, &keys, notifications, messages, now))
            .await?;
        crash::point("after-commit");
        self.retry = FIRST_RETRY;
        let acks: Vec<_> = receipts
            .iter()
            .map(|receipt| (receipt.channel_id, receipt.version.clone(), receipt.ack))
            .collect();
        tracing::info!(service = %url, received = count, acknowledged = acks.len(), "messages stored");
        self.with(&url, |service| service.acknowledge(acks));
        for receipt in receipts {
            self.outcome(&url, receipt.channel_id, receipt.outcome, now);
        }
        self.shared.tell(Event::Changed);
        Ok(())
    }

    /// Reads what was withheld, as far as its keys are here.
    async fn release(&self) -> Result<(), StoreError> {
        let notifications = self.shared.mode != Mode::Receive(Notify::None);
        let mut from = Some(0);
        while let Some(after) = from {
            let (keys, now) = (self.shared.keys.clone(), Timestamp::now());
            let work =
                self.shared.store.write(move |tx| inbox::release(tx, &keys, notifications, after, now));
            let (released, more) = work.await?;
            if !released.is_empty() {
                tracing::info!(released = released.len(), "messages that waited have been read");
                self.shared.tell(Event::Changed);
            }
            for message in released {
                self.deliver(message.outcome, message.received_at);
            }
            from = more;
        }
        Ok(())
    }

    fn outcome(&self, url: &PushServiceUrl, channel: ChannelId, outcome: Outcome, received_at: Timestamp) {
        if let Outcome::UnknownChannel { removed: true } = outcome {
            self.with(url, |service| service.unregister(channel, UnregisterCode::UserRequest));
        } else {
            self.deliver(outcome, received_at);
        }
    }

    /// Shows it, and tells whoever listens.
    fn deliver(&self, outcome: Outcome, received_at: Timestamp) {
        let push = |id, site, title, body, navigate, disposition| Event::Push {
            id,
            site,
            received_at,
            title,
            body,
            navigate,
            disposition,
        };
        match outcome {
            Outcome::Show(popup) => match &self.presenter {
                Some(presenter) => presenter.show(*popup, received_at),
                // This process runs one command; the entry stays pending for the next that shows.
                None => {
                    let n = popup.notification;
                    let recorded = Disposition::Recorded;
                    self.shared.tell(push(
                        Some(popup.entry),
                        popup.site_name,
                        n.title,
                        n.body,
                        n.navigate,
                        recorded,
                    ));
                }
            },
            Outcome::Recorded { entry, site, notification: n } => {
                self.shared.tell(push(Some(entry), site, n.title, n.body, n.navigate, Disposition::Recorded));
            }
            Outcome::Discarded { site } => {
                self.shared.tell(push(
                    None,
                    site,
                    String::new(),
                    String::new(),
                    None,
                    Disposition::Discarded,
                ));
            }
            Outcome::Duplicate | Outcome::UnknownChannel { .. } => {}
            Outcome::Undecryptable { site, reason } => {
                self.report(Some(site), format!("a push could not be decrypted: {reason}"));
            }
            Outcome::KeyMissing { site } => {
                let reason = "the keyring does not have this site's keys: a push was kept and is read when they are back";
                self.report(Some(site), reason.into());
            }
            Outcome::Unreadable { error } => {
                self.report(None, format!("a push was kept and is read later: {error}"));
            }
        }
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
