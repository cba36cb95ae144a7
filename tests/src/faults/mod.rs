//! A proxy in front of a push service that breaks connections as networks do, and worse.
//!
//! It works on TCP, but knows where frames (or TLS records) begin, so that what it puts in stands between two of them. On
//! plain connections it changes no byte of what is forwarded; under TLS it may, as anybody on the way could.

mod garbage;
mod relay;
mod schedule;
mod units;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

pub use self::schedule::Schedule;
pub use self::units::Framing;

use self::relay::Relay;
use self::schedule::{Deck, Upcoming};
use crate::port::Port;
use crate::process::PATIENCE;

/// What can go wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing is forwarded for up to a second.
    Delay,
    /// The connection is reset.
    Reset,
    /// The connection ends in an orderly way, at an odd moment.
    End,
    /// Nothing is forwarded any more, and nobody told; seconds later, it is reset.
    HalfOpen,
    /// A part of a frame, and then the end.
    Truncate,
    /// Frames that no push service sends, towards the receiver. Not under TLS.
    Garbage,
    /// A frame arrives in pieces of a few bytes.
    SlowLoris,
    /// The connection is reset, and new ones are refused for up to two seconds.
    Refuse,
    /// A byte is another one. Under TLS only.
    Alter,
}

impl Fault {
    /// All that make sense on such connections.
    pub fn all(framing: Framing) -> Vec<Self> {
        let mut faults = vec![
            Self::Delay,
            Self::Reset,
            Self::End,
            Self::HalfOpen,
            Self::Truncate,
            Self::SlowLoris,
            Self::Refuse,
        ];
        faults.push(match framing {
            Framing::WebSocket => Self::Garbage,
            Framing::Tls => Self::Alter,
        });
        faults
    }
}

/// How often each fault has happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures(BTreeMap<Fault, u32>);

impl Figures {
    /// How often this one has happened.
    pub fn count(&self, fault: Fault) -> u32 {
        self.0.get(&fault).copied().unwrap_or(0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self.0.iter().map(|(fault, count)| format!("{count} {fault:?}")).collect();
        if counts.is_empty() { f.write_str("none") } else { f.write_str(&counts.join(", ")) }
    }
}

/// A running proxy. Its connections end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Shared,
    task: JoinHandle<()>,
}

/// What every connection has at hand.
#[derive(Debug, Clone)]
struct Shared {
    target: SocketAddr,
    framing: Framing,
    faulty: Arc<AtomicBool>,
    deck: Arc<Mutex<Deck>>,
    figures: watch::Sender<Figures>,
    refusals: mpsc::UnboundedSender<Duration>,
}

impl Shared {
    /// The next fault of those that are possible.
    fn deal(&self, possible: impl Fn(Fault) -> bool) -> Option<Fault> {
        self.deck.lock().unwrap_or_else(PoisonError::into_inner).deal(possible)
    }
}

impl Proxy {
    /// Starts one in front of this address. It forwards faithfully until told otherwise.
    pub fn start(target: SocketAddr, framing: Framing, schedule: Schedule) -> Result<Self> {
        let port = Port::reserve()?;
        let listener = port.listen()?;
        let (refusals, refused) = mpsc::unbounded_channel();
        let figures = watch::Sender::default();
        let deck = Arc::new(Mutex::new(schedule.deck()));
        let shared = Shared { target, framing, faulty: Arc::default(), deck, figures, refusals };
        let address = port.address();
        let task = tokio::spawn(serve(port, listener, schedule, shared.clone(), refused));
        Ok(Self { address, shared, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of what is behind it, through it.
    pub fn url(&self, url: &str) -> Result<String> {
        let mut url = url::Url::parse(url)?;
        url.set_port(Some(self.address.port())).ok().context("a URL with a port")?;
        Ok(url.into())
    }

    /// From now on, things go wrong as scheduled.
    pub fn break_things(&self) {
        self.shared.faulty.store(true, Ordering::Relaxed);
    }

    /// From now on, everything goes through; what has gone wrong takes its course.
    pub fn heal(&self) {
        self.shared.faulty.store(false, Ordering::Relaxed);
    }

    /// What has gone wrong so far.
    pub fn figures(&self) -> Figures {
        self.shared.figures.borrow().clone()
    }

    /// Returns once this has gone wrong so many times.
    pub async fn happened(&self, fault: Fault, times: u32) -> Result<()> {
        let mut figures = self.shared.figures.subscribe();
        let happened = figures.wait_for(|figures| figures.count(fault) >= times);
        timeout(PATIENCE, happened).await.with_context(|| format!("{fault:?} has not happened"))??;
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    port: Port,
    listener: TcpListener,
    schedule: Schedule,
    shared: Shared,
    mut refused: mpsc::UnboundedReceiver<Duration>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    let mut number = 0;
    while let Some(listening) = &listener {
        tokio::select! {
            accepted = listening.accept() => {
                if let Ok((user_agent, _)) = accepted {
                    let upcoming = schedule.of_connection(number);
                    number += 1;
                    connections.spawn(connect(user_agent, shared.clone(), upcoming));
                }
            }
            Some(span) = refused.recv() => {
                // Nobody listens: the system itself refuses.
                drop(listener.take());
                sleep(span).await;
                listener = port.listen().ok();
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(user_agent: TcpStream, shared: Shared, upcoming: Upcoming) {
    match TcpStream::connect(shared.target).await {
        Ok(push_service) => Relay::new(user_agent, push_service, shared, upcoming).run().await,
        Err(_) => relay::reset(&user_agent),
    }
}
