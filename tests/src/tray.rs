//! A panel that shows tray icons, for programs that bring one as a StatusNotifierItem, in place of the desktop's own.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::message::Header;
use zbus::proxy::CacheProperties;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, Proxy, fdo, interface};

use crate::menu::Menu;
use crate::process::PATIENCE;
use crate::session::Session;

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";

/// Watcher and host in one. Its name is released when it is dropped.
#[derive(Debug)]
pub struct Panel {
    connection: Connection,
    registered: mpsc::UnboundedReceiver<Registered>,
}

/// Where an icon is on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Registered {
    owner: String,
    path: String,
}

impl Panel {
    /// Takes the watcher's name on the session's bus.
    pub async fn start(session: &Session) -> Result<Self> {
        let connection = session.connect().await?;
        let (sender, registered) = mpsc::unbounded_channel();
        let watcher = Watcher { known: HashSet::new(), sender };
        connection.object_server().at(PATH, watcher).await?;
        connection.request_name(NAME).await.context("own the name of the tray's watcher")?;
        Ok(Self { connection, registered })
    }

    /// The next icon that comes.
    pub async fn icon(&mut self) -> Result<Icon> {
        match timeout(PATIENCE, self.registered.recv()).await {
            Ok(Some(Registered { owner, path })) => Icon::new(&self.connection, owner, path).await,
            Ok(None) => bail!("the panel has stopped"),
            Err(_) => bail!("no tray icon came in {PATIENCE:?}"),
        }
    }
}

/// An icon in the tray.
#[derive(Debug)]
pub struct Icon {
    item: Proxy<'static>,
    /// Its menu.
    pub menu: Menu,
}

impl Icon {
    async fn new(panel: &Connection, owner: String, path: String) -> Result<Self> {
        // Items tell of changes by signals of their own.
        let item = zbus::proxy::Builder::<Proxy<'static>>::new(panel)
            .destination(owner.clone())?
            .path(path)?
            .interface(ITEM)?
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        let menu: OwnedObjectPath = item.get_property("Menu").await.context("the icon's menu")?;
        let menu = Menu::at(panel, owner, menu).await?;
        Ok(Self { item, menu })
    }

    /// The file of its picture.
    pub async fn picture(&self) -> Result<PathBuf> {
        Ok(self.item.get_property::<String>("IconName").await?.into())
    }
}

/// Libraries register an icon more than once.
struct Watcher {
    known: HashSet<Registered>,
    sender: mpsc::UnboundedSender<Registered>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    /// An item names its bus name, or its path on the bus name it calls from.
    fn register_status_notifier_item(
        &mut self,
        service: String,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<()> {
        let registered = if service.starts_with('/') {
            let owner = header.sender().map(ToString::to_string).unwrap_or_default();
            Registered { owner, path: service }
        } else {
            Registered { owner: service, path: "/StatusNotifierItem".to_owned() }
        };
        if self.known.insert(registered.clone()) {
            self.sender.send(registered).map_err(|_| fdo::Error::Failed("the test is over".to_owned()))?;
        }
        Ok(())
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }
}
