//! What requests want of the connections.

use tokio::sync::{mpsc, oneshot};
use webpush::autopush::UnregisterCode;
use webpush::{ApplicationServerKey, ChannelId};

use crate::api::CommandError;
use crate::config::PushServiceUrl;
use crate::service::Answered;

/// What became of a registration.
pub(super) type Registered = Result<(), CommandError>;

/// What a request needs of the connections.
#[derive(Debug)]
pub(crate) enum Order {
    /// Connect to a service, unless it is connected already.
    Connect(PushServiceUrl),
    /// Have no connection to a service any more; answered once nothing that it said is listened to.
    Disconnect { service: PushServiceUrl, done: oneshot::Sender<()> },
    /// The same until what it is answered with is dropped: all other orders for the service wait.
    Hold { service: PushServiceUrl, reply: oneshot::Sender<Held> },
    /// Do what waited for a service that was held. Only [`Held`] says this.
    LetGo(PushServiceUrl),
    /// Obtain an endpoint; answered once it is stored.
    Register {
        service: PushServiceUrl,
        channel: ChannelId,
        key: Option<ApplicationServerKey>,
        reply: oneshot::Sender<Registered>,
    },
    /// Find out whether a service answers, now. Nothing is answered for as long as it may yet.
    Probe { service: PushServiceUrl, reply: oneshot::Sender<Answered> },
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

impl Order {
    /// The service that it is about and must not be held.
    pub(super) fn needs(&self) -> Option<&PushServiceUrl> {
        match self {
            Self::Connect(service)
            | Self::Disconnect { service, .. }
            | Self::Hold { service, .. }
            | Self::Register { service, .. }
            | Self::Probe { service, .. }
            | Self::Unregister { service, .. } => Some(service),
            Self::LetGo(_) | Self::Release => None,
        }
    }
}

/// A push service that nobody connects to while this is there, however its owner ends.
#[derive(Debug)]
pub(crate) struct Held {
    service: PushServiceUrl,
    orders: mpsc::UnboundedSender<Order>,
}

impl Held {
    pub(super) fn new(service: PushServiceUrl, orders: mpsc::UnboundedSender<Order>) -> Self {
        Self { service, orders }
    }

    /// Connects to it afterwards, even if it was not connected before.
    pub(crate) fn connect(&self) {
        let _ = self.orders.send(Order::Connect(self.service.clone()));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::LetGo(self.service.clone()));
    }
}
