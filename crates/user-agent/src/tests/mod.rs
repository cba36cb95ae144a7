//! The whole receiver against a scripted push service, with a mock keyring and a notifier that records.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects; the rest is a failure")]

mod bindings;
mod cards;
mod checklist;
mod control;
mod identity;
mod keyring;
mod lifecycle;
mod moving;
mod permissions;
mod pictures;
mod recording_notifier;
mod retention;
mod scripted_service;
mod storage;
mod trouble;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use keyring_core::CredentialStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webpush::{PushSubscription, encryption};

use self::recording_notifier::{Manner, RecordingNotifier};
use self::scripted_service::{Peer, ScriptedService, secured, secured_by_an_authority};
use crate::api::{
    Check, CommandError, Disposition, DoNotDisturb, Entry, EntryFilter, EntryId, Event, NewSite, Request,
    Response, Setting, SettingKey, Site, SiteChange, Status, Trouble,
};
use crate::client::Client;
use crate::config::{Mode, Notify, Options};
use crate::engine::UserAgent;
use crate::keys::Backend;
use crate::keys::tests::{TestBackend, mock_store};
use crate::notifier::{Activation, Card, Notifier, Popup, Report, Withdrawal};

/// A backstop for events that never come; nothing waits this long when it works.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// SQLCipher's default page, in bytes.
const PAGE: usize = 4096;

/// What outlives a process: the profile's folder and the keyring.
struct Machine {
    folder: TempDir,
    keyring: Arc<CredentialStore>,
    /// The door to the keyring.
    door: TestBackend,
    /// What its notification server can do. `None`: it has none.
    capabilities: Option<Vec<String>>,
    shows_pictures: bool,
    /// What its notification server does when a process starts.
    manner: Manner,
}

/// A process.
struct Receiver {
    engine: UserAgent,
    client: Client,
    events: crate::client::Events,
    popups: mpsc::UnboundedReceiver<Popup>,
    notifications: watch::Sender<Manner>,
    withdrawn: mpsc::UnboundedReceiver<Withdrawal>,
    restored: mpsc::UnboundedReceiver<Vec<Card>>,
    reports: mpsc::UnboundedSender<Report>,
}

impl Machine {
    fn new() -> Self {
        let keyring = mock_store();
        let door = TestBackend::of(keyring.clone());
        let capabilities = Some(vec!["actions".to_owned()]);
        let folder = tempfile::tempdir().unwrap();
        Self { folder, keyring, door, capabilities, shows_pictures: true, manner: Manner::Shows }
    }

    fn options(&self, mode: Mode) -> Options {
        Options {
            profile: self.folder.path().join("profile"),
            mode,
            push_service: None,
            ca_files: Vec::new(),
            allow_insecure: false,
            ask_first: false,
            passphrase: Default::default(),
        }
    }

    async fn try_start(&self, service: &str, mode: Mode) -> Result<Receiver, CommandError> {
        self.start_with(Options { push_service: Some(service.parse().unwrap()), ..self.options(mode) }).await
    }

    async fn start_with(&self, options: Options) -> Result<Receiver, CommandError> {
        let backend = Some(Backend::Test(self.door.clone()));
        let (shown, popups) = mpsc::unbounded_channel();
        let (withdrawals, withdrawn) = mpsc::unbounded_channel();
        let (restorations, restored) = mpsc::unbounded_channel();
        let (reports, reported) = mpsc::unbounded_channel();
        let (notifications, manner) = watch::channel(self.manner);
        let notifier: Option<Arc<dyn Notifier>> = match options.mode {
            Mode::Receive(_) => {
                let capabilities = self.capabilities.clone();
                Some(Arc::new(RecordingNotifier {
                    shown,
                    capabilities,
                    shows_pictures: self.shows_pictures,
                    manner,
                    withdrawn: withdrawals,
                    restored: restorations,
                    ids: AtomicU32::new(1),
                }))
            }
            Mode::Online | Mode::Offline => None,
        };
        let engine = UserAgent::start_with(options, backend, notifier, reported).await?;
        let client = engine.client();
        let events = client.events_from_start();
        Ok(Receiver { engine, client, events, popups, notifications, withdrawn, restored, reports })
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("profile/belfry.db")
    }

    /// A keyring item of this profile.
    fn item(&self, what: &str) -> keyring_core::Entry {
        let id = std::fs::read_to_string(self.folder.path().join("profile/id")).unwrap();
        self.keyring.build("belfry", &format!("{}:{what}", id.trim()), None).unwrap()
    }

    /// A connection to the database past the receiver, for doing damage.
    fn tamper(&self) -> rusqlite::Connection {
        let key: [u8; 32] = self.item("database").get_secret().unwrap().try_into().unwrap();
        crate::store::tests::connect_to(&self.database(), &zeroize::Zeroizing::new(key))
    }

    /// Overwrites the beginning of the database.
    fn damage(&self) {
        self.damage_page(0);
    }

    /// Overwrites a page of the database, counted from zero.
    fn damage_page(&self, page: usize) {
        let mut bytes = std::fs::read(self.database()).unwrap();
        bytes[page * PAGE..][..PAGE].fill(7);
        std::fs::write(self.database(), bytes).unwrap();
    }

    /// How many pages the database has.
    fn pages(&self) -> usize {
        std::fs::read(self.database()).unwrap().len() / PAGE
    }

    async fn start(&self, service: &ScriptedService) -> Receiver {
        self.try_start(&service.url(), Mode::Receive(Notify::Auto)).await.unwrap()
    }
}

/// What a request will be answered.
type Answer = JoinHandle<Result<Response, CommandError>>;

impl Receiver {
    /// Makes a request; the test goes on meanwhile.
    fn ask(&self, request: Request) -> Answer {
        let client = self.client.clone();
        tokio::spawn(async move { client.request(request).await })
    }

    /// Starts adding a site; the test plays the service meanwhile.
    fn add(&self, name: &str) -> Answer {
        let name = name.to_owned();
        self.ask(Request::AddSite(NewSite { name, url: None, vapid_key: None, push_service: None }))
    }

    /// Adds a site with the service's help; its channel and what a sender gets.
    async fn paired(&self, peer: &mut Peer, name: &str) -> (String, PushSubscription) {
        let adding = self.add(name);
        let channel = peer.answer_register().await;
        let Response::Site(site) = soon("the site", adding).await.unwrap().unwrap() else {
            panic!("not a site")
        };
        (channel, site.subscription.unwrap())
    }

    async fn event(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = soon(what, self.events.next()).await.expect("the receiver ended");
            if wanted(&event) {
                return event;
            }
        }
    }

    async fn popup(&mut self) -> Popup {
        soon("a notification", self.popups.recv()).await.unwrap()
    }

    /// Somebody clicks on an entry's notification or, with an index, on one of its buttons.
    fn click(&self, entry: Option<EntryId>, action: Option<usize>) {
        self.reports.send(Report::Clicked(Activation { entry, action, token: None })).unwrap();
    }

    /// What was taken off the screen next.
    async fn withdrawal(&mut self) -> Withdrawal {
        soon("a withdrawal", self.withdrawn.recv()).await.unwrap()
    }

    /// The titles of the next notifications.
    async fn titles(&mut self, count: usize) -> Vec<String> {
        let mut titles = Vec::new();
        for _ in 0..count {
            titles.push(self.popup().await.notification.title);
        }
        titles
    }

    async fn set(&self, site: &str, changes: &[SiteChange]) -> Result<Site, CommandError> {
        let request = Request::SetSite { site: site.into(), changes: changes.to_vec() };
        match self.client.request(request).await? {
            Response::Site(site) => Ok(*site),
            other => panic!("{other:?}"),
        }
    }

    async fn setting(&self, key: SettingKey, value: Option<&str>) -> Result<Vec<Setting>, CommandError> {
        self.set_setting(key, value, false).await
    }

    async fn set_setting(
        &self,
        key: SettingKey,
        value: Option<&str>,
        confirmed: bool,
    ) -> Result<Vec<Setting>, CommandError> {
        let request = Request::SetSetting { key, value: value.map(str::to_owned), confirmed };
        match self.client.request(request).await? {
            Response::Settings(settings) => Ok(settings),
            other => panic!("{other:?}"),
        }
    }

    /// What was decided about the next push.
    async fn disposition(&mut self) -> Disposition {
        match self.event("a push", |event| matches!(event, Event::Push { .. })).await {
            Event::Push { disposition, .. } => disposition,
            other => panic!("{other:?}"),
        }
    }

    async fn sites(&self) -> Vec<Site> {
        match self.client.request(Request::ListSites).await.unwrap() {
            Response::Sites(sites) => sites,
            other => panic!("{other:?}"),
        }
    }

    async fn history(&self) -> Vec<Entry> {
        match self.client.request(Request::ListEntries(EntryFilter::default())).await.unwrap() {
            Response::Entries(entries) => entries,
            other => panic!("{other:?}"),
        }
    }

    async fn checks(&self) -> Vec<Check> {
        match self.client.request(Request::Diagnose).await.unwrap() {
            Response::Checks(checks) => checks,
            other => panic!("{other:?}"),
        }
    }

    /// What is wrong, but for the place where the tests run: that may have no tray.
    async fn troubles(&self) -> Vec<Trouble> {
        let troubles = self.checks().await.into_iter().filter_map(|check| check.code);
        troubles.filter(|trouble| *trouble != Trouble::TrayAbsent).collect()
    }

    async fn silence(&self, value: DoNotDisturb) {
        self.client.request(Request::SetDoNotDisturb { value }).await.unwrap();
    }

    async fn status(&self) -> Status {
        match self.client.request(Request::Status).await.unwrap() {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    async fn show(&self, site: &str) -> Site {
        match self.client.request(Request::ShowSite { site: site.into() }).await.unwrap() {
            Response::Site(site) => *site,
            other => panic!("{other:?}"),
        }
    }
}

/// A push with a title, as a sender encrypts it.
fn titled(subscription: &PushSubscription, title: &str) -> Vec<u8> {
    sealed(subscription, &json!({"title": title, "body": "b"}).to_string())
}

/// A push as a sender encrypts it.
fn sealed(subscription: &PushSubscription, payload: &str) -> Vec<u8> {
    encryption::encrypt(&subscription.keys, payload.as_bytes()).unwrap()
}
