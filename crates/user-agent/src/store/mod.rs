//! The database: SQLite encrypted with SQLCipher. One thread writes, one reads; callers hand them closures.

pub(crate) mod cards;
pub(crate) mod channels;
pub(crate) mod entries;
mod migration;
pub(crate) mod recovery;
pub(crate) mod sites;
pub(crate) mod withheld;

use std::path::Path;
use std::sync::{Arc, Once, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use thiserror::Error;
use tokio::sync::{oneshot, watch};
use zeroize::Zeroizing;

use crate::api::{CommandError, Trouble};

/// The database's key: 32 random bytes, given to SQLCipher as they are (a passphrase would cost 150 ms at every open).
pub(crate) type DatabaseKey = Zeroizing<[u8; 32]>;

/// Why the database did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// SQLite's answer.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file is not a database under this key.
    #[error(
        "the database cannot be opened with the key from the keyring: it is damaged, or belongs to another keyring"
    )]
    WrongKey,
    /// A later version of Belfry has written it.
    #[error("the database was written by a newer version of Belfry (schema {found}, this one knows {known})")]
    Newer {
        /// The file's schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Its pages do not fit together.
    #[error("the database is damaged")]
    Unsound,
    /// A value in it breaks its own rule.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
    /// The thread could not be started, or has ended.
    #[error("the database has been closed")]
    Closed,
}

impl StoreError {
    /// What this is called in front of people, and what they can do.
    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            Self::WrongKey | Self::Unsound | Self::Damaged(_) => Trouble::DatabaseDamaged,
            Self::Newer { .. } => Trouble::DatabaseNewer,
            Self::Closed => Trouble::StorageFailed,
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DiskFull) => Trouble::DiskFull,
                Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied) => {
                    Trouble::ReadOnly
                }
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                    Trouble::DatabaseDamaged
                }
                Some(_) | None => Trouble::StorageFailed,
            },
        }
    }

    /// Whether the file itself failed, so that nothing else can be written either; otherwise one row is to blame.
    pub(crate) fn is_of_the_file(&self) -> bool {
        match self {
            Self::Damaged(_) => false,
            Self::WrongKey | Self::Unsound | Self::Newer { .. } | Self::Closed => true,
            Self::Sqlite(error) => {
                error.sqlite_error_code().is_some_and(|code| code != rusqlite::ErrorCode::ConstraintViolation)
            }
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::from_trouble(error.trouble(), error.to_string())
    }
}

/// The open database. Cheap to clone; dropping the last clone finishes what is queued and closes it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    // First: the connection that closes last empties the log, and this one cannot.
    reader: Arc<Worker>,
    writer: Arc<Worker>,
    path: Arc<Path>,
    damaged: watch::Sender<bool>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A thread that owns a connection.
#[derive(Debug)]
struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens or makes the file and brings its schema up to date. Blocks: not for the actor. A file that is damaged, or
    /// newer, is left as it is.
    pub(crate) fn open(path: &Path, key: &DatabaseKey) -> Result<Self, StoreError> {
        let mut writer = connect(path, key, OpenFlags::default())?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "secure_delete", "ON")?;
        migration::run(&mut writer)?;
        let reader = connect(path, key, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        Ok(Self {
            writer: Worker::start("store-writer", writer)?,
            reader: Worker::start("store-reader", reader)?,
            path: path.into(),
            damaged: watch::Sender::new(false),
        })
    }

    /// Reads the whole file. Blocks.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let (reply, answer) = std::sync::mpsc::channel();
        let job: Job = Box::new(move |connection| drop(reply.send(recovery::is_sound(connection))));
        self.reader.jobs.as_ref().ok_or(StoreError::Closed)?.send(job).map_err(|_| StoreError::Closed)?;
        match answer.recv().map_err(|_| StoreError::Closed)?? {
            true => Ok(()),
            false => Err(StoreError::Unsound),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns once something read or written has shown that the file is damaged.
    pub(crate) async fn damaged(&self) {
        let mut damaged = self.damaged.subscribe();
        // This holds the sender.
        let _ = damaged.wait_for(|damaged| *damaged).await;
    }

    fn noticed<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error @ (StoreError::Sqlite(_) | StoreError::Unsound)) = &result
            && error.trouble() == Trouble::DatabaseDamaged
        {
            recovery::suspect(&self.path);
            self.damaged.send_if_modified(|damaged| !std::mem::replace(damaged, true));
        }
        result
    }

    /// Runs `work` in a transaction that is on disk when this returns.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let written = run(&self.writer, |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        });
        self.noticed(written.await)
    }

    /// Moves everything from the log into the database, and empties the log.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        run(&self.writer, |connection| {
            // A reader may be in the way; the log is then emptied another time.
            Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
        })
        .await
    }

    /// Runs `work` on the read connection, beside the writer.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.noticed(run(&self.reader, |connection| work(connection)).await)
    }
}

async fn run<T, F>(worker: &Worker, work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job: Job = Box::new(move |connection| {
        // The caller may have gone; the work is done all the same.
        let _ = reply.send(work(connection));
    });
    worker.jobs.as_ref().ok_or(StoreError::Closed)?.send(job).map_err(|_| StoreError::Closed)?;
    answer.await.map_err(|_| StoreError::Closed)?
}

impl Worker {
    fn start(name: &str, mut connection: Connection) -> Result<Arc<Self>, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            for job in queue {
                job(&mut connection);
            }
        });
        Ok(Arc::new(Self { jobs: Some(jobs), thread: Some(thread.map_err(|_| StoreError::Closed)?) }))
    }
}

impl Drop for Worker {
    /// Waits for the connection to be closed: OpenSSL, which SQLCipher uses, frees its memory when the process ends, and a
    /// thread still closing a database by then crashes.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// SQLite counts itself as initialised before SQLCipher, its extension, is: a connection of another thread is refused its
/// key meanwhile. So the first key of the process is tried on a database that does not matter, until it is taken.
fn await_sqlcipher() {
    static READY: Once = Once::new();
    READY.call_once(|| {
        for _ in 0..100 {
            let taken =
                Connection::open_in_memory().and_then(|probe| probe.execute_batch("PRAGMA key = 'x'"));
            match taken {
                Ok(()) => return,
                Err(error) => tracing::debug!(%error, "SQLCipher is not ready yet"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    });
}

fn connect(path: &Path, key: &DatabaseKey, flags: OpenFlags) -> Result<Connection, StoreError> {
    await_sqlcipher();
    let connection = Connection::open_with_flags(path, flags)?;
    // A damaged file is to be kept as it is: closing it must not write its log into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let mut hex = Zeroizing::new(String::with_capacity(64));
    for byte in key.iter() {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
    }
    let statement = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", *hex));
    connection.execute_batch(&statement)?;
    match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)) {
        Ok(_) => {}
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::NotADatabase => {
            return Err(StoreError::WrongKey);
        }
        Err(error) => return Err(error.into()),
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(connection)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn key(byte: u8) -> DatabaseKey {
        Zeroizing::new([byte; 32])
    }

    /// A connection of the test's own, for doing damage.
    pub(crate) fn connect_to(path: &Path, key: &DatabaseKey) -> Connection {
        connect(path, key, OpenFlags::default()).unwrap()
    }

    #[tokio::test]
    async fn what_is_written_is_read_back_after_reopening_and_not_in_plain_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let store = Store::open(&path, &key(1)).unwrap();
        store.write(|tx| Ok(sites::set_setting(tx, "greeting", "nightingale in the belfry")?)).await.unwrap();
        drop(store);
        assert!(!folder.path().join("belfry.db-wal").exists(), "closed, it is one file");
        let store = Store::open(&path, &key(1)).unwrap();
        let read = store.read(|c| Ok(sites::setting(c, "greeting")?)).await.unwrap();
        assert_eq!(read.as_deref(), Some("nightingale in the belfry"));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(11).any(|window| window == b"nightingale"));
        }
    }

    #[tokio::test]
    async fn a_failed_write_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let failed = store
            .write(|tx| {
                sites::set_setting(tx, "a", "1")?;
                Err::<(), _>(StoreError::Closed)
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(store.read(|c| Ok(sites::setting(c, "a")?)).await.unwrap(), None);
    }

    #[test]
    fn another_key_is_refused_and_a_newer_schema_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        drop(Store::open(&path, &key(1)).unwrap());
        assert!(matches!(Store::open(&path, &key(2)), Err(StoreError::WrongKey)));
        connect(&path, &key(1), OpenFlags::default())
            .unwrap()
            .pragma_update(None, "user_version", 9999)
            .unwrap();
        assert!(matches!(Store::open(&path, &key(1)), Err(StoreError::Newer { found: 9999, .. })));
    }
}
