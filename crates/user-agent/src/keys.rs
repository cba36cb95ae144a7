//! Keys in the OS keyring: one item for the database, one per subscription. All are read when the profile opens and kept
//! in memory. The keyring's calls can block on a prompt, so they run on a thread of their own.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;
use keyring_core::{CredentialStore, Entry};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;
use webpush::{ChannelId, SubscriptionKeys};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::api::{CommandError, ErrorCode};
use crate::store::DatabaseKey;

/// The service name of every item.
const SERVICE: &str = "belfry";
/// How long a person may take to answer the keyring's prompt.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why the keyring did not do what it was asked.
#[derive(Debug, Clone, Error)]
pub(crate) enum KeyringError {
    /// Nothing keeps secrets here.
    #[error("no keyring: {0}. Start a Secret Service such as gnome-keyring or KWallet")]
    Absent(String),
    /// Locked, or the prompt was dismissed.
    #[error("the keyring is locked: {0}. Unlock it and try again")]
    Locked(String),
    /// There is no such item.
    #[error("the keyring has no such item")]
    Missing,
    /// The item is not what we once wrote.
    #[error("the keyring's item is damaged")]
    Damaged,
    /// No answer in two minutes.
    #[error("the keyring does not answer; it may be waiting at a prompt")]
    Silent,
    /// The database is there and its key is not: never replaced by a new one.
    #[error(
        "the database's key is not in the keyring. Unlock or restore the keyring that was used when this profile was made"
    )]
    DatabaseKeyMissing,
}

impl From<KeyringError> for CommandError {
    fn from(error: KeyringError) -> Self {
        Self::new(ErrorCode::Keyring, error.to_string())
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
    jobs: mpsc::Sender<Job>,
    profile_id: String,
}

type Job = Box<dyn FnOnce(&Result<Arc<CredentialStore>, KeyringError>) + Send>;
/// Opens the credential store. Called on the keyring's thread.
pub(crate) type OpenStore = Box<dyn FnOnce() -> keyring_core::Result<Arc<CredentialStore>> + Send>;

/// What the keyring keeps of a subscription: enough to rebuild its rows when the database is lost. Redacted in `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    pub(crate) channel_id: ChannelId,
    #[serde(flatten)]
    pub(crate) keys: StoredKeys,
    #[serde(default)]
    pub(crate) endpoint: String,
    pub(crate) push_service: String,
    #[serde(default)]
    pub(crate) uaid: String,
    pub(crate) site: String,
    /// Version of this record's shape.
    #[serde(rename = "v", default)]
    pub(crate) version: u32,
}

impl std::fmt::Debug for SubscriptionRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriptionRecord").field("channel_id", &self.channel_id).finish_non_exhaustive()
    }
}

/// A subscription's keys in base64url. Wiped when dropped, redacted in `Debug`.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct StoredKeys {
    private: String,
    auth: String,
}

impl std::fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredKeys(…)")
    }
}

impl From<&SubscriptionKeys> for StoredKeys {
    fn from(keys: &SubscriptionKeys) -> Self {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Self { private: encode(keys.private_bytes().as_ref()), auth: encode(keys.auth().as_bytes()) }
    }
}

impl StoredKeys {
    fn restore(&self) -> Result<SubscriptionKeys, KeyringError> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
        let (Ok(private), Ok(auth)) = (decode(&self.private), decode(&self.auth)) else {
            return Err(KeyringError::Damaged);
        };
        SubscriptionKeys::from_bytes(&private, &auth).map_err(|_| KeyringError::Damaged)
    }
}

impl Keyring {
    /// The items of a profile in the store that `open` finds.
    pub(crate) fn new(profile_id: String, open: OpenStore) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        // Without a thread every call reports the keyring as silent.
        let _ = thread::Builder::new().name("keyring".into()).spawn(move || {
            let store = open().map_err(KeyringError::from);
            for job in queue {
                job(&store);
            }
        });
        Self { jobs, profile_id }
    }

    /// The database's key. A new one is made only where there is no database yet and the keyring says that it has none.
    pub(crate) async fn database_key(&self, database_exists: bool) -> Result<DatabaseKey, KeyringError> {
        let item = self.item("database");
        self.run(move |store| {
            let entry = item.entry(store, "Belfry: history database")?;
            match entry.get_secret().map(Zeroizing::new) {
                Ok(secret) => {
                    let key: [u8; 32] = secret.as_slice().try_into().map_err(|_| KeyringError::Damaged)?;
                    Ok(Zeroizing::new(key))
                }
                Err(keyring_core::Error::NoEntry) if database_exists => Err(KeyringError::DatabaseKeyMissing),
                Err(keyring_core::Error::NoEntry) => {
                    let mut key = Zeroizing::new([0; 32]);
                    SysRng
                        .try_fill_bytes(key.as_mut())
                        .map_err(|error| KeyringError::Absent(error.to_string()))?;
                    entry.set_secret(key.as_ref())?;
                    Ok(key)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// Reads the keys of these channels. A channel whose item is missing or damaged is left out and named in the second part.
    pub(crate) async fn load(
        &self,
        channels: Vec<ChannelId>,
    ) -> Result<(HashMap<ChannelId, SubscriptionKeys>, Vec<ChannelId>), KeyringError> {
        let items: Vec<_> =
            channels.into_iter().map(|channel| (channel, self.item(&channel.to_string()))).collect();
        self.run(move |store| {
            let (mut keys, mut missing) = (HashMap::new(), Vec::new());
            for (channel, item) in items {
                let read = item.entry(store, "").and_then(|entry| {
                    let secret = Zeroizing::new(entry.get_secret()?);
                    let record: SubscriptionRecord =
                        serde_json::from_slice(&secret).map_err(|_| KeyringError::Damaged)?;
                    record.keys.restore()
                });
                match read {
                    Ok(restored) => drop(keys.insert(channel, restored)),
                    Err(KeyringError::Missing | KeyringError::Damaged) => missing.push(channel),
                    Err(error) => return Err(error),
                }
            }
            Ok((keys, missing))
        })
        .await
    }

    /// Writes a subscription's item, or replaces it.
    pub(crate) async fn save(&self, record: SubscriptionRecord) -> Result<(), KeyringError> {
        let item = self.item(&record.channel_id.to_string());
        self.run(move |store| {
            let label = format!("Belfry: subscription of {}", record.site);
            let secret = Zeroizing::new(serde_json::to_vec(&record).map_err(|_| KeyringError::Damaged)?);
            Ok(item.entry(store, &label)?.set_secret(&secret)?)
        })
        .await
    }

    /// Deletes a subscription's item; one that is not there is fine.
    pub(crate) async fn delete(&self, channel: ChannelId) -> Result<(), KeyringError> {
        let item = self.item(&channel.to_string());
        self.run(move |store| match item.entry(store, "")?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Name and version of what keeps the secrets.
    pub(crate) async fn vendor(&self) -> Result<String, KeyringError> {
        self.run(|store| Ok(store.vendor())).await
    }

    fn item(&self, what: &str) -> Item {
        Item { user: format!("{}:{what}", self.profile_id) }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<CredentialStore>) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            let result = match store {
                Ok(store) => work(store),
                Err(error) => Err(error.clone()),
            };
            let _ = reply.send(result);
        });
        self.jobs.send(job).map_err(|_| KeyringError::Silent)?;
        match timeout(PATIENCE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(KeyringError::Silent),
        }
    }
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

/// The platform's credential store.
pub(crate) fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    #[cfg(target_os = "linux")]
    return Ok(zbus_secret_service_keyring_store::Store::new()?);
    #[cfg(target_os = "macos")]
    return Ok(apple_native_keyring_store::keychain::Store::new()?);
    #[cfg(windows)]
    return Ok(windows_native_keyring_store::Store::new()?);
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn mock_store() -> Arc<CredentialStore> {
        keyring_core::mock::Store::new().unwrap()
    }

    pub(crate) fn keyring(store: &Arc<CredentialStore>) -> Keyring {
        let store = store.clone();
        Keyring::new("test".into(), Box::new(move || Ok(store)))
    }

    fn record(channel_id: ChannelId, keys: &SubscriptionKeys) -> SubscriptionRecord {
        SubscriptionRecord {
            channel_id,
            keys: keys.into(),
            endpoint: String::new(),
            push_service: "wss://push.example/".into(),
            uaid: String::new(),
            site: "Backups".into(),
            version: 1,
        }
    }

    #[tokio::test]
    async fn a_subscriptions_keys_come_back_as_they_were() {
        let store = mock_store();
        let channel = ChannelId::from_random_bytes([1; 16]);
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[8; 16]).unwrap();
        keyring(&store).save(record(channel, &keys)).await.unwrap();
        let (loaded, missing) = keyring(&store).load(vec![channel]).await.unwrap();
        assert_eq!(loaded[&channel].public(), keys.public());
        assert!(missing.is_empty());
        keyring(&store).delete(channel).await.unwrap();
        keyring(&store).delete(channel).await.unwrap();
        let (loaded, missing) = keyring(&store).load(vec![channel]).await.unwrap();
        assert_eq!((loaded.len(), missing), (0, vec![channel]));
    }

    #[tokio::test]
    async fn the_database_key_is_made_once_and_never_replaced() {
        let store = mock_store();
        assert!(matches!(keyring(&store).database_key(true).await, Err(KeyringError::DatabaseKeyMissing)));
        let made = keyring(&store).database_key(false).await.unwrap();
        assert_eq!(keyring(&store).database_key(true).await.unwrap(), made);
        assert_eq!(keyring(&store).database_key(false).await.unwrap(), made);
    }

    #[tokio::test]
    async fn a_keyring_that_is_not_there_says_so() {
        let absent = Keyring::new(
            "test".into(),
            Box::new(|| Err(keyring_core::Error::PlatformFailure("no bus".to_owned().into()))),
        );
        assert!(matches!(absent.database_key(false).await, Err(KeyringError::Absent(_))));
    }

    #[test]
    fn nothing_of_a_record_is_shown() {
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[8; 16]).unwrap();
        let record = SubscriptionRecord {
            endpoint: "https://push.example/secret".into(),
            uaid: "secret".into(),
            ..record(ChannelId::from_random_bytes([1; 16]), &keys)
        };
        let shown = format!("{record:?}");
        assert!(!shown.contains(&URL_SAFE_NO_PAD.encode([7; 32])) && !shown.contains("secret"), "{shown}");
    }
}
