//! The history.

mod deletion;
mod pending;

use jiff::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use webpush::payload::Notification;

pub(crate) use self::deletion::{
    HistoryLimits, beyond, delete, oldest_deletion, purge_deleted, purge_excess, purge_old, restore,
};
pub(crate) use self::pending::{
    Pending, is_wanted, mark_handed, mark_recorded, next_pending, summarized, withdraw,
};
use super::sites::{conversion, optional, parsed, timestamp};
use crate::api::{Disposition, Entry, EntryAction, EntryFilter, EntryId, Images, Links};

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

pub(crate) fn unread(c: &Connection) -> Result<u64> {
    let sql = "SELECT count(*) FROM entry WHERE read = 0 AND deleted_at = 0";
    c.query_row(sql, [], |row| row.get(0)).map(i64::unsigned_abs)
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

    use super::*;
    use crate::store::{channels, sites};

    pub(super) fn at(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * (20_000 + day))
    }

    /// A site with this id, which is also its name.
    pub(super) fn site(c: &Connection, id: &str) {
        let service = "wss://push.example/".parse().unwrap();
        sites::insert_site(c, id, id, None, at(0)).unwrap();
        sites::add_push_service(c, &service).unwrap();
        let channel = webpush::ChannelId::from_random_bytes([id.len() as u8; 16]);
        channels::insert(c, channel, id, &service, None).unwrap();
    }

    pub(super) fn add(c: &Connection, site_id: &str, received_at: Timestamp, body: &str) -> EntryId {
        let notification = Notification { body: body.to_owned(), ..Notification::default() };
        let raw = Some(body.as_bytes());
        let new =
            NewEntry { site_id, received_at, notification: &notification, raw, show: None, failure: None };
        insert(c, &new).unwrap()
    }
}
