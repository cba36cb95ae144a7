//! The history, and what of it is still to be shown.

use jiff::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use webpush::payload::Notification;

use super::sites::{conversion, optional, parsed, site_settings, timestamp};
use crate::api::{Disposition, Entry, EntryAction, EntryFilter, EntryId, Images, Links};
use crate::notifier::Popup;
use crate::permission::SiteSettings;
use crate::pictures::Illustration;

type Result<T> = rusqlite::Result<T>;

/// Entries listed when no limit is asked for.
const DEFAULT_LIMIT: u32 = 50;

/// A push about to become an entry.
#[derive(Debug)]
pub(crate) struct NewEntry<'a> {
    pub(crate) site_id: &'a str,
    pub(crate) received_at: Timestamp,
    pub(crate) notification: &'a Notification,
    /// Without secrets.
    pub(crate) raw: Option<&'a [u8]>,
    /// `Some(sound)`: to be shown.
    pub(crate) show: Option<bool>,
    pub(crate) failure: Option<&'a str>,
}

pub(crate) fn insert(c: &Connection, new: &NewEntry<'_>) -> Result<EntryId> {
    let sql = "INSERT INTO entry
            (site_id, received_at, title, body, notification, raw, disposition, presentation, sound, failure)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let json = serde_json::to_string(new.notification)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let (disposition, presentation) = match new.show {
        Some(_) => ("shown", "pending"),
        None => ("recorded", "none"),
    };
    c.prepare_cached(sql)?.execute(params![
        new.site_id,
        new.received_at.as_millisecond(),
        new.notification.title,
        new.notification.body,
        json,
        new.raw,
        disposition,
        presentation,
        new.show.unwrap_or(false),
        new.failure.unwrap_or_default(),
    ])?;
    Ok(EntryId(c.last_insert_rowid()))
}

/// The ids of entries follow this one, in a database that has had none.
pub(crate) fn begin_after(c: &Connection, id: EntryId) -> Result<()> {
    let sql = "INSERT INTO sqlite_sequence (name, seq)
        SELECT 'entry', ?1 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'entry')";
    c.execute(sql, [id.0]).map(drop)
}

/// An entry that is still to be shown, with what its site may do by now.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) id: EntryId,
    pub(crate) popup: Popup,
    pub(crate) settings: SiteSettings,
    pub(crate) site_url: Option<url::Url>,
    /// Somebody has seen it meanwhile.
    pub(crate) read: bool,
}

/// The first entry after this one that was committed but perhaps never handed to the notification server. One that cannot
/// be read is passed over: the others are not to wait for it.
pub(crate) fn next_pending(c: &Connection, mut after: EntryId) -> Result<Option<Pending>> {
    let sql =
        "SELECT e.id, e.site_id, e.received_at, e.notification, e.sound AS audible, e.read, s.name, s.url,
            s.state, s.snoozed_until, s.sound, s.links, s.images, s.burst, s.dnd_bypass
        FROM entry AS e JOIN site AS s ON s.id = e.site_id
        WHERE e.presentation = 'pending' AND e.deleted_at = 0 AND e.id > ?1 ORDER BY e.id LIMIT 1";
    let pending = |row: &Row<'_>, id: EntryId| -> Result<Pending> {
        let site_name: String = row.get("name")?;
        let url: Option<url::Url> = optional(row, "url")?;
        let settings = site_settings(row)?;
        let popup = Popup {
            entry: Some(id),
            links: settings.links,
            site_id: row.get("site_id")?,
            website: url.clone(),
            site_name,
            notification: notification(row)?,
            illustration: Illustration::default(),
            sound: row.get("audible")?,
            passes_silence: row.get("dnd_bypass")?,
            received_at: timestamp(row, "received_at")?,
        };
        Ok(Pending { id, popup, settings, site_url: url, read: row.get("read")? })
    };
    let mut statement = c.prepare_cached(sql)?;
    loop {
        let read = |row: &Row<'_>| {
            let id = EntryId(row.get("id")?);
            Ok((id, pending(row, id)))
        };
        match statement.query_row([after.0], read).optional()? {
            Some((_, Ok(pending))) => return Ok(Some(pending)),
            Some((id, Err(error))) => {
                tracing::debug!(entry = %id, %error, "an entry that is to be shown cannot be read");
                after = id;
            }
            None => return Ok(None),
        }
    }
}

/// The notification server has them, by themselves or in a summary.
pub(crate) fn mark_handed(c: &Connection, ids: &[EntryId]) -> Result<()> {
    let sql = "UPDATE entry SET presentation = 'handed' WHERE id = ?1 AND presentation = 'pending'";
    let mut statement = c.prepare_cached(sql)?;
    ids.iter().try_for_each(|id| statement.execute([id.0]).map(drop))
}

/// Whether an entry is still to be on screen: nobody has read, deleted or withdrawn it, or blocked its site.
pub(crate) fn is_wanted(c: &Connection, id: EntryId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM entry AS e JOIN site AS s ON s.id = e.site_id
        WHERE e.id = ?1 AND e.read = 0 AND e.deleted_at = 0 AND s.state <> 'blocked')";
    c.prepare_cached(sql)?.query_row([id.0], |row| row.get(0))
}

/// Those of these entries that [`is_wanted`] says of.
pub(crate) fn still_wanted(c: &Connection, ids: &[EntryId]) -> Result<Vec<EntryId>> {
    let wanted = ids.iter().map(|id| Ok(is_wanted(c, *id)?.then_some(*id)));
    wanted.filter_map(Result::transpose).collect()
}

/// The title of an entry that exists.
pub(crate) fn title(c: &Connection, id: EntryId) -> Result<String> {
    c.prepare_cached("SELECT title FROM entry WHERE id = ?1")?.query_row([id.0], |row| row.get(0))
}

/// They are not to be shown after all.
pub(crate) fn mark_recorded(c: &Connection, ids: &[EntryId]) -> Result<()> {
    let sql = "UPDATE entry SET presentation = 'none', disposition = 'recorded'
        WHERE id = ?1 AND presentation = 'pending'";
    let mut statement = c.prepare_cached(sql)?;
    ids.iter().try_for_each(|id| statement.execute([id.0]).map(drop))
}

/// Marks a site's entries with this tag, or all of them, as read, and shows none of them any more.
pub(crate) fn withdraw(c: &Connection, site_id: &str, tag: Option<&str>) -> Result<()> {
    let sql = "UPDATE entry SET read = 1, presentation = iif(presentation = 'pending', 'none', presentation)
        WHERE site_id = ?1 AND (read = 0 OR presentation = 'pending')
            AND (?2 IS NULL OR json_extract(notification, '$.tag') = ?2)";
    c.prepare_cached(sql)?.execute(params![site_id, tag]).map(drop)
}

/// The newest entry; 0 while there is none.
pub(crate) fn last(c: &Connection) -> Result<EntryId> {
    c.query_row("SELECT coalesce(max(id), 0) FROM entry", [], |row| row.get(0)).map(EntryId)
}

const SELECT_ENTRY: &str =
    "SELECT e.id, s.name, e.received_at, e.notification, e.read, e.disposition, e.failure
    FROM entry AS e JOIN site AS s ON s.id = e.site_id";

/// Newest first. `site_id` is the id that `filter.site` stands for.
pub(crate) fn list(c: &Connection, filter: &EntryFilter, site_id: Option<&str>) -> Result<Vec<Entry>> {
    let mut sql = format!("{SELECT_ENTRY} WHERE e.deleted_at = 0");
    let mut values: Vec<&dyn ToSql> = Vec::new();
    if let Some(site_id) = &site_id {
        sql.push_str(" AND e.site_id = ?");
        values.push(site_id);
    }
    if filter.unread {
        sql.push_str(" AND e.read = 0");
    }
    let words = filter.search.as_deref().and_then(search_expression);
    if let Some(words) = &words {
        sql.push_str(" AND e.id IN (SELECT rowid FROM entry_text WHERE entry_text MATCH ?)");
        values.push(words);
    }
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    sql.push_str(" ORDER BY e.id DESC LIMIT ?");
    values.push(&limit);
    c.prepare_cached(&sql)?.query_map(values.as_slice(), entry_row)?.collect()
}

/// An entry and its raw payload.
pub(crate) fn find(c: &Connection, id: EntryId) -> Result<Option<(Entry, Option<Vec<u8>>)>> {
    let entry = c
        .prepare_cached(&format!("{SELECT_ENTRY} WHERE e.id = ?1 AND e.deleted_at = 0"))?
        .query_row([id.0], entry_row)
        .optional()?;
    let Some(entry) = entry else { return Ok(None) };
    let raw = c.query_row("SELECT raw FROM entry WHERE id = ?1", [id.0], |row| row.get(0))?;
    Ok(Some((entry, raw)))
}

/// A site's payloads as they are stored, newest first. Pushes without one, and those that could not be decrypted, have none.
pub(crate) fn payloads(
    c: &Connection,
    site_id: &str,
    limit: u32,
) -> Result<Vec<(EntryId, Timestamp, Vec<u8>)>> {
    let sql = "SELECT id, received_at, raw FROM entry
        WHERE site_id = ?1 AND deleted_at = 0 AND raw IS NOT NULL ORDER BY id DESC LIMIT ?2";
    let payload =
        |row: &Row<'_>| Ok((EntryId(row.get("id")?), timestamp(row, "received_at")?, row.get("raw")?));
    c.prepare_cached(sql)?.query_map(params![site_id, limit], payload)?.collect()
}

/// An entry's payload, and the site that it is of.
pub(crate) fn payload(c: &Connection, id: EntryId) -> Result<Option<(String, Vec<u8>)>> {
    let sql = "SELECT site_id, raw FROM entry WHERE id = ?1 AND deleted_at = 0 AND raw IS NOT NULL";
    c.prepare_cached(sql)?.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// What a click on an entry needs to know.
#[derive(Debug)]
pub(crate) struct Clicked {
    pub(crate) site: String,
    pub(crate) site_url: Option<url::Url>,
    pub(crate) links: Links,
    pub(crate) notification: Notification,
}

/// The entry that was clicked.
pub(crate) fn clicked(c: &Connection, id: EntryId) -> Result<Option<Clicked>> {
    let sql =
        "SELECT s.name, s.url, s.links, e.notification FROM entry AS e JOIN site AS s ON s.id = e.site_id
        WHERE e.id = ?1 AND e.deleted_at = 0";
    let clicked = |row: &Row<'_>| {
        Ok(Clicked {
            site: row.get("name")?,
            site_url: optional(row, "url")?,
            links: parsed(row, "links")?,
            notification: notification(row)?,
        })
    };
    c.prepare_cached(sql)?.query_row([id.0], clicked).optional()
}

/// What the picture of an entry depends on.
#[derive(Debug)]
pub(crate) struct Pictured {
    pub(crate) site_url: Option<url::Url>,
    pub(crate) images: Images,
    pub(crate) image: Option<url::Url>,
}

/// The entry whose picture is wanted.
pub(crate) fn pictured(c: &Connection, id: EntryId) -> Result<Option<Pictured>> {
    let sql = "SELECT s.url, s.images, e.notification FROM entry AS e JOIN site AS s ON s.id = e.site_id
        WHERE e.id = ?1 AND e.deleted_at = 0";
    let pictured = |row: &Row<'_>| {
        let image = notification(row)?.image;
        Ok(Pictured { site_url: optional(row, "url")?, images: parsed(row, "images")?, image })
    };
    c.prepare_cached(sql)?.query_row([id.0], pictured).optional()
}

/// The first of these ids that is not in the history, or, for `deleted`, not among what can be restored.
pub(crate) fn first_missing(c: &Connection, ids: &[EntryId], deleted: bool) -> Result<Option<EntryId>> {
    let mut statement = c.prepare_cached("SELECT 1 FROM entry WHERE id = ?1 AND (deleted_at <> 0) = ?2")?;
    for id in ids {
        if statement.query_row(params![id.0, deleted], |_| Ok(())).optional()?.is_none() {
            return Ok(Some(*id));
        }
    }
    Ok(None)
}

pub(crate) fn mark_read(c: &Connection, ids: &[EntryId]) -> Result<()> {
    let mut statement = c.prepare_cached("UPDATE entry SET read = 1 WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute([id.0]).map(drop))
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

pub(crate) fn unread(c: &Connection) -> Result<u64> {
    let sql = "SELECT count(*) FROM entry WHERE read = 0 AND deleted_at = 0";
    c.query_row(sql, [], |row| row.get(0)).map(i64::unsigned_abs)
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

/// Likewise what was received before this time.
pub(crate) fn purge_old(c: &Connection, before: Timestamp) -> Result<usize> {
    let sql = "DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE received_at < ?1 LIMIT ?2)";
    c.execute(sql, params![before.as_millisecond(), CHUNK])
}

/// Likewise each site's entries beyond its newest `keep`.
pub(crate) fn purge_excess(c: &Connection, keep: u32) -> Result<usize> {
    let sql = "DELETE FROM entry WHERE id IN (
        SELECT e.id FROM site AS s JOIN entry AS e ON e.site_id = s.id
        WHERE e.id <= (SELECT id FROM entry WHERE site_id = s.id ORDER BY id DESC LIMIT 1 OFFSET ?1) LIMIT ?2)";
    c.execute(sql, params![keep, CHUNK])
}

/// Every word must occur, the last one perhaps unfinished. Quoted, so that nothing in it is query syntax.
fn search_expression(text: &str) -> Option<String> {
    let words: Vec<String> =
        text.split_whitespace().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    if words.is_empty() { None } else { Some(format!("{}*", words.join(" "))) }
}

fn notification(row: &Row<'_>) -> Result<Notification> {
    let json: String = row.get("notification")?;
    serde_json::from_str(&json).map_err(|error| conversion(row, "notification", error))
}

fn entry_row(row: &Row<'_>) -> Result<Entry> {
    let notification = notification(row)?;
    let disposition: String = row.get("disposition")?;
    let failure: String = row.get("failure")?;
    let action =
        |action: webpush::payload::Action| EntryAction { title: action.title, navigate: action.navigate };
    Ok(Entry {
        id: EntryId(row.get("id")?),
        site: row.get("name")?,
        received_at: timestamp(row, "received_at")?,
        title: notification.title,
        body: notification.body,
        navigate: notification.navigate,
        image: notification.image,
        tag: notification.tag,
        actions: notification.actions.into_iter().map(action).collect(),
        command: notification.command,
        read: row.get("read")?,
        disposition: if disposition == "shown" { Disposition::Shown } else { Disposition::Recorded },
        failure: Some(failure).filter(|failure| !failure.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use rusqlite::MAIN_DB;

    use super::*;
    use crate::store::tests::key;
    use crate::store::{Store, channels, sites};

    fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * (20_000 + day))
    }

    /// A site with this id, which is also its name.
    fn site(c: &Connection, id: &str) {
        let service = "wss://push.example/".parse().unwrap();
        sites::insert_site(c, id, id, None, at(0)).unwrap();
        sites::add_push_service(c, &service).unwrap();
        let channel = webpush::ChannelId::from_random_bytes([id.len() as u8; 16]);
        channels::insert(c, channel, id, &service, None).unwrap();
    }

    fn add(c: &Connection, site_id: &str, received_at: Timestamp, body: &str) -> EntryId {
        let notification = Notification { body: body.to_owned(), ..Notification::default() };
        let raw = Some(body.as_bytes());
        let new =
            NewEntry { site_id, received_at, notification: &notification, raw, show: None, failure: None };
        insert(c, &new).unwrap()
    }

    fn bodies(c: &Connection) -> Vec<String> {
        let filter = EntryFilter { limit: Some(10_000), ..EntryFilter::default() };
        list(c, &filter, None).unwrap().into_iter().map(|entry| entry.body).collect()
    }

    #[tokio::test]
    async fn an_entry_that_cannot_be_read_keeps_none_from_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let next = store.write(|tx| {
            site(tx, "a");
            site(tx, "bb");
            let notification = Notification::default();
            for site_id in ["a", "bb"] {
                let show = Some(true);
                let (raw, failure) = (None, None);
                insert(
                    tx,
                    &NewEntry {
                        site_id,
                        received_at: at(0),
                        notification: &notification,
                        raw,
                        show,
                        failure,
                    },
                )?;
            }
            tx.execute("UPDATE site SET url = 'not a url' WHERE id = 'a'", [])?;
            Ok(next_pending(tx, EntryId(0))?)
        });
        assert_eq!(next.await.unwrap().unwrap().popup.site_id, "bb");
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
