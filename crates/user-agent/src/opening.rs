//! Opening a profile: the keyring, then the database under its key, then the subscriptions' keys. A database that is lost
//! or damaged is begun anew with the sites that the keyring remembers.

use std::path::Path;

use jiff::Timestamp;
use thiserror::Error;
use webpush::ChannelId;

use crate::api::{CommandError, Trouble};
use crate::config;
use crate::keys::{KeyTable, Keyring, KeyringError};
use crate::store::sites::{self, SiteRow};
use crate::store::{DatabaseKey, Store, StoreError, channels, recovery};

/// Why a profile did not open.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    File(CommandError),
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Keyring(error) => error.into(),
            OpenError::Store(error) => error.into(),
            OpenError::File(error) => error,
        }
    }
}

/// An open profile.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) keys: KeyTable,
    /// What people are to be told about it, a line each.
    pub(crate) news: Vec<String>,
    /// Channels whose keyring item tells something else than the database: the last change was not written there.
    pub(crate) stale: Vec<ChannelId>,
}

/// Opens the profile in this folder. `suspect`: its database has failed, and is read as a whole first.
pub(crate) async fn open(profile: &Path, keyring: &Keyring, suspect: bool) -> Result<Opened, OpenError> {
    match attempt(profile, keyring, suspect).await {
        // Damage behind the first page shows only when something there is read. The database is closed again by now.
        Err(OpenError::Store(error)) if error.trouble() == Trouble::DatabaseDamaged && !suspect => {
            tracing::error!(%error, "the database is read as a whole");
            attempt(profile, keyring, true).await
        }
        outcome => outcome,
    }
}

async fn attempt(profile: &Path, keyring: &Keyring, suspect: bool) -> Result<Opened, OpenError> {
    let path = profile.join("belfry.db");
    let exists = path.metadata().is_ok_and(|file| file.len() > 0);
    let key = keyring.database_key(exists).await?;
    let file = path.clone();
    let opened = tokio::task::spawn_blocking(move || open_database(&file, &key, suspect)).await;
    let store = opened.unwrap_or(Err(StoreError::Closed.into()))?;
    let mut news = Vec::new();
    if store.read(|c| Ok(recovery::is_incomplete(c)?)).await? {
        let set_aside = recovery::last_set_aside(&path);
        if let Some(aside) = &set_aside {
            let message = format!("the database was damaged and is kept as {}", aside.display());
            tracing::error!("{message}");
            news.push(message);
        }
        let records = keyring.records().await?;
        let now = Timestamp::now();
        let rebuilt =
            store.write(move |tx| Ok(recovery::rebuild(tx, &records, set_aside.as_deref(), now)?)).await?;
        if !rebuilt.is_empty() {
            news.push(format!("rebuilt from the keyring: {}", rebuilt.join(", ")));
        }
    }
    let read = store.read(|c| Ok((channels::with_sites(c)?, sites::sites(c)?, sites::push_services(c)?)));
    let (channels, sites, services) = read.await?;
    let wanted = channels.len();
    let loaded = keyring.load(channels).await?;
    let missing = wanted.saturating_sub(loaded.len());
    if missing > 0 {
        tracing::error!(subscriptions = missing, "keys are missing from the keyring");
        news.push(format!(
            "the keyring lacks the keys of {missing} subscriptions: their messages wait for them"
        ));
    }
    let is_stale = |site: &SiteRow| {
        let service = services.iter().find(|service| service.url == site.push_service);
        let uaid = service.and_then(|service| service.uaid.as_ref());
        loaded.get(&site.channel_id).is_some_and(|(_, record)| !record.tells(site, uaid))
    };
    let stale = sites.iter().filter(|site| is_stale(site)).map(|site| site.channel_id).collect();
    let keys = KeyTable::new(loaded.into_iter().map(|(channel, (keys, _))| (channel, keys)).collect());
    Ok(Opened { store, keys, news, stale })
}

fn open_database(path: &Path, key: &DatabaseKey, suspect: bool) -> Result<Store, OpenError> {
    config::create_private(path).map_err(|error| failed(path, &error))?;
    let suspect = suspect || recovery::is_suspect(path);
    let opened = match Store::open(path, key) {
        Ok(store) if suspect => store.check().map(|()| store),
        opened => opened,
    };
    match opened {
        Ok(store) => {
            if suspect {
                recovery::clear(path);
            }
            Ok(store)
        }
        Err(error) if error.trouble() == Trouble::DatabaseDamaged => {
            tracing::error!(%error, "the database is kept aside and begun anew");
            recovery::set_aside(path, Timestamp::now()).map_err(|error| failed(path, &error))?;
            recovery::clear(path);
            config::create_private(path).map_err(|error| failed(path, &error))?;
            Ok(Store::open(path, key)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A file could not be made or written.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the many ways a file fails, these have a remedy of their own"
)]
pub(crate) fn io_trouble(error: &std::io::Error) -> Trouble {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Trouble::DiskFull,
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => Trouble::ReadOnly,
        _ => Trouble::StorageFailed,
    }
}

fn failed(path: &Path, error: &std::io::Error) -> OpenError {
    let message = format!("cannot write {}: {error}", path.display());
    OpenError::File(CommandError::from_trouble(io_trouble(error), message))
}
