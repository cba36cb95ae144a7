//! The thread that speaks to the keyring: its library blocks, on a prompt without end.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use keyring_core::CredentialStore;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Backend, KeyringError};

/// Threads left behind at a call that never returned. With so many the keyring counts as silent.
const MOST_STUCK: usize = 4;

/// The thread, and the next one when it is stuck. Cheap to clone.
#[derive(Clone)]
pub(super) struct KeyringThread {
    backend: Backend,
    current: Arc<Mutex<Current>>,
}

#[derive(Default)]
struct Current {
    /// The thread that answers, and its number.
    jobs: Option<(u64, mpsc::Sender<Job>)>,
    started: u64,
    stuck: usize,
}

type Job = Box<dyn FnOnce(&mut Opened) + Send>;

impl fmt::Debug for KeyringThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyringThread(…)")
    }
}

/// The credential store as far as it is open.
struct Opened {
    backend: Backend,
    store: Option<Arc<CredentialStore>>,
}

impl KeyringThread {
    pub(super) fn new(backend: Backend) -> Self {
        Self { backend, current: Arc::default() }
    }

    /// Has the thread do this. `work` may be done twice: a keyring that was restarted has forgotten the session that was
    /// opened with it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Arc<CredentialStore>) -> Result<T, KeyringError> + Send + 'static,
        patience: Duration,
    ) -> Result<T, KeyringError> {
        let (reply, answer) = oneshot::channel();
        let (number, jobs) = self.jobs().ok_or(KeyringError::Silent)?;
        let job: Job = Box::new(move |opened| {
            // Whoever gave up waiting must not be surprised by the work's being done after all.
            if !reply.is_closed() {
                let _ = reply.send(opened.run(&work));
            }
        });
        jobs.send(job).map_err(|_| KeyringError::Silent)?;
        match timeout(patience, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(KeyringError::Silent),
            Err(_) => {
                self.leave(number);
                Err(KeyringError::Silent)
            }
        }
    }

    /// The way to the thread, which is started when there is none.
    fn jobs(&self) -> Option<(u64, mpsc::Sender<Job>)> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.jobs.is_none() && current.stuck < MOST_STUCK {
            let (jobs, queue) = mpsc::channel::<Job>();
            let mut opened = Opened { backend: self.backend.clone(), store: None };
            let threads = Arc::downgrade(&self.current);
            current.started += 1;
            let number = current.started;
            let started = thread::Builder::new().name("keyring".into()).spawn(move || {
                for job in queue {
                    job(&mut opened);
                }
                // Left behind, and free again at last.
                if let Some(threads) = threads.upgrade() {
                    let mut current = threads.lock().unwrap_or_else(PoisonError::into_inner);
                    current.stuck = current.stuck.saturating_sub(1);
                }
            });
            current.jobs = started.is_ok().then_some((number, jobs));
        }
        current.jobs.clone()
    }

    /// Leaves a stuck thread to itself, unless somebody has already. It ends when its call returns.
    fn leave(&self, number: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.jobs.as_ref().is_some_and(|(current, _)| *current == number) {
            current.jobs = None;
            current.stuck += 1;
        }
    }
}

impl Opened {
    fn run<T>(
        &mut self,
        work: &impl Fn(&Arc<CredentialStore>) -> Result<T, KeyringError>,
    ) -> Result<T, KeyringError> {
        let was_open = self.store.is_some();
        let result = self.open().and_then(|store| work(&store));
        let Err(KeyringError::Absent(_)) = &result else { return result };
        self.store = None;
        if !was_open {
            return result;
        }
        let again = self.open().and_then(|store| work(&store));
        if matches!(again, Err(KeyringError::Absent(_))) {
            self.store = None;
        }
        again
    }

    fn open(&mut self) -> Result<Arc<CredentialStore>, KeyringError> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let store = self.backend.open()?;
        self.store = Some(store.clone());
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TestBackend, mock_store};
    use super::*;

    #[tokio::test]
    async fn a_call_that_never_returns_holds_up_nothing_after_it() {
        let thread = KeyringThread::new(Backend::Test(TestBackend::of(mock_store())));
        let (release, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        let stuck = thread.run(
            move |_| {
                let _ = held.lock().unwrap().recv();
                Ok(())
            },
            Duration::from_millis(20),
        );
        assert_eq!(stuck.await, Err(KeyringError::Silent));
        let patience = Duration::from_secs(20);
        assert_eq!(thread.run(|_| Ok(7), patience).await, Ok(7));
        assert_eq!(thread.current.lock().unwrap().stuck, 1);
        drop(release);
        while thread.current.lock().unwrap().stuck > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(thread.run(|_| Ok(8), patience).await, Ok(8));
    }
}
