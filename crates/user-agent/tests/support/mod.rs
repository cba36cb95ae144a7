//! A session bus of a test's own, and a notification server on it that records what it is asked for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod conformance;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use user_agent::api::{EntryId, Links};
use user_agent::notifier::{Activation, Illustration, Notifier, Popup, Report, Reports};
use webpush::payload::{Action, Notification};
use zbus::interface;
use zbus::zvariant::OwnedValue;

/// How long anything may take that is expected to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const NAME: &str = "org.freedesktop.Notifications";
pub const PATH: &str = "/org/freedesktop/Notifications";

/// What a full desktop can do.
pub const FULL: &[&str] = &["actions", "body", "body-markup", "persistence", "sound", "x-kde-origin-name"];

/// A message bus that starts no services. Ends with its owner.
pub struct Bus {
    daemon: Child,
    pub address: String,
    folder: Option<tempfile::TempDir>,
}

impl Bus {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bus = Self::start_in(folder.path());
        bus.folder = Some(folder);
        bus
    }

    /// Always at the same address for the same folder.
    pub fn start_in(folder: &Path) -> Self {
        let socket = folder.join("bus");
        let _ = std::fs::remove_file(&socket);
        let config = folder.join("bus.conf");
        let policy = "<allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/>";
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context='default'>{policy}</policy></busconfig>",
            socket.display()
        );
        std::fs::write(&config, text).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is installed");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "{address:?}");
        Self { daemon, address: address.trim().to_owned(), folder: None }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// One call of `Notify`.
#[derive(Debug)]
pub struct Shown {
    pub id: u32,
    /// The caller's unique bus name.
    pub sender: String,
    pub app_name: String,
    pub replaces_id: u32,
    pub app_icon: String,
    pub summary: String,
    pub body: String,
    /// Keys and labels.
    pub actions: Vec<(String, String)>,
    pub hints: HashMap<String, OwnedValue>,
    pub expire_timeout: i32,
}

impl Shown {
    pub fn key(&self, label: &str) -> &str {
        &self.actions.iter().find(|(_, other)| other == label).expect("a button with this label").0
    }

    pub fn hint<T: TryFrom<OwnedValue>>(&self, name: &str) -> Option<T> {
        T::try_from(self.hints.get(name)?.try_clone().unwrap()).ok()
    }

    pub fn is_silenced(&self) -> bool {
        self.hint::<bool>("suppress-sound") == Some(true)
    }
}

/// What the server was asked for, in order.
#[derive(Debug)]
pub enum Call {
    Notify(Box<Shown>),
    Close(u32),
}

/// How the server takes `Notify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Usual,
    /// Shows it and does not answer before [`Desktop::answer`].
    Hangs,
    /// Reports a click on the notification, and only then answers.
    ClicksFirst,
    /// The bus answers the first call in its place, as if it had just gone.
    IsGoneFirst,
    /// As usual, by the name of KDE's server.
    IsPlasma,
}

/// The recording server. Dropping it takes it off the bus.
pub struct Desktop {
    connection: zbus::Connection,
    calls: mpsc::UnboundedReceiver<Call>,
    answers: Arc<Notify>,
}

impl Desktop {
    pub async fn start(address: &str, capabilities: &[&str]) -> Self {
        Self::start_as(address, capabilities, Manner::Usual).await
    }

    pub async fn start_as(address: &str, capabilities: &[&str], manner: Manner) -> Self {
        let (record, calls) = mpsc::unbounded_channel();
        let capabilities = capabilities.iter().map(|&name| name.to_owned()).collect();
        let answers = Arc::new(Notify::new());
        let (open, last_id) = (Arc::default(), 0);
        let server = Server { capabilities, manner, record, open, last_id, answers: answers.clone() };
        let builder = zbus::connection::Builder::address(address).unwrap();
        let connection = builder
            .serve_at(PATH, server)
            .unwrap()
            .name(NAME)
            .unwrap()
            .allow_name_replacements(true)
            .replace_existing_names(true)
            .build()
            .await
            .unwrap();
        Self { connection, calls, answers }
    }

    pub async fn call(&mut self) -> Call {
        timeout(PATIENCE, self.calls.recv()).await.expect("a call").unwrap()
    }

    pub async fn shown(&mut self) -> Shown {
        match self.call().await {
            Call::Notify(shown) => *shown,
            Call::Close(id) => panic!("closed {id} instead of showing"),
        }
    }

    pub async fn emit<B: serde::Serialize + zbus::zvariant::DynamicType>(&self, signal: &str, body: &B) {
        emit(&self.connection, signal, body).await;
    }

    /// Answers one call that it has let hang.
    pub fn answer(&self) {
        self.answers.notify_one();
    }

    pub async fn closed(&mut self) -> u32 {
        match self.call().await {
            Call::Close(id) => id,
            Call::Notify(shown) => panic!("showed {shown:?} instead of closing"),
        }
    }

    /// Leaves the bus before it returns.
    pub async fn stop(self) {
        self.connection.close().await.unwrap();
    }
}

pub async fn emit<B: serde::Serialize + zbus::zvariant::DynamicType>(
    connection: &zbus::Connection,
    signal: &str,
    body: &B,
) {
    connection.emit_signal(None::<&str>, PATH, NAME, signal, body).await.unwrap();
}

struct Server {
    capabilities: Vec<String>,
    manner: Manner,
    record: mpsc::UnboundedSender<Call>,
    open: Arc<Mutex<HashSet<u32>>>,
    last_id: u32,
    answers: Arc<Notify>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        let name = if self.manner == Manner::IsPlasma { "Plasma" } else { "Recorder" };
        (name, "Belfry", "1.0", "1.2")
    }

    #[allow(clippy::too_many_arguments)]
    async fn notify(
        &mut self,
        #[zbus(connection)] connection: &zbus::Connection,
        #[zbus(header)] header: zbus::message::Header<'_>,
        app_name: String,
        replaces_id: u32,
        app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> zbus::fdo::Result<u32> {
        if self.manner == Manner::IsGoneFirst {
            self.manner = Manner::Usual;
            return Err(zbus::fdo::Error::ServiceUnknown("it has gone".to_owned()));
        }
        let is_open = self.open.lock().unwrap().contains(&replaces_id);
        let id = if is_open { replaces_id } else { self.last_id + 1 };
        self.last_id = self.last_id.max(id);
        self.open.lock().unwrap().insert(id);
        let sender = header.sender().unwrap().to_string();
        let actions = actions.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        let shown = Shown {
            id,
            sender,
            app_name,
            replaces_id,
            app_icon,
            summary,
            body,
            actions,
            hints,
            expire_timeout,
        };
        let _ = self.record.send(Call::Notify(Box::new(shown)));
        if self.manner == Manner::Hangs {
            self.answers.notified().await;
        }
        if self.manner == Manner::ClicksFirst {
            emit(connection, "ActivationToken", &(id, "early")).await;
            emit(connection, "ActionInvoked", &(id, "default")).await;
        }
        Ok(id)
    }

    fn close_notification(&self, id: u32) -> zbus::fdo::Result<()> {
        let _ = self.record.send(Call::Close(id));
        match self.open.lock().unwrap().remove(&id) {
            true => Ok(()),
            false => Err(zbus::fdo::Error::Failed(String::new())),
        }
    }
}

/// A notifier under test.
#[derive(Clone)]
pub struct Subject {
    pub address: String,
    pub make: fn(&str, Reports) -> Arc<dyn Notifier>,
    /// It starts to listen for clicks some time after it has shown something.
    pub listens_late: bool,
}

pub fn popup(entry: i64, site: &str, notification: Notification) -> Popup {
    Popup {
        entry: Some(EntryId(entry)),
        site_id: site.to_owned(),
        site_name: "Backups".to_owned(),
        website: "https://backups.example.org/".parse().ok(),
        links: Links::Any,
        notification,
        illustration: Illustration::default(),
        sound: true,
        passes_silence: false,
        received_at: Timestamp::now(),
    }
}

/// The next click that is reported; closings in between are passed over.
pub async fn next_click(reports: &mut mpsc::UnboundedReceiver<Report>) -> Activation {
    loop {
        if let Report::Clicked(activation) = reports.recv().await.unwrap() {
            return activation;
        }
    }
}

pub fn titled(title: &str) -> Notification {
    Notification { title: title.to_owned(), ..Notification::default() }
}

pub fn tagged(title: &str, tag: &str) -> Notification {
    Notification { tag: tag.to_owned(), ..titled(title) }
}

/// Opens a page, and has buttons with these labels.
pub fn clickable(title: &str, labels: &[&str]) -> Notification {
    let action = |label: &&str| Action {
        action: "default".to_owned(),
        title: (*label).to_owned(),
        ..Action::default()
    };
    Notification {
        navigate: Some("https://backups.example.org/run/7".parse().unwrap()),
        actions: labels.iter().map(action).collect(),
        ..titled(title)
    }
}

/// A runtime as the programs have it.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
