//! Whoever answers the keyring's questions, in place of gnome-shell or gcr-prompter: it says no. The protocol is gcr's
//! private one (`org.gnome.keyring.internal.Prompter`).

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::message::Header;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};
use zbus::{Connection, fdo, interface};

use crate::process::PATIENCE;
use crate::session::Session;

const NAME: &str = "org.gnome.keyring.SystemPrompter";
const PATH: &str = "/org/gnome/keyring/Prompter";
const CALLBACK: &str = "org.gnome.keyring.internal.Prompter.Callback";

/// A person who dismisses every question. Gone when dropped.
#[derive(Debug)]
pub struct Prompter {
    _connection: Connection,
    questions: mpsc::UnboundedReceiver<String>,
}

impl Prompter {
    /// Takes the prompter's name on the session's bus.
    pub async fn start(session: &Session) -> Result<Self> {
        let connection = session.connect().await?;
        let (asked, questions) = mpsc::unbounded_channel();
        connection.object_server().at(PATH, Server { asked }).await?;
        connection.request_name(NAME).await.context("own the prompter's name")?;
        Ok(Self { _connection: connection, questions })
    }

    /// The next question, by now dismissed.
    pub async fn dismissed(&mut self) -> Result<String> {
        match timeout(PATIENCE, self.questions.recv()).await {
            Ok(Some(question)) => Ok(question),
            Ok(None) => bail!("the prompter has stopped"),
            Err(_) => bail!("nothing was asked in {PATIENCE:?}"),
        }
    }

    /// A question asked by now.
    pub fn already_asked(&mut self) -> Option<String> {
        self.questions.try_recv().ok()
    }
}

struct Server {
    asked: mpsc::UnboundedSender<String>,
}

#[interface(name = "org.gnome.keyring.internal.Prompter")]
impl Server {
    #[expect(clippy::unused_async, reason = "an interface's methods with a connection are asynchronous")]
    async fn begin_prompting(
        &self,
        callback: ObjectPath<'_>,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<()> {
        reply(connection, &header, callback.into(), "")
    }

    #[expect(clippy::unused_async, reason = "an interface's methods with a connection are asynchronous")]
    async fn perform_prompt(
        &self,
        callback: ObjectPath<'_>,
        kind: &str,
        _properties: HashMap<String, OwnedValue>,
        _exchange: &str,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<()> {
        let _ = self.asked.send(kind.to_owned());
        reply(connection, &header, callback.into(), "no")
    }

    fn stop_prompting(&self, _callback: ObjectPath<'_>) {}
}

/// Says this to the one who asks, after the call that this answers has returned.
fn reply(
    connection: &Connection,
    header: &Header<'_>,
    callback: OwnedObjectPath,
    answer: &'static str,
) -> fdo::Result<()> {
    let asking = header.sender().ok_or_else(|| fdo::Error::Failed("no sender".into()))?.to_owned();
    let connection = connection.clone();
    tokio::spawn(async move {
        let properties = HashMap::<&str, OwnedValue>::new();
        let arguments = (answer, properties, "");
        connection.call_method(Some(asking), callback, Some(CALLBACK), "PromptReady", &arguments).await
    });
    Ok(())
}
