//! The schema's numbered steps. A released step is never edited; its version is raised in the same transaction.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

const MIGRATIONS: [&str; 5] = [
    include_str!("../../migrations/0001_initial.sql"),
    include_str!("../../migrations/0002_permissions.sql"),
    include_str!("../../migrations/0003_withheld.sql"),
    include_str!("../../migrations/0004_field_mapping.sql"),
    include_str!("../../migrations/0005_cards.sql"),
];

/// Applies what is missing.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, sql) in (1_i64..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_any_earlier_version_is_brought_up_to_date_with_what_is_in_it() {
        for version in 1..=MIGRATIONS.len() {
            let mut connection = Connection::open_in_memory().unwrap();
            for sql in MIGRATIONS.iter().take(version) {
                connection.execute_batch(sql).unwrap();
            }
            connection.pragma_update(None, "user_version", version as i64).unwrap();
            connection
                .execute_batch("INSERT INTO site (id, name, added_at) VALUES ('a', 'Backups', 0)")
                .unwrap();
            run(&mut connection).unwrap();
            let name: String =
                connection.query_row("SELECT name FROM site WHERE id = 'a'", [], |row| row.get(0)).unwrap();
            let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!((name.as_str(), found), ("Backups", MIGRATIONS.len() as i64));
        }
    }
}
