//! What of the history is still to be shown.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Result, notification};
use crate::api::EntryId;
use crate::notifier::Popup;
use crate::permission::SiteSettings;
use crate::pictures::Illustration;
use crate::store::sites::{optional, site_settings, timestamp};

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

/// Of a site's entries from the first to the last of these ids: how many are still to be on screen and are so without a
/// notification of their own, and the title of the newest. Nothing where none is.
pub(crate) fn summarized(
    c: &Connection,
    site_id: &str,
    first: EntryId,
    last: EntryId,
) -> Result<Option<(u32, String)>> {
    let sql = "SELECT count(*) OVER (), e.title FROM entry AS e JOIN site AS s ON s.id = e.site_id
        WHERE e.site_id = ?1 AND e.id BETWEEN ?2 AND ?3 AND e.presentation = 'handed' AND e.read = 0
            AND e.deleted_at = 0 AND s.state <> 'blocked' AND e.id NOT IN (SELECT entry_id FROM card)
        ORDER BY e.id DESC LIMIT 1";
    c.prepare_cached(sql)?
        .query_row(params![site_id, first.0, last.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
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

#[cfg(test)]
mod tests {
    use webpush::payload::Notification;

    use super::*;
    use crate::notifier::Card;
    use crate::store::Store;
    use crate::store::cards;
    use crate::store::entries::tests::{at, site};
    use crate::store::entries::{NewEntry, insert};
    use crate::store::tests::key;

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
    async fn a_summary_counts_what_is_unread_and_has_no_notification_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let counted = store.write(|tx| {
            site(tx, "a");
            let ids = (1..=6).map(|number| {
                let notification = Notification { title: format!("n{number}"), ..Notification::default() };
                let new = NewEntry {
                    site_id: "a",
                    received_at: at(0),
                    notification: &notification,
                    raw: None,
                    show: Some(true),
                    failure: None,
                };
                insert(tx, &new)
            });
            let ids: Vec<_> = ids.collect::<Result<_>>()?;
            mark_handed(tx, &ids[..5])?;
            let own = Card { id: 1, entry: Some(ids[1]), site_id: "a".into(), ..Card::default() };
            cards::insert(tx, &own)?;
            let count = || summarized(tx, "a", ids[0], ids[5]);
            let mut counted = vec![count()?];
            for change in [
                "UPDATE entry SET read = 1 WHERE title = 'n5'",
                "UPDATE entry SET deleted_at = 1 WHERE title = 'n4'",
                "UPDATE site SET state = 'blocked'",
            ] {
                tx.execute(change, [])?;
                counted.push(count()?);
            }
            Ok(counted)
        });
        let counted = counted.await.unwrap();
        let some = |count, title: &str| Some((count, title.to_owned()));
        assert_eq!(counted, [some(4, "n5"), some(3, "n4"), some(2, "n3"), None], "n6 is to be shown yet");
    }
}
