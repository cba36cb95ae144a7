//! What most tests begin with: a session with a notification server and a stand-in `xdg-open`, a push service, and
//! profiles.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::belfry::{Belfry, PushService, Run, Subscription};
use crate::notifications::{self, NotificationServer};
use crate::opener::Opener;
use crate::session::Session;

/// A person's computer, without the person.
#[derive(Debug)]
pub struct Desk {
    /// Links opened.
    pub opener: Opener,
    /// Notifications shown.
    pub notifications: NotificationServer,
    /// The session they are in.
    pub session: Session,
}

impl Desk {
    /// Starts all of it.
    pub async fn start() -> Result<Self> {
        Self::with_capabilities(notifications::CAPABILITIES).await
    }

    /// With a notification server that can do only this.
    pub async fn with_capabilities(capabilities: &[&str]) -> Result<Self> {
        let mut session = Session::start().await?;
        let opener = Opener::install(&mut session)?;
        let notifications = NotificationServer::start(&session, capabilities).await?;
        Ok(Self { opener, notifications, session })
    }

    /// Where the push service of this desk keeps its data.
    pub fn service_data(&self) -> PathBuf {
        self.session.folder().join("push-service")
    }

    /// A push service over http.
    pub async fn service(&self) -> Result<PushService> {
        PushService::start(&self.session, &self.service_data(), &[]).await
    }

    /// A push service over https with a certificate authority of its own.
    pub async fn tls_service(&self) -> Result<PushService> {
        PushService::start(&self.session, &self.service_data(), &["--tls", "auto"]).await
    }

    /// `belfry` with the profile of this name.
    pub fn profile(&self, name: &str) -> Result<Belfry> {
        self.profile_in(&self.session.folder().join("profiles").join(name))
    }

    /// `belfry` with the profile in this folder.
    pub fn profile_in(&self, folder: &Path) -> Result<Belfry> {
        Belfry::new(&self.session, folder.to_owned())
    }

    /// A push of this document to this subscription, by `belfry send`. Fails when the push service does not accept it.
    pub async fn send(&self, subscription: &Subscription, document: &str) -> Result<String> {
        let to = self.session.file("to.json", &subscription.line)?;
        let arguments =
            [OsStr::new("send"), "--to".as_ref(), to.as_os_str(), "--payload".as_ref(), "-".as_ref()];
        self.profile("sender")?.feed(arguments, document).await
    }

    /// Returns once everything pushed so far has been taken in, whatever has become of it. `witness`: a site of the same
    /// receiver and push service that may show notifications; what it is sent arrives last.
    pub async fn taken_in(&mut self, witness: &Subscription) -> Result<()> {
        self.send(witness, &titled("Taken in")).await?;
        let shown = self.notifications.next().await?;
        ensure!(shown.summary == "Taken in", "{:?} was shown", shown.summary);
        Ok(())
    }

    /// Starts receiving from this push service and waits until it is connected.
    pub async fn run(&self, belfry: &Belfry, service: &PushService) -> Result<Run> {
        let mut run = belfry.run(&["--push-service", &service.websocket])?;
        run.next("connected").await?;
        Ok(run)
    }

    /// A profile with one site, `Backups`, at this push service, and nobody who receives.
    pub async fn paired(&self, service: &PushService) -> Result<(Belfry, Subscription)> {
        let belfry = self.profile("p")?;
        let run = self.run(&belfry, service).await?;
        let subscription = belfry.add_site("Backups", &[]).await?;
        run.terminate().await?;
        Ok((belfry, subscription))
    }
}

/// A Declarative Web Push document with a title and a link of its own.
pub fn titled(title: &str) -> String {
    declarative(title, &format!("https://example.com/{}", title.to_lowercase()), json!({}))
}

/// A Declarative Web Push document. `members` are those of `notification` besides title and link.
pub fn declarative(title: &str, navigate: &str, members: Value) -> String {
    let mut notification = json!({ "title": title, "navigate": navigate });
    if let (Value::Object(notification), Value::Object(members)) = (&mut notification, members) {
        notification.extend(members);
    }
    json!({ "web_push": 8030, "notification": notification }).to_string()
}
