//! The history, and what of it is still to be shown.

use jiff::Timestamp;
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use webpush::payload::Notification;

use super::sites::{conversion, optional, timestamp};
use crate::api::{Disposition, Entry, EntryAction, EntryFilter, EntryId};
use crate::notifier::Popup;

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

/// What was committed but perhaps never handed to the notification server, oldest first.
pub(crate) fn pending(c: &Connection) -> Result<Vec<(Popup, Timestamp)>> {
    let sql = "SELECT e.id, e.site_id, e.received_at, e.notification, e.sound, s.name, s.url
        FROM entry AS e JOIN site AS s ON s.id = e.site_id WHERE e.presentation = 'pending' ORDER BY e.id";
    c.prepare_cached(sql)?
        .query_map([], |row| {
            let site_name: String = row.get("name")?;
            let url: Option<url::Url> = optional(row, "url")?;
            let popup = Popup {
                entry: EntryId(row.get("id")?),
                site_id: row.get("site_id")?,
                origin: origin(&site_name, url.as_ref()),
                site_name,
                notification: notification(row)?,
                sound: row.get("sound")?,
            };
            Ok((popup, timestamp(row, "received_at")?))
        })?
        .collect()
}

/// Who a notification is from: the site's host or, where none is known, the name the user gave it.
pub(crate) fn origin(site_name: &str, url: Option<&url::Url>) -> String {
    url.and_then(url::Url::host_str).unwrap_or(site_name).to_owned()
}

/// The notification server has it, or none is wanted.
pub(crate) fn mark_handed(c: &Connection, id: EntryId) -> Result<()> {
    let sql = "UPDATE entry SET presentation = 'handed' WHERE id = ?1 AND presentation = 'pending'";
    c.prepare_cached(sql)?.execute([id.0]).map(drop)
}

const SELECT_ENTRY: &str =
    "SELECT e.id, s.name, e.received_at, e.notification, e.read, e.disposition, e.failure
    FROM entry AS e JOIN site AS s ON s.id = e.site_id";

/// Newest first. `site_id` is the id that `filter.site` stands for.
pub(crate) fn list(c: &Connection, filter: &EntryFilter, site_id: Option<&str>) -> Result<Vec<Entry>> {
    let mut sql = format!("{SELECT_ENTRY} WHERE 1");
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
        .prepare_cached(&format!("{SELECT_ENTRY} WHERE e.id = ?1"))?
        .query_row([id.0], entry_row)
        .optional()?;
    let Some(entry) = entry else { return Ok(None) };
    let raw = c.query_row("SELECT raw FROM entry WHERE id = ?1", [id.0], |row| row.get(0))?;
    Ok(Some((entry, raw)))
}

/// The whole notification of an entry, for a click on it.
pub(crate) fn notification_of(c: &Connection, id: EntryId) -> Result<Option<(String, Notification)>> {
    let sql =
        "SELECT s.name, e.notification FROM entry AS e JOIN site AS s ON s.id = e.site_id WHERE e.id = ?1";
    c.prepare_cached(sql)?.query_row([id.0], |row| Ok((row.get("name")?, notification(row)?))).optional()
}

/// The first of these ids that is not in the history.
pub(crate) fn first_missing(c: &Connection, ids: &[EntryId]) -> Result<Option<EntryId>> {
    for id in ids {
        let found = c.query_row("SELECT 1 FROM entry WHERE id = ?1", [id.0], |_| Ok(())).optional()?;
        if found.is_none() {
            return Ok(Some(*id));
        }
    }
    Ok(None)
}

pub(crate) fn mark_read(c: &Connection, ids: &[EntryId]) -> Result<()> {
    let mut statement = c.prepare_cached("UPDATE entry SET read = 1 WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute([id.0]).map(drop))
}

pub(crate) fn delete(c: &Connection, ids: &[EntryId]) -> Result<()> {
    let mut statement = c.prepare_cached("DELETE FROM entry WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute([id.0]).map(drop))
}

pub(crate) fn unread(c: &Connection) -> Result<u64> {
    c.query_row("SELECT count(*) FROM entry WHERE read = 0", [], |row| row.get(0)).map(i64::unsigned_abs)
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
        read: row.get("read")?,
        disposition: if disposition == "shown" { Disposition::Shown } else { Disposition::Recorded },
        failure: Some(failure).filter(|failure| !failure.is_empty()),
    })
}
