//! Listens to what is said to the session's notification server, whichever it is, and to what it says.

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use tokio::time::timeout;
use zbus::fdo::MonitoringProxy;
use zbus::message::Type;
use zbus::{MatchRule, MessageStream};

use crate::process::PATIENCE;
use crate::session::Session;

const INTERFACE: &str = "org.freedesktop.Notifications";

/// Notifications that come and go on the session's bus.
#[derive(Debug)]
pub struct Overheard(MessageStream);

/// What the notification server is asked to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The title.
    pub summary: String,
    /// The text.
    pub body: String,
    /// The labels of the buttons.
    pub buttons: Vec<String>,
}

impl Overheard {
    /// Starts to listen.
    pub async fn start(session: &Session) -> Result<Self> {
        let connection = session.connect().await?;
        let messages = MessageStream::from(connection.clone());
        let shown =
            MatchRule::builder().msg_type(Type::MethodCall).interface(INTERFACE)?.member("Notify")?.build();
        let closed = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(INTERFACE)?
            .member("NotificationClosed")?
            .build();
        let monitoring = MonitoringProxy::new(&connection).await?;
        monitoring.become_monitor(&[shown, closed], 0).await.context("monitor the bus")?;
        Ok(Self(messages))
    }

    /// The next notification with this title; a person's own may come in between.
    pub async fn next(&mut self, title: &str) -> Result<Notification> {
        let heard = async {
            while let Some(message) = self.0.next().await {
                if let Some(notification) = read(&message?)?
                    && notification.summary == title
                {
                    return Ok(notification);
                }
            }
            bail!("the bus is gone")
        };
        timeout(PATIENCE, heard).await.context("nobody called Notify")?
    }

    /// Returns once a notification has left the screen.
    pub async fn closed(&mut self) -> Result<()> {
        let heard = async {
            while let Some(message) = self.0.next().await {
                if message?.header().member().is_some_and(|member| member.as_str() == "NotificationClosed") {
                    return Ok(());
                }
            }
            bail!("the bus is gone")
        };
        timeout(PATIENCE, heard).await.context("no notification was closed")?
    }
}

fn read(message: &zbus::Message) -> Result<Option<Notification>> {
    type Arguments<'a> = (
        &'a str,
        u32,
        &'a str,
        &'a str,
        &'a str,
        Vec<&'a str>,
        std::collections::HashMap<&'a str, zbus::zvariant::Value<'a>>,
        i32,
    );
    if message.header().member().is_none_or(|member| member.as_str() != "Notify") {
        return Ok(None);
    }
    let body = message.body();
    let (_, _, _, summary, text, actions, _, _): Arguments<'_> = body.deserialize()?;
    let (pairs, _) = actions.as_chunks::<2>();
    let buttons =
        pairs.iter().filter(|[key, _]| *key != "default").map(|[_, label]| (*label).to_owned()).collect();
    Ok(Some(Notification { summary: summary.to_owned(), body: text.to_owned(), buttons }))
}
