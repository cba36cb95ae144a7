//! The number on the app's icon in docks and task bars: Plasma's, Ubuntu's, Dash to Dock's and others follow what Unity's
//! launcher began.

use std::collections::HashMap;

use zbus::Connection;
use zbus::zvariant::Value;

const INTERFACE: &str = "com.canonical.Unity.LauncherEntry";
const PATH: &str = "/com/canonical/unity/launcherentry/belfry";
/// The desktop file that the packages install.
const APPLICATION: &str = "application://belfry.desktop";

/// The number, as it was last told.
#[derive(Default)]
pub(crate) struct Launcher {
    bus: Option<Connection>,
    told: u64,
}

impl Launcher {
    /// Shows how many messages are unread; none of them shows no number.
    pub(crate) async fn show(&mut self, unread: u64) {
        if unread == self.told {
            return;
        }
        match self.tell(unread).await {
            Ok(()) => self.told = unread,
            Err(error) => {
                tracing::debug!("docks were not told how many messages are unread: {error}");
                self.bus = None;
            }
        }
    }

    async fn tell(&mut self, unread: u64) -> zbus::Result<()> {
        let bus = match self.bus.take() {
            Some(bus) => bus,
            None => Connection::session().await?,
        };
        let properties = HashMap::from([
            ("count", Value::I64(i64::try_from(unread).unwrap_or(i64::MAX))),
            ("count-visible", Value::Bool(unread > 0)),
        ]);
        let bus = self.bus.insert(bus);
        bus.emit_signal(None::<&str>, PATH, INTERFACE, "Update", &(APPLICATION, properties)).await
    }
}
