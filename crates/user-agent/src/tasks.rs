//! Work beside the actor, none of which outlives it.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long work that has begun may take once the engine stops.
const GRACE: Duration = Duration::from_secs(3);

/// The engine's tasks. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    over: CancellationToken,
}

impl Tasks {
    /// Starts something that is to be finished: when the engine stops, it has a moment for that.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let over = self.over.clone();
        self.tracker.spawn(async move { over.run_until_cancelled_owned(work).await });
    }

    /// Starts something that only waits for its time: it ends as soon as the engine stops.
    pub(crate) fn spawn_waiting(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tracker.spawn(async move { stopping.run_until_cancelled_owned(work).await });
    }

    /// Returns once no task is left.
    pub(crate) async fn finish(&self) {
        self.finish_within(GRACE).await;
    }

    async fn finish_within(&self, grace: Duration) {
        self.stopping.cancel();
        self.tracker.close();
        if timeout(grace, self.tracker.wait()).await.is_err() {
            tracing::warn!(tasks = self.tracker.len(), "work was cut short by the end");
            self.over.cancel();
            self.tracker.wait().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    struct OnDrop(Option<oneshot::Sender<()>>);

    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.take().unwrap().send(()).unwrap();
        }
    }

    #[tokio::test]
    async fn what_has_begun_is_finished_and_nothing_is_waited_for() {
        let tasks = Tasks::default();
        let (go, gone) = oneshot::channel();
        let (finished, done) = oneshot::channel();
        tasks.spawn(async move {
            gone.await.unwrap();
            finished.send(()).unwrap();
        });
        // Ends when everything is told to stop, and only then lets the other go on.
        let waiting = OnDrop(Some(go));
        tasks.spawn_waiting(async move {
            let _waiting = waiting;
            std::future::pending::<()>().await;
        });
        tasks.finish_within(Duration::MAX).await;
        assert_eq!(done.await, Ok(()));
    }

    #[tokio::test]
    async fn what_does_not_end_is_cut_short() {
        let tasks = Tasks::default();
        let (late, never) = oneshot::channel::<()>();
        tasks.spawn(async move {
            std::future::pending::<()>().await;
            drop(late);
        });
        tasks.finish_within(Duration::ZERO).await;
        assert!(never.await.is_err());
    }
}
