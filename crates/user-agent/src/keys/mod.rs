//! Keys in the OS keyring: one item for the database, one per subscription. All are read when the profile opens and kept
//! in memory. The keyring's calls can block on a prompt, so they run on a thread of their own.

mod backend;
mod record;
pub(crate) mod seal;
mod sealed;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(test)]
pub(crate) mod tests;
mod thread;
mod unlocked;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyring_core::{CredentialStore, Entry};
use thiserror::Error;
use webpush::{ChannelId, SubscriptionKeys};
use zeroize::Zeroizing;

use crate::api::{CommandError, Trouble};
use crate::store::DatabaseKey;

pub(crate) use backend::{Backend, Changes};
pub(crate) use record::{StoredKeys, SubscriptionRecord};
pub(crate) use sealed::SealedFile;
use thread::KeyringThread;
pub use unlocked::Unlocked;

/// The service name of every item.
const SERVICE: &str = "belfry";
/// How long a person may take to answer the keyring's prompt.
const WITH_PROMPT: Duration = Duration::from_secs(120);
/// How long it may take where no person is asked.
const WITHOUT_PROMPT: Duration = Duration::from_secs(20);

/// Why the keyring did not do what it was asked.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub(crate) enum KeyringError {
    /// Nothing keeps secrets here.
    #[error("no keyring: {0}")]
    Absent(String),
    /// It asks for a password first.
    #[error("the keyring is locked: {0}")]
    Locked(String),
    /// The sealed file's passphrase is missing or wrong.
    #[error("the keyring file is sealed: {0}")]
    Sealed(String),
    /// The person said no to its question.
    #[error("the keyring's question was dismissed")]
    Dismissed,
    /// There is no such item.
    #[error("the keyring has no such item")]
    Missing,
    /// The item is not what we once wrote.
    #[error("the keyring's item is damaged")]
    Damaged,
    /// No answer in time.
    #[error("the keyring does not answer; it may be waiting at a prompt")]
    Silent,
    /// The database is there and its key is not: never replaced by a new one.
    #[error("the database's key is not in the keyring")]
    DatabaseKeyMissing,
}

impl KeyringError {
    /// What this is called in front of people, and what they can do.
    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            Self::Absent(_) => Trouble::KeyringAbsent,
            Self::Locked(_) => Trouble::KeyringLocked,
            Self::Sealed(_) => Trouble::PassphraseNeeded,
            Self::Dismissed => Trouble::PromptDismissed,
            Self::Missing | Self::Damaged => Trouble::KeyringItemDamaged,
            Self::Silent => Trouble::KeyringSilent,
            Self::DatabaseKeyMissing => Trouble::DatabaseKeyMissing,
        }
    }
}

impl From<KeyringError> for CommandError {
    fn from(error: KeyringError) -> Self {
        Self::from_trouble(error.trouble(), error.to_string())
    }
}

impl From<keyring_core::Error> for KeyringError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library may add errors; any other means no keyring to speak of"
    )]
    fn from(error: keyring_core::Error) -> Self {
        use keyring_core::Error;
        match error {
            Error::NoEntry => Self::Missing,
            Error::NoStorageAccess(cause) => Self::Locked(cause.to_string()),
            Error::BadEncoding(_)
            | Error::BadDataFormat(..)
            | Error::BadStoreFormat(_)
            | Error::Ambiguous(_) => Self::Damaged,
            other => Self::Absent(other.to_string()),
        }
    }
}

/// One profile's items.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    thread: KeyringThread,
    backend: Backend,
    profile_id: String,
}

/// Whether a call may put a question before the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// A person has asked for this and sits in front of it.
    Allowed,
    /// This happens by itself: a locked keyring is an error.
    Never,
}

impl Keyring {
    /// The items of a profile in what `backend` stands for.
    pub(crate) fn new(profile_id: String, backend: Backend) -> Self {
        Self { thread: KeyringThread::new(backend.clone()), backend, profile_id }
    }

    /// The database's key. A new one is made only where there is no database yet and the keyring, unlocked, says that it
    /// has none.
    pub(crate) async fn database_key(&self, database_exists: bool) -> Result<DatabaseKey, KeyringError> {
        let item = self.item("database");
        self.run(Prompt::Never, move |store| {
            let entry = item.entry(store, "Belfry: history database")?;
            match read_database_key(&entry) {
                Err(KeyringError::Missing) if database_exists => Err(KeyringError::DatabaseKeyMissing),
                Err(KeyringError::Missing) => {
                    let mut key = Zeroizing::new([0; 32]);
                    SysRng
                        .try_fill_bytes(key.as_mut())
                        .map_err(|error| KeyringError::Absent(error.to_string()))?;
                    entry.set_secret(key.as_ref())?;
                    // What cannot be read back must not encrypt anything.
                    if read_database_key(&entry)? == key { Ok(key) } else { Err(KeyringError::Damaged) }
                }
                found => found,
            }
        })
        .await
    }

    /// Reads the items of these channels. One that is missing or damaged is not among the answers.
    pub(crate) async fn load(
        &self,
        channels: Vec<ChannelId>,
    ) -> Result<HashMap<ChannelId, (SubscriptionKeys, SubscriptionRecord)>, KeyringError> {
        if channels.is_empty() {
            return Ok(HashMap::new());
        }
        let items: Vec<_> =
            channels.into_iter().map(|channel| (channel, self.item(&channel.to_string()))).collect();
        self.run(Prompt::Never, move |store| {
            let mut found = HashMap::new();
            for (channel, item) in &items {
                let record = item.entry(store, "").and_then(|entry| read_record(&entry));
                match record.and_then(|record| Ok((record.keys.restore()?, record))) {
                    Ok(read) => drop(found.insert(*channel, read)),
                    Err(KeyringError::Missing | KeyringError::Damaged) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(found)
        })
        .await
    }

    /// Every subscription of this profile that the keyring knows: what a lost database is rebuilt from.
    pub(crate) async fn records(&self) -> Result<Vec<SubscriptionRecord>, KeyringError> {
        let prefix = self.item("").user;
        self.run(Prompt::Never, move |store| {
            let mut records = Vec::new();
            for entry in store.search(&HashMap::from([("service", SERVICE)]))? {
                let user = entry.get_specifiers().map(|(_, user)| user).unwrap_or_default();
                let Some(name) = user.strip_prefix(&prefix) else { continue };
                let Ok(channel) = name.parse::<ChannelId>() else { continue };
                match read_record(&entry) {
                    Ok(record) if record.channel_id == channel => records.push(record),
                    Ok(_) | Err(KeyringError::Missing | KeyringError::Damaged) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(records)
        })
        .await
    }

    /// Writes a subscription's item, or replaces it.
    pub(crate) async fn save(&self, record: SubscriptionRecord, prompt: Prompt) -> Result<(), KeyringError> {
        let item = self.item(&record.channel_id.to_string());
        self.run(prompt, move |store| {
            let label = format!("Belfry: subscription of {}", record.site);
            let secret = Zeroizing::new(serde_json::to_vec(&record).map_err(|_| KeyringError::Damaged)?);
            Ok(item.entry(store, &label)?.set_secret(&secret)?)
        })
        .await
    }

    /// Deletes a subscription's item; one that is not there is fine.
    pub(crate) async fn delete(&self, channel: ChannelId) -> Result<(), KeyringError> {
        let item = self.item(&channel.to_string());
        self.run(Prompt::Never, move |store| match item.entry(store, "")?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Whether it can be asked now without a question to the person.
    pub(crate) async fn access(&self) -> Result<(), KeyringError> {
        self.backend.access(&self.item("database").user).await
    }

    /// Has the person asked to unlock it. Returns once that is done or refused.
    pub(crate) async fn unlock(&self) -> Result<(), KeyringError> {
        self.backend.unlock(&self.item("database").user).await
    }

    /// What may have changed whether it can be asked.
    pub(crate) async fn changes(&self) -> Changes {
        self.backend.changes().await
    }

    /// Whether waiting makes sense: somebody may start or unlock it.
    pub(crate) fn may_open_later(&self) -> bool {
        self.backend.may_open_later()
    }

    /// Name of what keeps the secrets.
    pub(crate) async fn vendor(&self) -> Result<String, KeyringError> {
        self.run(Prompt::Never, |store| Ok(store.vendor())).await
    }

    fn item(&self, what: &str) -> Item {
        Item { user: format!("{}:{what}", self.profile_id) }
    }

    async fn run<T: Send + 'static>(
        &self,
        prompt: Prompt,
        work: impl Fn(&Arc<CredentialStore>) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let patience = match prompt {
            Prompt::Never => {
                self.access().await?;
                if self.backend.asks_on_the_terminal() { WITH_PROMPT } else { WITHOUT_PROMPT }
            }
            Prompt::Allowed => {
                // Asked here: the library would wait without end for a keyring that ends while it asks.
                if let Err(KeyringError::Locked(_)) = self.access().await {
                    self.unlock().await?;
                }
                WITH_PROMPT
            }
        };
        self.thread.run(work, patience).await
    }
}

fn read_database_key(entry: &Entry) -> Result<DatabaseKey, KeyringError> {
    let secret = Zeroizing::new(entry.get_secret()?);
    let key: [u8; 32] = secret.as_slice().try_into().map_err(|_| KeyringError::Damaged)?;
    Ok(Zeroizing::new(key))
}

fn read_record(entry: &Entry) -> Result<SubscriptionRecord, KeyringError> {
    let secret = Zeroizing::new(entry.get_secret()?);
    serde_json::from_slice(&secret).map_err(|_| KeyringError::Damaged)
}

struct Item {
    user: String,
}

impl Item {
    fn entry(&self, store: &Arc<CredentialStore>, label: &str) -> Result<Entry, KeyringError> {
        // Only the Secret Service shows labels to people.
        if cfg!(target_os = "linux") && !label.is_empty() {
            match store.build(SERVICE, &self.user, Some(&HashMap::from([("label", label)]))) {
                Err(keyring_core::Error::NotSupportedByStore(_)) => {}
                built => return Ok(built?),
            }
        }
        Ok(store.build(SERVICE, &self.user, None)?)
    }
}

/// The keys in memory: shared by the inbox, which decrypts, and the views, which print subscriptions.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyTable(Arc<RwLock<HashMap<ChannelId, SubscriptionKeys>>>);

impl KeyTable {
    pub(crate) fn new(keys: HashMap<ChannelId, SubscriptionKeys>) -> Self {
        Self(Arc::new(RwLock::new(keys)))
    }

    pub(crate) fn get(&self, channel: ChannelId) -> Option<SubscriptionKeys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&channel).cloned()
    }

    pub(crate) fn insert(&self, channel: ChannelId, keys: SubscriptionKeys) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(channel, keys);
    }

    pub(crate) fn remove(&self, channel: ChannelId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&channel);
    }
}
