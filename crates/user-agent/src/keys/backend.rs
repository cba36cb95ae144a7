//! What keeps the secrets: the platform's store, or a file that the user asked for.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use keyring_core::CredentialStore;
use tokio::time::sleep;

use super::{KeyringError, SealedFile};

/// How often to look where nothing announces a change, or may have been missed.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Where a profile's secrets are.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    /// Secret Service, Keychain, or Credential Manager.
    Platform,
    /// A file sealed with a passphrase.
    File(SealedFile),
    #[cfg(test)]
    Test(TestBackend),
}

impl Backend {
    /// Whether opening it may wait for a person, without a prompt of the desktop's.
    pub(super) fn asks_on_the_terminal(&self) -> bool {
        match self {
            Self::Platform => false,
            Self::File(_) => true,
            #[cfg(test)]
            Self::Test(_) => false,
        }
    }
}

/// Yields whenever the keyring may have been started, unlocked or locked.
pub(crate) struct Changes(BoxStream<'static, ()>);

impl Changes {
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            Some(()) = self.0.next() => {}
            () = sleep(LOOK_AGAIN) => {}
        }
    }
}

impl Backend {
    /// Opens it. Blocks: for the keyring's thread.
    pub(super) fn open(&self) -> Result<Arc<CredentialStore>, KeyringError> {
        match self {
            Self::Platform => Ok(platform_store()?),
            Self::File(file) => file.open(),
            #[cfg(test)]
            Self::Test(test) => test.open(),
        }
    }

    /// Fails unless it can be read and written now without a question to the person. `user` names an item that may be in
    /// another collection than the default one.
    pub(super) async fn access(&self, user: &str) -> Result<(), KeyringError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Platform => super::secret_service::access(user).await,
            #[cfg(not(target_os = "linux"))]
            Self::Platform => Ok(()),
            Self::File(_) => Ok(()),
            #[cfg(test)]
            Self::Test(test) => test.access(),
        }
    }

    /// Has the person asked to unlock it.
    pub(super) async fn unlock(&self, user: &str) -> Result<(), KeyringError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Platform => super::secret_service::unlock(user).await,
            // These ask by themselves when they are asked.
            #[cfg(not(target_os = "linux"))]
            Self::Platform => Ok(()),
            Self::File(_) => Ok(()),
            #[cfg(test)]
            Self::Test(test) => test.unlock().await,
        }
    }

    pub(super) async fn changes(&self) -> Changes {
        match self {
            #[cfg(target_os = "linux")]
            Self::Platform => match super::secret_service::changes().await {
                Ok(changes) => Changes(changes),
                Err(error) => {
                    tracing::debug!(%error, "nothing will announce that the keyring is there");
                    Changes(stream::pending().boxed())
                }
            },
            #[cfg(not(target_os = "linux"))]
            Self::Platform => Changes(stream::pending().boxed()),
            Self::File(_) => Changes(stream::pending().boxed()),
            #[cfg(test)]
            Self::Test(test) => Changes(test.changes()),
        }
    }

    pub(super) fn may_open_later(&self) -> bool {
        match self {
            Self::Platform => true,
            Self::File(_) => false,
            #[cfg(test)]
            Self::Test(_) => true,
        }
    }
}

fn platform_store() -> keyring_core::Result<Arc<CredentialStore>> {
    #[cfg(target_os = "linux")]
    return Ok(zbus_secret_service_keyring_store::Store::new()?);
    #[cfg(target_os = "macos")]
    return Ok(apple_native_keyring_store::keychain::Store::new()?);
    #[cfg(windows)]
    return Ok(windows_native_keyring_store::Store::new()?);
}

/// A mock store with a door that tests lock and unlock.
#[cfg(test)]
#[derive(Debug, Clone)]
pub(crate) struct TestBackend {
    store: Arc<CredentialStore>,
    refusal: tokio::sync::watch::Sender<Option<KeyringError>>,
    answer: Arc<std::sync::Mutex<Result<(), KeyringError>>>,
    opened: Arc<std::sync::atomic::AtomicUsize>,
    asked: tokio::sync::watch::Sender<bool>,
    undecided: tokio::sync::watch::Sender<bool>,
}

#[cfg(test)]
impl TestBackend {
    pub(crate) fn of(store: Arc<CredentialStore>) -> Self {
        Self {
            store,
            refusal: tokio::sync::watch::Sender::new(None),
            answer: Arc::new(std::sync::Mutex::new(Ok(()))),
            opened: Arc::default(),
            asked: tokio::sync::watch::Sender::new(false),
            undecided: tokio::sync::watch::Sender::new(false),
        }
    }

    /// From now on it cannot be asked.
    pub(crate) fn refuse(&self, error: KeyringError) {
        self.refusal.send_replace(Some(error));
    }

    /// From now on it can.
    pub(crate) fn admit(&self) {
        self.refusal.send_replace(None);
    }

    /// From now on it can, and nothing announces that.
    pub(crate) fn admit_unannounced(&self) {
        self.refusal.send_if_modified(|refusal| {
            *refusal = None;
            false
        });
    }

    /// What the person will say to the question.
    pub(crate) fn answer(&self, answer: Result<(), KeyringError>) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Whether the person thinks the question over.
    pub(crate) fn think(&self, undecided: bool) {
        self.undecided.send_replace(undecided);
    }

    /// Returns once the person has been asked.
    pub(crate) async fn asked(&self) {
        self.asked.subscribe().wait_for(|asked| *asked).await.unwrap();
    }

    /// How often it was opened.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn open(&self) -> Result<Arc<CredentialStore>, KeyringError> {
        self.opened.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        self.access().map(|()| self.store.clone())
    }

    fn access(&self) -> Result<(), KeyringError> {
        self.refusal.borrow().clone().map_or(Ok(()), Err)
    }

    async fn unlock(&self) -> Result<(), KeyringError> {
        self.asked.send_replace(true);
        self.undecided.subscribe().wait_for(|undecided| !undecided).await.unwrap();
        let answer = self.answer.lock().unwrap().clone();
        if answer.is_ok() {
            self.admit();
        }
        answer
    }

    fn changes(&self) -> BoxStream<'static, ()> {
        let receiver = self.refusal.subscribe();
        stream::unfold(receiver, |mut receiver| async move {
            receiver.changed().await.ok()?;
            Some(((), receiver))
        })
        .boxed()
    }
}
