//! Opening the database and bringing it to the current schema.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use thiserror::Error;

const FILE: &str = "push-service.sqlite3";

/// Applied in order; the position of the last one applied is the database's `user_version`. Never edited once released.
const MIGRATIONS: &[&str] =
    &[include_str!("../../migrations/0001_initial.sql"), include_str!("../../migrations/0002_waiting.sql")];

/// Why the store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file could not be created.
    #[error("the database file cannot be created: {0}")]
    File(#[from] std::io::Error),
    /// SQLite refused.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// Written by a newer version of this program.
    #[error("the database was written by a newer version (schema {0})")]
    Newer(usize),
}

/// Opens the database of this folder for writing, migrated. What is committed survives a power cut.
pub(super) fn open_writer(folder: &Path) -> Result<Connection, OpenError> {
    let path = folder.join(FILE);
    create_private(&path)?;
    let mut connection = Connection::open(&path)?;
    configure(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens the same database for reading.
pub(super) fn open_reader(folder: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(folder.join(FILE))?;
    configure(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let done: usize =
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize;
    if done > MIGRATIONS.len() {
        return Err(OpenError::Newer(done));
    }
    for (version, migration) in (1_u32..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// SQLite gives its journal files the same permissions.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_plain_sqlite_private_and_fully_synchronous() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_writer(folder.path()).unwrap();
        let synchronous: u32 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!((synchronous, journal.as_str()), (2, "wal"));
        drop(connection);
        assert!(fs::read(folder.path().join(FILE)).unwrap().starts_with(b"SQLite format 3\0"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn opening_twice_migrates_once_and_a_newer_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(open_writer(folder.path()).unwrap());
        let connection = open_writer(folder.path()).unwrap();
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version as usize, MIGRATIONS.len());
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        assert!(matches!(open_writer(folder.path()), Err(OpenError::Newer(99))));
    }

    #[test]
    fn what_already_waits_is_counted_by_the_second_migration() {
        let folder = tempfile::tempdir().unwrap();
        let old = Connection::open(folder.path().join(FILE)).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        old.execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO user_agent (uaid, seen_at) VALUES (zeroblob(16), 1);
             INSERT INTO channel (user_agent, channel_id) VALUES (zeroblob(16), 'c');
             INSERT INTO message (user_agent, channel, version, expires_at)
                VALUES (zeroblob(16), 1, 'a', 9), (zeroblob(16), 1, 'b', 9);",
        )
        .unwrap();
        drop(old);
        let migrated = open_writer(folder.path()).unwrap();
        let waiting = migrated.query_row("SELECT waiting FROM user_agent", (), |row| row.get::<_, u32>(0));
        assert_eq!(waiting, Ok(2));
    }

    #[test]
    fn reading_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        drop(open_writer(folder.path()).unwrap());
        let reader = open_reader(folder.path()).unwrap();
        assert!(reader.execute("DELETE FROM message", ()).is_err());
    }
}
