//! The one loop: it owns the connections and passes on what they, the front ends and the notifications say. What a
//! message or a request means is decided elsewhere ([`inbox`], [`requests`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use webpush::autopush::{Identity, UnregisterCode};
use webpush::payload::Control;
use webpush::{ApplicationServerKey, ChannelId, PushEndpoint, PushMessage};

use crate::api::{CommandError, Disposition, ErrorCode, Event, PushServiceStatus, UaidState};
use crate::background;
use crate::client::Command;
use crate::config::{Mode, Notify, PushServiceUrl};
use crate::crash;
use crate::inbox::{self, Outcome};
use crate::notifier::Activation;
use crate::presenter::Presenter;
use crate::requests::{self, Shared};
use crate::service::{self, Connector, Service};
use crate::store::channels;
use crate::store::{StoreError, sites};

/// How long a push service is left alone after what it said about us could not be stored.
const START_OVER: Duration = Duration::from_secs(10);

/// What became of a registration.
type Registered = Result<(), CommandError>;

/// What a request needs of the connections.
#[derive(Debug)]
pub(crate) enum Order {
    /// Connect to a service, unless it is connected already.
    Connect(PushServiceUrl),
    /// Have no connection to a service any more.
    Disconnect(PushServiceUrl),
    /// Obtain an endpoint; answered once it is stored.
    Register {
        service: PushServiceUrl,
        channel: ChannelId,
        key: Option<ApplicationServerKey>,
        reply: oneshot::Sender<Registered>,
    },
    /// Give an endpoint up; answered once the service has confirmed.
    Unregister {
        service: PushServiceUrl,
        channel: ChannelId,
        code: UnregisterCode,
        reply: oneshot::Sender<()>,
    },
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
    registering: HashMap<ChannelId, oneshot::Sender<Registered>>,
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
        // Whoever waits for an answer hears that there will be none.
        drop((events, actor.registering, actor.unregistering));
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

    /// Reads what was withheld, and connects. What fails is tried again, and keeps
    /// nothing else from being done.
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
        match order {
            Order::Connect(service) => {
                if let Err(error) = self.connect(&service).await {
                    self.report(None, error.to_string());
                }
            }
            Order::Disconnect(service) => self.disconnect(&service).await,
            Order::Release => {
                if let Err(error) = self.release().await {
                    self.report(None, format!("messages that waited for keys could not be read: {error}"));
                }
            }
            Order::Register { service, channel, key, reply } => match self.connect(&service).await {
                Ok(()) => {
                    self.registering.insert(channel, reply);
                    self.with(&service, |service| service.register(channel, key));
                }
                Err(error) => drop(reply.send(Err(error.into()))),
            },
            Order::Unregister { service, channel, code, reply } => match self.connect(&service).await {
                Ok(()) => {
                    self.unregistering.insert(channel, reply);
                    self.with(&service, |service| service.unregister(channel, code));
                }
                Err(error) => self.report(None, error.to_string()),
            },
        }
    }

    async fn disconnect(&mut self, url: &PushServiceUrl) {
        if let Some(service) = self.services.remove(url) {
            service.stop().await;
        }
        self.shared.status.send_modify(|status| drop(Arc::make_mut(status).remove(url)));
        self.shared.tell(Event::Changed);
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
                self.refused(url, channel_id, status).await
            }
            service::Event::Unregistered { channel_id } => {
                self.shared.store.write(move |tx| Ok(channels::forget(tx, channel_id)?)).await?;
                self.discard_key(channel_id);
                if let Some(reply) = self.unregistering.remove(&channel_id) {
                    let _ = reply.send(());
                }
                Ok(())
            }
            service::Event::Messages(messages) => self.messages(url, messages).await,
        }
    }

    async fn connected(&mut self, url: PushServiceUrl, identity: Identity) -> Result<(), StoreError> {
        let (Identity::New(uaid) | Identity::Kept(uaid) | Identity::Replaced(uaid)) = identity;
        let service = url.clone();
        let work = self.shared.store.write(move |tx| {
            let state = sites::identify(tx, &service, &uaid)?;
            if state == UaidState::Replaced && !channels::invalidate(tx, &service)?.is_empty() {
                sites::set_setting(tx, sites::PAIRING_NOTICE, "1")?;
            }
            Ok((state, channels::untold(tx, &service)?))
        });
        let (state, untold) = match work.await {
            Ok(work) => work,
            Err(error) => {
                self.start_over(url).await;
                return Err(error);
            }
        };
        self.set_status(&url, true, None);
        tracing::info!(service = %url, identity = ?state, "connected");
        self.with(&url, |service| {
            // The session has what somebody waits for.
            for (channel, key) in untold.pending.iter().filter(|(id, _)| !self.registering.contains_key(id)) {
                service.register(*channel, *key);
            }
            for (channel, code) in &untold.removed {
                service.unregister(*channel, *code);
            }
        });
        if state == UaidState::Kept
            && let Some(presenter) = &self.presenter
        {
            presenter.catch_up(Timestamp::now());
        }
        self.shared.signals.show.notify_one();
        self.shared.tell(Event::Connected { push_service: url, uaid: state });
        if state == UaidState::Replaced {
            for name in self
                .shared
                .store
                .read(|c| Ok(sites::sites(c)?))
                .await?
                .into_iter()
                .filter_map(|row| row.wants_pairing().then_some(row.name))
            {
                let reason = "the push service has forgotten this subscription: pair the site again";
                self.report(Some(name), reason.into());
            }
        }
        Ok(())
    }

    /// Connects again later, as whoever the database says we are: the session knows better by now, but not for good.
    async fn start_over(&mut self, url: PushServiceUrl) {
        if let Some(service) = self.services.remove(&url) {
            service.stop().await;
        }
        self.set_status(&url, false, Some("the database failed".into()));
        let orders = self.shared.orders.clone();
        self.shared.tasks.spawn_waiting(async move {
            sleep(START_OVER).await;
            let _ = orders.send(Order::Connect(url));
        });
    }

    async fn registered(
        &mut self,
        url: PushServiceUrl,
        channel: ChannelId,
        endpoint: PushEndpoint,
    ) -> Result<(), StoreError> {
        let stored = self.shared.store.write(move |tx| Ok(channels::set_endpoint(tx, channel, &endpoint)?));
        let reply = self.registering.remove(&channel);
        let older = match stored.await {
            Ok(Some(older)) => older,
            Ok(None) => {
                // Removed while the answer was on its way.
                self.with(&url, |service| service.unregister(channel, UnregisterCode::UserRequest));
                return Ok(());
            }
            Err(error) => {
                let answer = CommandError::new(ErrorCode::Storage, error.to_string());
                let _ = reply.map(|reply| reply.send(Err(answer)));
                return Err(error);
            }
        };
        for (service, channel) in older {
            self.shared.keys.remove(channel);
            self.discard_key(channel);
            let (reply, _) = oneshot::channel();
            let code = UnregisterCode::UserRequest;
            let _ = self.shared.orders.send(Order::Unregister { service, channel, code, reply });
        }
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move {
            // Only then: whoever has been given the endpoint can rely on it, whatever becomes of the database.
            requests::keyring::save_record(&shared, channel).await;
            let _ = reply.map(|reply| reply.send(Ok(())));
        });
        self.shared.tell(Event::Changed);
        Ok(())
    }

    async fn refused(
        &mut self,
        url: PushServiceUrl,
        channel: ChannelId,
        status: u16,
    ) -> Result<(), StoreError> {
        if let Some(reply) = self.registering.remove(&channel) {
            let message = format!("{url} refused the subscription (status {status})");
            let _ = reply.send(Err(CommandError::new(ErrorCode::Rejected, message)));
            return Ok(());
        }
        self.report(None, format!("{url} refused to renew a subscription (status {status})"));
        if !matches!(status, 400 | 409) {
            return Ok(());
        }
        if self.shared.store.write(move |tx| Ok(channels::refuse(tx, channel)?)).await? {
            self.shared.keys.remove(channel);
            self.discard_key(channel);
            self.shared.tell(Event::Changed);
        }
        Ok(())
    }

    fn discard_key(&self, channel: ChannelId) {
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move { requests::discard_key(&shared, channel).await });
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
        self.shared.signals.show.notify_one();
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
                self.shared.signals.show.notify_one();
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
            Outcome::Show(popup) => {
                let n = popup.notification;
                let shown = Disposition::Shown;
                self.shared.tell(push(popup.entry, popup.site_name, n.title, n.body, n.navigate, shown));
            }
            Outcome::Recorded { entry, site, notification: n } => {
                self.shared.tell(push(Some(entry), site, n.title, n.body, n.navigate, Disposition::Recorded));
            }
            Outcome::Controlled { site_id, control } => {
                if control == Control::WithdrawAll {
                    requests::withdraw_soon(&self.shared, site_id);
                }
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
