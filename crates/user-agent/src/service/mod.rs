//! One push service: a task that holds the connection and tells the actor what happens.

mod connect;
mod driver;
mod mailbox;
mod probe;
mod proxy;
mod retry_after;
mod skew;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webpush::autopush::{AckCode, Identity, UnregisterCode};
use webpush::{ApplicationServerKey, ChannelId, MessageVersion, PushEndpoint, PushMessage, UserAgentId};

use driver::Driver;
use mailbox::Request;

pub(crate) use connect::{Connector, check_certificates};
pub(crate) use probe::Answered;
pub(crate) use skew::Skew;

use crate::api::Trouble;
use crate::clock::Clock;
use crate::config::PushServiceUrl;

/// How long a driver may take to stop by itself.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// The actor's end of a push service.
#[derive(Debug)]
pub(crate) struct Service {
    mailbox: mailbox::Sender,
    task: JoinHandle<()>,
}

/// What the actor hears.
#[derive(Debug)]
pub(crate) enum Event {
    Connected(Identity),
    Disconnected {
        retry_in: Option<Duration>,
        reason: String,
        /// What is wrong, where there is more to say than the reason does.
        trouble: Option<Trouble>,
    },
    Registered {
        channel_id: ChannelId,
        endpoint: PushEndpoint,
    },
    RegisterFailed {
        channel_id: ChannelId,
        status: u16,
    },
    Unregistered {
        channel_id: ChannelId,
    },
    /// Messages that arrived together.
    Messages(Vec<PushMessage>),
}

impl Service {
    /// Starts connecting. Events go to `events`, each with the service's URL.
    pub(crate) fn start(
        url: PushServiceUrl,
        known: Option<UserAgentId>,
        connector: Connector,
        events: mpsc::Sender<(PushServiceUrl, Event)>,
    ) -> Self {
        Self::start_with(url, known, Arc::new(connector), events, Clock::default())
    }

    fn start_with(
        url: PushServiceUrl,
        known: Option<UserAgentId>,
        connector: Arc<Connector>,
        events: mpsc::Sender<(PushServiceUrl, Event)>,
        clock: Clock,
    ) -> Self {
        let (mailbox, wishes) = mailbox::mailbox();
        let driver = Driver::new(url, known, connector, events, clock);
        Self { mailbox, task: tokio::spawn(driver.run(wishes)) }
    }

    pub(crate) fn register(&self, channel: ChannelId, key: Option<ApplicationServerKey>) {
        self.mailbox.put(|wishes| wishes.request(channel, Request::Register(key)));
    }

    pub(crate) fn unregister(&self, channel: ChannelId, code: UnregisterCode) {
        self.mailbox.put(|wishes| wishes.request(channel, Request::Unregister(code)));
    }

    pub(crate) fn acknowledge(&self, updates: Vec<(ChannelId, MessageVersion, AckCode)>) {
        self.mailbox.put(|wishes| wishes.acks.extend(updates));
    }

    /// Closes the connection, and makes it again after this time: the service then repeats what was not acknowledged.
    pub(crate) fn drop_connection(&self, reason: String, retry_after: Duration) {
        self.mailbox.put(|wishes| wishes.drop = Some((reason, retry_after)));
    }

    /// Somebody waits for this connection: an attempt that is to be made later is made now, unless the service has asked
    /// for more time, or to be left alone.
    pub(crate) fn attempt_now(&self) {
        self.mailbox.put(|wishes| wishes.attempt = true);
    }

    /// Finds out whether the service answers, over the connection there is or by one that is made now. A connection on which
    /// it does not is given up; its answer on the next one counts as well. The sender is dropped when this ends before.
    pub(crate) fn probe(&self, answer: oneshot::Sender<Answered>) {
        self.mailbox.put(|wishes| {
            wishes.attempt = true;
            wishes.probes.push(answer);
        });
    }

    /// The network changed or the machine woke.
    pub(crate) fn reconnect_now(&self) {
        self.mailbox.put(|wishes| wishes.reconnect = true);
    }

    /// Sends what is queued, closes the socket and ends the task, whatever it was doing.
    pub(crate) async fn stop(self) {
        drop(self.mailbox);
        let abort = self.task.abort_handle();
        if timeout(STOP_LIMIT, self.task).await.is_err() {
            abort.abort();
        }
    }
}
