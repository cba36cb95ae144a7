//! The two threads that speak to SQLite: one writes, one reads.
//!
//! Requests waiting for the writer share one transaction, so that the cost of making a commit durable is shared too
//! (group commit). Nobody is answered before the commit that contains their change.

use std::thread;

use rusqlite::{Connection, TransactionBehavior};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Requests that wait before whoever asks has to.
const QUEUE: usize = 1024;
/// Requests in one transaction.
const GROUP: usize = 256;

/// Why the store did not do what was asked. Nothing was changed.
#[derive(Debug, Clone, Error)]
pub(crate) enum StoreError {
    /// SQLite refused: the disk is full, the file locked or damaged.
    #[error("the database refused: {0}")]
    Refused(String),
    /// The store is closed, or could not begin.
    #[error("the database did not answer")]
    Closed,
}

/// An answer that is on its way. Dropping it does not undo the request.
pub(crate) struct Pending<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Pending<T> {
    /// Waits for the answer.
    pub(crate) async fn done(self) -> Result<T, StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// A thread with a connection of its own. It ends when told to, or when the last handle is dropped.
pub(super) struct Worker {
    queue: mpsc::Sender<Request>,
}

enum Request {
    Run(Job),
    Stop(oneshot::Sender<()>),
}

type Job = Box<dyn FnOnce(&Connection) -> Done + Send>;

/// A job that has run: whether its changes are to be undone, and what to do when it is known if they were committed.
struct Done {
    failed: bool,
    finish: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

impl Worker {
    pub(super) fn writer(connection: Connection) -> std::io::Result<Self> {
        Self::spawn("push-store-write", connection, write_group)
    }

    pub(super) fn reader(connection: Connection) -> std::io::Result<Self> {
        Self::spawn("push-store-read", connection, read)
    }

    /// Queues `work`; waits only while the queue is full. Once it is committed, `committed` turns its result into the
    /// answer: on the worker's thread, in the order of the commits, whether or not anybody still waits for it.
    pub(super) async fn submit<T, A, W, C>(&self, work: W, committed: C) -> Pending<A>
    where
        T: Send + 'static,
        A: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        C: FnOnce(T) -> A + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = work(connection);
            let failed = result.is_err();
            let finish = Box::new(move |commit: Result<(), StoreError>| {
                let answer = match (result, commit) {
                    (Ok(value), Ok(())) => Ok(committed(value)),
                    (Ok(_), Err(error)) => Err(error),
                    (Err(error), _) => Err(StoreError::from(error)),
                };
                let _ = sender.send(answer);
            });
            Done { failed, finish }
        });
        // A refused request drops its sender, which answers `Closed`.
        let _ = self.queue.send(Request::Run(job)).await;
        Pending(answer)
    }

    /// Ends the thread after everything queued so far; returns when its connection is closed.
    pub(super) async fn stop(&self) {
        let (sender, stopped) = oneshot::channel();
        if self.queue.send(Request::Stop(sender)).await.is_ok() {
            let _ = stopped.await;
        }
    }

    fn spawn(
        name: &str,
        mut connection: Connection,
        run: fn(&mut Connection, Job, &mut mpsc::Receiver<Request>) -> Option<Request>,
    ) -> std::io::Result<Self> {
        let (queue, mut requests) = mpsc::channel(QUEUE);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut left_over = None;
            while let Some(request) = left_over.take().or_else(|| requests.blocking_recv()) {
                match request {
                    Request::Run(job) => left_over = run(&mut connection, job, &mut requests),
                    Request::Stop(stopped) => {
                        if let Err((_, error)) = connection.close() {
                            tracing::warn!(%error, "the database did not close cleanly");
                        }
                        let _ = stopped.send(());
                        return;
                    }
                }
            }
        })?;
        Ok(Self { queue })
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

fn read(connection: &mut Connection, job: Job, _: &mut mpsc::Receiver<Request>) -> Option<Request> {
    (job(connection).finish)(Ok(()));
    None
}

/// Runs this job and those waiting behind it in one transaction. Returns a request that is not a job, if it met one.
fn write_group(
    connection: &mut Connection,
    first: Job,
    requests: &mut mpsc::Receiver<Request>,
) -> Option<Request> {
    let mut finishes = Vec::new();
    let mut left_over = None;
    let committed = (|| {
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut next = Some(first);
        while let Some(job) = next.take() {
            // One that fails half-way is undone alone: the others in its group are not its business.
            let mut savepoint = transaction.savepoint()?;
            let done = job(&savepoint);
            finishes.push(done.finish);
            if done.failed {
                savepoint.rollback()?;
            }
            savepoint.commit()?;
            if finishes.len() < GROUP {
                match requests.try_recv() {
                    Ok(Request::Run(job)) => next = Some(job),
                    Ok(stop) => left_over = Some(stop),
                    Err(_) => {}
                }
            }
        }
        transaction.commit()
    })();
    if let Err(error) = &committed {
        tracing::error!(%error, "the database did not commit");
    }
    let committed = committed.map_err(StoreError::from);
    for finish in finishes {
        finish(committed.clone());
    }
    left_over
}
