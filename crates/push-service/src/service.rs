//! What the WebSocket side and the HTTP side share.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::Timing;
use crate::clock::Clock;
use crate::endpoint::KnownSenders;
use crate::limits::Limits;
use crate::registration::RegistrationToken;
use crate::registry::Registry;
use crate::store::Store;
use crate::urls::Urls;

/// One running service.
pub(crate) struct Service {
    pub(crate) store: Store,
    pub(crate) registry: Arc<Registry>,
    pub(crate) urls: Urls,
    pub(crate) senders: KnownSenders,
    pub(crate) registration_token: Option<RegistrationToken>,
    pub(crate) limits: Option<Limits>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) timing: Timing,
    pub(crate) clock: Clock,
    /// Every connection holds a receiver, so that the sender knows when the last one is gone.
    pub(crate) phase: watch::Sender<Phase>,
}

/// Whether connections go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// They do.
    Serving,
    /// They are closed politely.
    Closing,
    /// They end at once, as if the process had died.
    Abandoned,
}

impl Service {
    /// Seconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }
}
