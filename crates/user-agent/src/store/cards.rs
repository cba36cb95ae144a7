//! What is on the screen of a notification server, which keeps it there while we are gone.

use rusqlite::{Connection, params};

use crate::api::EntryId;
use crate::notifier::Card;

type Result<T> = rusqlite::Result<T>;

/// As many as a notifier knows of. The oldest are forgotten first.
const LIMIT: u32 = 1_000;

/// It is on screen, in place of what had its id before. Nothing of another run of the server is any more.
pub(crate) fn insert(c: &Connection, card: &Card) -> Result<()> {
    let Card { server, id, entry, site_id, tag, clickable, buttons } = card;
    c.prepare_cached("DELETE FROM card WHERE server <> ?1")?.execute([server])?;
    let sql = "INSERT OR REPLACE INTO card (id, server, entry_id, site_id, tag, clickable, buttons)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let entry = entry.map_or(0, |entry| entry.0);
    c.prepare_cached(sql)?.execute(params![id, server, entry, site_id, tag, clickable, buttons])?;
    let sql = "DELETE FROM card WHERE id <= (SELECT id FROM card ORDER BY id DESC LIMIT 1 OFFSET ?1)";
    c.prepare_cached(sql)?.execute([LIMIT]).map(drop)
}

/// Those of the run of the server that was last there, oldest first.
pub(crate) fn all(c: &Connection) -> Result<Vec<Card>> {
    let sql = "SELECT id, server, entry_id, site_id, tag, clickable, buttons FROM card ORDER BY id";
    c.prepare_cached(sql)?
        .query_map([], |row| {
            let entry: i64 = row.get("entry_id")?;
            Ok(Card {
                server: row.get("server")?,
                id: row.get("id")?,
                entry: Some(EntryId(entry)).filter(|entry| entry.0 != 0),
                site_id: row.get("site_id")?,
                tag: row.get("tag")?,
                clickable: row.get("clickable")?,
                buttons: row.get("buttons")?,
            })
        })?
        .collect()
}

/// Entries that are on screen and have been read, deleted or withdrawn, or whose site was blocked or removed: by a process
/// that showed no notifications itself.
pub(crate) fn unwanted(c: &Connection) -> Result<Vec<EntryId>> {
    let sql = "SELECT c.entry_id FROM card AS c
        LEFT JOIN entry AS e ON e.id = c.entry_id LEFT JOIN site AS s ON s.id = e.site_id
        WHERE c.entry_id <> 0 AND (e.id IS NULL OR e.read = 1 OR e.deleted_at <> 0 OR s.state = 'blocked')";
    c.prepare_cached(sql)?.query_map([], |row| Ok(EntryId(row.get(0)?)))?.collect()
}

/// They are no longer on screen.
pub(crate) fn remove(c: &Connection, closed: &[(String, u32)]) -> Result<()> {
    let mut statement = c.prepare_cached("DELETE FROM card WHERE id = ?2 AND server = ?1")?;
    closed.iter().try_for_each(|(server, id)| statement.execute(params![server, id]).map(drop))
}

#[cfg(test)]
mod tests {
    use webpush::payload::Notification;

    use super::*;
    use crate::store::entries::{self, NewEntry};
    use crate::store::tests::key;
    use crate::store::{Store, sites};

    fn card(server: &str, id: u32, entry: i64) -> Card {
        Card {
            server: server.into(),
            id,
            entry: Some(EntryId(entry)).filter(|entry| entry.0 != 0),
            site_id: "a".into(),
            tag: "t".into(),
            clickable: true,
            buttons: 2,
        }
    }

    #[tokio::test]
    async fn what_is_on_screen_is_remembered_until_it_is_closed_or_its_server_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let looks = store.write(|tx| {
            let mut looks = Vec::new();
            for card in [card("x", 7, 1), card("x", u32::MAX, 0), card("x", 7, 2)] {
                insert(tx, &card)?;
            }
            looks.push(all(tx)?);
            remove(tx, &[("y".into(), 7), ("x".into(), u32::MAX)])?;
            looks.push(all(tx)?);
            insert(tx, &card("y", 1, 3))?;
            looks.push(all(tx)?);
            Ok(looks)
        });
        let expected =
            [vec![card("x", 7, 2), card("x", u32::MAX, 0)], vec![card("x", 7, 2)], vec![card("y", 1, 3)]];
        assert_eq!(looks.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn no_more_are_remembered_than_can_be_known() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let kept = store.write(|tx| {
            (1..=LIMIT + 5).try_for_each(|id| insert(tx, &card("x", id, 1)))?;
            Ok(all(tx)?)
        });
        let ids: Vec<u32> = kept.await.unwrap().iter().map(|card| card.id).collect();
        assert_eq!((ids.len(), ids.first(), ids.last()), (LIMIT as usize, Some(&6), Some(&(LIMIT + 5))));
        #[cfg(target_os = "linux")]
        assert_eq!(LIMIT as usize, crate::notifier::linux::shown::LIVE_LIMIT);
    }

    #[tokio::test]
    async fn what_nobody_wants_on_screen_any_more_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let unwanted = store.write(|tx| {
            for site_id in ["a", "blocked"] {
                sites::insert_site(tx, site_id, site_id, None, jiff::Timestamp::UNIX_EPOCH)?;
            }
            tx.execute("UPDATE site SET state = 'blocked' WHERE id = 'blocked'", [])?;
            let notification = Notification::default();
            let add = |site_id| {
                let (received_at, show) = (jiff::Timestamp::UNIX_EPOCH, Some(true));
                let new = NewEntry {
                    site_id,
                    received_at,
                    notification: &notification,
                    raw: None,
                    show,
                    failure: None,
                };
                entries::insert(tx, &new)
            };
            let (wanted, read, deleted) = (add("a")?, add("a")?, add("a")?);
            let blocked = add("blocked")?;
            let gone = EntryId(99);
            entries::mark_read(tx, &[read])?;
            entries::delete(tx, &[deleted], jiff::Timestamp::now())?;
            for (id, entry) in (1..).zip([wanted, read, deleted, blocked, gone, EntryId(0)]) {
                insert(tx, &card("x", id, entry.0))?;
            }
            Ok((
                unwanted(tx)?,
                [read, deleted, blocked, gone],
                [wanted, read, deleted, blocked, gone].map(|id| entries::is_wanted(tx, id).unwrap()),
            ))
        });
        let (found, expected, wanted) = unwanted.await.unwrap();
        assert_eq!(found, expected);
        assert_eq!(wanted, [true, false, false, false, false]);
    }
}
