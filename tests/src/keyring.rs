//! Reads the session's keyring as any program of the user could, past Belfry.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};
use zbus::{Connection, Proxy};

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// One item.
#[derive(Clone)]
pub struct Item {
    /// Where it is on the bus.
    pub path: OwnedObjectPath,
    /// What it is found by.
    pub attributes: HashMap<String, String>,
    /// What it keeps.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Item({}, {:?})", self.path.as_str(), self.attributes)
    }
}

impl Item {
    /// A subscription's private key and auth secret; `None` when the item is not a subscription's.
    pub fn subscription_keys(&self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let Ok(record) = serde_json::from_slice::<Value>(&self.secret) else { return Ok(None) };
        let bytes = |name: &str| {
            let text =
                record.get(name).and_then(Value::as_str).with_context(|| format!("{name} in the record"))?;
            URL_SAFE_NO_PAD.decode(text).with_context(|| format!("{name} is base64url"))
        };
        Ok(Some((bytes("private")?, bytes("auth")?)))
    }
}

/// Belfry's items, in no particular order.
pub async fn items(bus: &Connection) -> Result<Vec<Item>> {
    let service = Proxy::new(bus, NAME, PATH, SERVICE).await?;
    let (_, secrets): (OwnedValue, OwnedObjectPath) =
        service.call("OpenSession", &("plain", zbus::zvariant::Value::from(""))).await?;
    let filter = HashMap::from([("service", "belfry")]);
    let (paths, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        service.call("SearchItems", &(filter,)).await?;
    anyhow::ensure!(locked.is_empty(), "the keyring is locked");

    let mut items = Vec::new();
    for path in paths {
        let item = Proxy::new(bus, NAME, path.clone(), "org.freedesktop.Secret.Item").await?;
        let attributes = item.get_property("Attributes").await?;
        let secret: (OwnedObjectPath, Vec<u8>, Vec<u8>, String) =
            item.call("GetSecret", &(&secrets,)).await?;
        items.push(Item { path, attributes, secret: secret.2 });
    }
    Ok(items)
}

/// Deletes an item.
pub async fn delete(bus: &Connection, item: &Item) -> Result<()> {
    let proxy = Proxy::new(bus, NAME, item.path.clone(), "org.freedesktop.Secret.Item").await?;
    let _prompt: OwnedObjectPath = proxy.call("Delete", &()).await?;
    Ok(())
}

/// Puts an item back that was deleted.
pub async fn restore(bus: &Connection, item: &Item) -> Result<()> {
    let service = Proxy::new(bus, NAME, PATH, SERVICE).await?;
    let session = open_session(&service).await?;
    let collection = Proxy::new(bus, NAME, LOGIN, "org.freedesktop.Secret.Collection").await?;
    let properties = HashMap::from([
        ("org.freedesktop.Secret.Item.Label", zbus::zvariant::Value::from("restored")),
        ("org.freedesktop.Secret.Item.Attributes", zbus::zvariant::Value::from(item.attributes.clone())),
    ]);
    let secret = (session, Vec::<u8>::new(), item.secret.clone(), "application/octet-stream");
    let _: (OwnedObjectPath, OwnedObjectPath) =
        collection.call("CreateItem", &(properties, secret, true)).await?;
    Ok(())
}

/// Unlocks the login keyring without its question, as PAM does at login.
pub(crate) async fn unlock(bus: &Connection, password: &[u8]) -> Result<()> {
    let service = Proxy::new(bus, NAME, PATH, SERVICE).await?;
    let session = open_session(&service).await?;
    let secret = (session, Vec::<u8>::new(), password.to_vec(), "text/plain");
    let login = zbus::zvariant::ObjectPath::try_from(LOGIN)?;
    let internal = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
    let proxy = Proxy::new(bus, NAME, PATH, internal).await?;
    proxy.call::<_, _, ()>("UnlockWithMasterPassword", &(login, secret)).await?;
    Ok(())
}

async fn open_session(service: &Proxy<'_>) -> Result<OwnedObjectPath> {
    let (_, session): (OwnedValue, OwnedObjectPath) =
        service.call("OpenSession", &("plain", zbus::zvariant::Value::from(""))).await?;
    Ok(session)
}
