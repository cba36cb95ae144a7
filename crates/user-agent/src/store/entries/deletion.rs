//! What is deleted can be restored for a while. Then it is purged, as is what is too old or too much.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, named_params, params};

use super::Result;
use crate::api::EntryId;

/// How much of the history is kept. `None`: all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HistoryLimits {
    pub(crate) days: Option<u32>,
    pub(crate) per_site: Option<u32>,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self { days: Some(90), per_site: Some(10_000) }
    }
}

impl HistoryLimits {
    /// What was received before this time is too old, if anything is.
    pub(crate) fn oldest(self, now: Timestamp) -> Option<Timestamp> {
        let age = SignedDuration::from_hours(24 * i64::from(self.days?));
        Some(now.checked_sub(age).unwrap_or(Timestamp::MIN))
    }
}

/// They are out of the history, and can be restored until they are purged.
pub(crate) fn delete(c: &Connection, ids: &[EntryId], now: Timestamp) -> Result<()> {
    let mut statement = c.prepare_cached("UPDATE entry SET deleted_at = ?2 WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute(params![id.0, now.as_millisecond()]).map(drop))
}

pub(crate) fn restore(c: &Connection, ids: &[EntryId]) -> Result<()> {
    let mut statement = c.prepare_cached("UPDATE entry SET deleted_at = 0 WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute([id.0]).map(drop))
}

/// When the first of what can be restored was deleted.
pub(crate) fn oldest_deletion(c: &Connection) -> Result<Option<Timestamp>> {
    let sql = "SELECT min(deleted_at) FROM entry WHERE deleted_at <> 0";
    let at: Option<i64> = c.query_row(sql, [], |row| row.get(0))?;
    Ok(at.and_then(|at| Timestamp::from_millisecond(at).ok()))
}

/// Entries that one transaction removes at most: messages that arrive meanwhile wait for it.
const CHUNK: u32 = 500;

/// Removes some of what was deleted before this time. Returns how many; there may be more until it is none.
pub(crate) fn purge_deleted(c: &Connection, before: Timestamp) -> Result<usize> {
    let sql = "DELETE FROM entry WHERE id IN
        (SELECT id FROM entry WHERE deleted_at <> 0 AND deleted_at <= ?1 LIMIT ?2)";
    c.execute(sql, params![before.as_millisecond(), CHUNK])
}

const OLD: &str = "SELECT id FROM entry WHERE received_at < :before";

/// Likewise what was received before this time.
pub(crate) fn purge_old(c: &Connection, before: Timestamp) -> Result<usize> {
    let sql = format!("DELETE FROM entry WHERE id IN ({OLD} LIMIT :chunk)");
    c.execute(&sql, named_params! { ":before": before.as_millisecond(), ":chunk": CHUNK })
}

const EXCESS: &str = "SELECT e.id FROM site AS s JOIN entry AS e ON e.site_id = s.id
    WHERE e.id <= (SELECT id FROM entry WHERE site_id = s.id ORDER BY id DESC LIMIT 1 OFFSET :keep)";

/// Likewise each site's entries beyond its newest `keep`.
pub(crate) fn purge_excess(c: &Connection, keep: u32) -> Result<usize> {
    let sql = format!("DELETE FROM entry WHERE id IN ({EXCESS} LIMIT :chunk)");
    c.execute(&sql, named_params! { ":keep": keep, ":chunk": CHUNK })
}

/// How many entries of the history are beyond these limits: nobody has deleted them, and they are to be purged.
pub(crate) fn beyond(c: &Connection, limits: HistoryLimits, now: Timestamp) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM entry WHERE deleted_at = 0 AND id IN ({OLD} UNION {EXCESS})");
    let before = limits.oldest(now).map_or(i64::MIN, Timestamp::as_millisecond);
    let keep = limits.per_site.map_or(i64::MAX, i64::from);
    let count = c.query_row(&sql, named_params! { ":before": before, ":keep": keep }, |row| row.get(0));
    count.map(i64::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use rusqlite::MAIN_DB;

    use super::*;
    use crate::api::EntryFilter;
    use crate::store::Store;
    use crate::store::entries::list;
    use crate::store::entries::tests::{add, at, site};
    use crate::store::tests::key;

    fn bodies(c: &Connection) -> Vec<String> {
        let filter = EntryFilter { limit: Some(10_000), ..EntryFilter::default() };
        list(c, &filter, None).unwrap().into_iter().map(|entry| entry.body).collect()
    }

    #[tokio::test]
    async fn the_limits_remove_the_oldest_of_each_site() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let left = store.write(|tx| {
            site(tx, "a");
            site(tx, "bb");
            for day in 0..5 {
                add(tx, "a", at(day), &format!("a{day}"));
            }
            add(tx, "bb", at(0), "bb0");
            assert_eq!(purge_excess(tx, 3)?, 2);
            assert_eq!(purge_excess(tx, 3)?, 0);
            let by_count = bodies(tx);
            assert_eq!(purge_old(tx, at(3))?, 2);
            Ok((by_count, bodies(tx)))
        });
        let (by_count, by_age) = left.await.unwrap();
        assert_eq!(by_count, ["bb0", "a4", "a3", "a2"]);
        assert_eq!(by_age, ["a4", "a3"]);
    }

    #[tokio::test]
    async fn what_is_counted_as_beyond_the_limits_is_what_they_remove() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let counted = store.write(|tx| {
            site(tx, "a");
            site(tx, "bb");
            let ids: Vec<EntryId> = (0..6).map(|day| add(tx, "a", at(day), "x")).collect();
            add(tx, "bb", at(0), "x");
            delete(tx, &ids[..1], at(6))?;
            let (now, mut beyond_each) = (at(6), Vec::new());
            for (days, per_site) in
                [(None, None), (Some(4), None), (None, Some(3)), (Some(4), Some(3)), (Some(3), Some(4))]
            {
                let limits = HistoryLimits { days, per_site };
                let beyond = beyond(tx, limits, now)?;
                let there = bodies(tx).len();
                tx.execute_batch("SAVEPOINT before")?;
                if let Some(before) = limits.oldest(now) {
                    purge_old(tx, before)?;
                }
                if let Some(keep) = per_site {
                    purge_excess(tx, keep)?;
                }
                assert_eq!(bodies(tx).len() as u64, there as u64 - beyond, "{limits:?}");
                tx.execute_batch("ROLLBACK TO before")?;
                beyond_each.push(beyond);
            }
            Ok(beyond_each)
        });
        assert_eq!(counted.await.unwrap(), [0, 2, 2, 3, 3]);
    }

    #[tokio::test]
    async fn much_is_removed_in_steps() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let removed = store.write(|tx| {
            site(tx, "a");
            for _ in 0..CHUNK + 1 {
                add(tx, "a", at(0), "x");
            }
            Ok((purge_old(tx, at(1))?, purge_old(tx, at(1))?, purge_old(tx, at(1))?))
        });
        assert_eq!(removed.await.unwrap(), (CHUNK as usize, 1, 0));
    }

    /// The pages of the file, decrypted: also those that nothing refers to.
    fn pages(path: &std::path::Path) -> Vec<u8> {
        let mut c = crate::store::connect(path, &key(1), rusqlite::OpenFlags::default()).unwrap();
        c.serialize(MAIN_DB).unwrap().to_vec()
    }

    fn holds(pages: &[u8], text: &str) -> bool {
        pages.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[tokio::test]
    async fn of_a_deleted_entry_nothing_is_left_on_any_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let store = Store::open(&path, &key(1)).unwrap();
        let id = store.write(|tx| {
            site(tx, "a");
            add(tx, "a", at(0), &"filler ".repeat(2_000));
            Ok(add(tx, "a", at(1), &"nightingale ".repeat(2_000)))
        });
        let id = id.await.unwrap();
        assert!(holds(&pages(&path), "nightingale"), "the control");
        store.write(move |tx| Ok(delete(tx, &[id], at(2))?)).await.unwrap();
        assert_eq!(store.write(|tx| Ok(purge_deleted(tx, at(1))?)).await.unwrap(), 0, "not yet");
        assert_eq!(store.write(|tx| Ok(purge_deleted(tx, at(2))?)).await.unwrap(), 1);
        store.empty_log().await.unwrap();
        let pages = pages(&path);
        assert!(!holds(&pages, "nightingale") && holds(&pages, "filler"));
        let log = folder.path().join("db-wal");
        assert_eq!(std::fs::metadata(log).map_or(0, |log| log.len()), 0);
    }
}
