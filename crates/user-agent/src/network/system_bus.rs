//! What logind and NetworkManager tell on the system bus. Either may be absent, and may come later.

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use zbus::fdo::PropertiesProxy;
use zbus::{Connection, proxy};

use super::tell;

#[proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1",
    gen_blocking = false
)]
trait Login {
    /// `start`: the machine is about to sleep; otherwise it has just woken.
    #[zbus(signal)]
    fn prepare_for_sleep(&self, start: bool);
}

const NETWORK_MANAGER: &str = "org.freedesktop.NetworkManager";
const NETWORK_MANAGER_PATH: &str = "/org/freedesktop/NetworkManager";

/// `NM_CONNECTIVITY_FULL`: not behind a login page, which no route shows.
const FULL: u32 = 4;

/// Watches until the bus is gone. `address`: of another bus than the system's.
pub(super) async fn watch(address: Option<&str>, changes: &mpsc::Sender<()>) -> zbus::Result<()> {
    let builder = match address {
        Some(address) => zbus::connection::Builder::address(address)?,
        None => zbus::connection::Builder::system()?,
    };
    let bus = builder.build().await?;
    tokio::try_join!(sleep(&bus, changes), connectivity(&bus, changes))?;
    Ok(())
}

async fn sleep(bus: &Connection, changes: &mpsc::Sender<()>) -> zbus::Result<()> {
    let mut signals = LoginProxy::new(bus).await?.receive_prepare_for_sleep().await?;
    while let Some(signal) = signals.next().await {
        if signal.args().is_ok_and(|signal| !signal.start) {
            tell(changes, "the machine woke");
        }
    }
    Ok(())
}

async fn connectivity(bus: &Connection, changes: &mpsc::Sender<()>) -> zbus::Result<()> {
    let properties = PropertiesProxy::builder(bus)
        .destination(NETWORK_MANAGER)?
        .path(NETWORK_MANAGER_PATH)?
        .build()
        .await?;
    let mut signals = properties.receive_properties_changed().await?;
    while let Some(signal) = signals.next().await {
        let Ok(signal) = signal.args() else { continue };
        let value = signal.changed_properties.get("Connectivity");
        let now_full = value.and_then(|value| u32::try_from(value).ok()) == Some(FULL);
        if signal.interface_name == NETWORK_MANAGER && now_full {
            tell(changes, "the network leads to the internet");
        }
    }
    Ok(())
}
