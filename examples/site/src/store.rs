//! Who subscribed: a JSON file that is replaced as a whole and only its owner can read. An endpoint and its keys are all it
//! takes to send, so they are secrets.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use webpush::PushSubscription;

/// More than a person has browsers and computers; a bound on what strangers can make us store and post to.
const MOST: usize = 1_000;

/// A stored subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subscriber {
    pub(crate) id: u64,
    /// What people call it; may be empty.
    pub(crate) name: String,
    pub(crate) subscription: PushSubscription,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    file: PathBuf,
    subscribers: Mutex<Vec<Subscriber>>,
}

/// Why a subscription was not stored.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    #[error("there are {MOST} subscriptions already")]
    Full,
    #[error("the subscriptions could not be written: {0}")]
    Io(#[from] io::Error),
}

impl Subscriptions {
    /// Reads the file, if it is there.
    pub(crate) fn open(file: PathBuf) -> anyhow::Result<Self> {
        let subscribers = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| format!("read {}", file.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| format!("read {}", file.display())),
        };
        Ok(Self { file, subscribers: Mutex::new(subscribers) })
    }

    /// Everyone, in order of arrival.
    pub(crate) fn all(&self) -> Vec<Subscriber> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds one. The same endpoint again replaces what was stored of it.
    pub(crate) fn add(&self, name: &str, subscription: PushSubscription) -> Result<(), StoreError> {
        self.change(|subscribers| {
            let id = subscribers.iter().map(|subscriber| subscriber.id).max().unwrap_or(0) + 1;
            subscribers.retain(|other| other.subscription.endpoint != subscription.endpoint);
            if subscribers.len() >= MOST {
                return Err(StoreError::Full);
            }
            subscribers.push(Subscriber { id, name: name.to_owned(), subscription });
            Ok(())
        })
    }

    /// Removes those with these ids.
    pub(crate) fn remove(&self, ids: &[u64]) -> Result<(), StoreError> {
        self.change(|subscribers| {
            subscribers.retain(|subscriber| !ids.contains(&subscriber.id));
            Ok(())
        })
    }

    /// Changes memory only once the file is written.
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<Subscriber>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = subscribers.clone();
        change(&mut changed)?;
        write_private(&self.file, &serde_json::to_vec_pretty(&changed).map_err(io::Error::from)?)?;
        *subscribers = changed;
        Ok(())
    }
}

/// Replaces a file as a whole, readable by its owner only: after a crash it is the old one or the new one.
pub(crate) fn write_private(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made with mode 0600.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn subscription(endpoint: &str) -> PushSubscription {
        let keys = webpush::SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap();
        keys.subscription(endpoint.parse().unwrap())
    }

    #[test]
    fn subscriptions_survive_a_restart_and_only_the_owner_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("subscriptions.json");
        let stored = Subscriptions::open(file.clone()).unwrap();
        stored.add("one", subscription("https://push.example/1")).unwrap();
        stored.add("two", subscription("https://push.example/2")).unwrap();
        stored.add("one again", subscription("https://push.example/1")).unwrap();
        let names = |stored: &Subscriptions| {
            stored.all().into_iter().map(|one| (one.id, one.name)).collect::<Vec<_>>()
        };
        assert_eq!(names(&stored), [(2, "two".to_owned()), (3, "one again".to_owned())]);
        let reopened = Subscriptions::open(file.clone()).unwrap();
        assert_eq!(names(&reopened), names(&stored));
        reopened.remove(&[2, 99]).unwrap();
        assert_eq!(names(&Subscriptions::open(file.clone()).unwrap()), [(3, "one again".to_owned())]);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("subscriptions.json");
        fs::write(&file, "[{]").unwrap();
        assert!(Subscriptions::open(file).is_err());
    }

    #[test]
    fn there_is_an_end_to_what_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let stored = Subscriptions::open(folder.path().join("subscriptions.json")).unwrap();
        let full = (0..MOST as u64)
            .map(|id| Subscriber {
                id,
                name: String::new(),
                subscription: subscription(&format!("https://push.example/{id}")),
            })
            .collect();
        *stored.subscribers.lock().unwrap() = full;
        let one_more = stored.add("", subscription("https://push.example/more"));
        assert!(matches!(one_more, Err(StoreError::Full)));
        stored.add("", subscription("https://push.example/7")).unwrap();
        assert_eq!(stored.all().len(), MOST);
    }
}
