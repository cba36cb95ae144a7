//! When a connection may have been cut without a word, or a new one may succeed at last: the network changed, it leads to
//! the internet again, the machine woke.

#[cfg(target_os = "linux")]
mod netlink;
mod route;
#[cfg(target_os = "linux")]
mod system_bus;

use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::time::sleep;

use route::Route;

/// How often to look where nothing tells us.
const LOOK: Duration = Duration::from_secs(60);

/// The wall clock may be set by this much without the machine having slept.
const CLOCK_SET: Duration = Duration::from_secs(10);

/// Says so until the receiver is dropped. Whatever cannot be watched is left out.
pub(crate) fn changes() -> mpsc::Receiver<()> {
    // What has not been taken yet stands for what comes after it.
    let (changes, receiver) = mpsc::channel(1);
    tokio::spawn(watch(changes));
    receiver
}

#[cfg(target_os = "linux")]
async fn watch(changes: mpsc::Sender<()>) {
    let network = async {
        match netlink::Routes::open() {
            Ok(routes) => netlink::follow(routes, &changes).await,
            Err(error) => {
                tracing::debug!(%error, "no netlink: the network is looked at once a minute");
                look(&changes).await;
            }
        }
    };
    let system = async {
        if let Err(error) = system_bus::watch(None, &changes).await {
            tracing::debug!(%error, "the system bus tells nothing of sleep and network");
        }
    };
    tokio::select! {
        _ = async { tokio::join!(network, system) } => {}
        () = changes.closed() => {}
    }
}

#[cfg(not(target_os = "linux"))]
async fn watch(changes: mpsc::Sender<()>) {
    tokio::select! {
        () = look(&changes) => {}
        () = changes.closed() => {}
    }
}

fn tell(changes: &mpsc::Sender<()>, what: &str) {
    tracing::debug!(what, "trying connections");
    let _ = changes.try_send(());
}

/// Looks by itself, at the network and at the clocks.
async fn look(changes: &mpsc::Sender<()>) {
    let mut seen = Route::current();
    loop {
        let (awake, wall) = (Instant::now(), SystemTime::now());
        sleep(LOOK).await;
        let passed = SystemTime::now().duration_since(wall).unwrap_or_default();
        let current = Route::current();
        if current != seen {
            tell(changes, "the network changed");
        } else if has_slept(awake.elapsed(), passed) {
            tell(changes, "the machine woke");
        }
        seen = current;
    }
}

/// Whether the wall clock went on while ours stood still. Where ours counts sleep, a nap of a minute took longer.
fn has_slept(awake: Duration, passed: Duration) -> bool {
    passed > awake + CLOCK_SET || awake > LOOK + CLOCK_SET
}

#[cfg(test)]
#[cfg(target_os = "linux")]
pub(crate) mod tests;
