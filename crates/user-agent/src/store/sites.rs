//! Settings, push services and sites.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use url::Url;
use webpush::payload::{FieldMapping, JsonPointer};
use webpush::{ApplicationServerKey, ChannelId, PushEndpoint, UserAgentId};

use super::channels;
use crate::api::{Badge, Destination, SiteState, UaidState};
use crate::config::PushServiceUrl;
use crate::permission::{Silence, SiteSettings};

type Result<T> = rusqlite::Result<T>;

/// A site with its subscription.
#[derive(Debug, Clone)]
pub(crate) struct SiteRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) url: Option<Url>,
    pub(crate) settings: SiteSettings,
    pub(crate) mapping: FieldMapping,
    pub(crate) needs_pairing: bool,
    pub(crate) added_at: Timestamp,
    pub(crate) unread: u64,
    pub(crate) badge: Option<Badge>,
    pub(crate) push_service: PushServiceUrl,
    /// Whether it has a subscription or is about to get one; false once the user has disconnected it.
    pub(crate) connected: bool,
    pub(crate) channel_id: ChannelId,
    pub(crate) application_server_key: Option<ApplicationServerKey>,
    pub(crate) endpoint: Option<PushEndpoint>,
    /// Where it is to be once there is an endpoint; until then this subscription serves.
    pub(crate) moving_to: Option<Destination>,
}

impl SiteRow {
    /// Where its subscription is, or was.
    pub(crate) fn whereabouts(&self) -> Destination {
        Destination { push_service: self.push_service.clone(), vapid_key: self.application_server_key }
    }

    /// Whether somebody has to give its sender the new subscription. What is blocked is not missed.
    pub(crate) fn wants_pairing(&self) -> bool {
        self.needs_pairing && self.settings.state != SiteState::Blocked
    }
}

/// A push service and who we are there.
#[derive(Debug, Clone)]
pub(crate) struct PushServiceRow {
    pub(crate) url: PushServiceUrl,
    pub(crate) uaid: Option<UserAgentId>,
    /// Whether channels are registered under the uaid, or still to be given up under it: only then does losing it matter.
    pub(crate) established: bool,
    /// Whether any site or a removal that is still to be told needs it.
    pub(crate) in_use: bool,
}

pub(crate) fn setting(c: &Connection, key: &str) -> Result<Option<String>> {
    c.query_row("SELECT value FROM setting WHERE key = ?1", [key], |row| row.get(0)).optional()
}

pub(crate) fn set_setting(c: &Connection, key: &str, value: &str) -> Result<()> {
    let sql = "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    c.execute(sql, params![key, value]).map(drop)
}

pub(crate) fn delete_setting(c: &Connection, key: &str) -> Result<()> {
    c.execute("DELETE FROM setting WHERE key = ?1", [key]).map(drop)
}

/// The setting's value, which is deleted.
pub(crate) fn take_setting(c: &Connection, key: &str) -> Result<Option<String>> {
    c.query_row("DELETE FROM setting WHERE key = ?1 RETURNING value", [key], |row| row.get(0)).optional()
}

/// Set while it is still to be said that sites need pairing again.
pub(crate) const PAIRING_NOTICE: &str = "pairing_notice";

/// Set when something was deleted that may still be in the database's log.
pub(crate) const UNTIDY: &str = "untidy";

const DO_NOT_DISTURB: &str = "do_not_disturb";
pub(crate) const DND_SCHEDULE: &str = "dnd_schedule";
pub(crate) const SCHEDULE_LIFTED_UNTIL: &str = "schedule_lifted_until";

/// A setting that cannot be read counts as off: better a notification too many.
pub(crate) fn silence(c: &Connection) -> Result<Silence> {
    let by_hand = setting(c, DO_NOT_DISTURB)?.and_then(|json| serde_json::from_str(&json).ok());
    Ok(Silence {
        by_hand: by_hand.unwrap_or_default(),
        schedule: setting(c, DND_SCHEDULE)?.and_then(|text| text.parse().ok()),
        lifted_until: setting(c, SCHEDULE_LIFTED_UNTIL)?.and_then(|text| text.parse().ok()),
    })
}

/// What of the silence is switched by hand; the schedule is a setting of its own.
pub(crate) fn set_silence(c: &Connection, silence: &Silence) -> Result<()> {
    let json = serde_json::to_string(&silence.by_hand)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    set_setting(c, DO_NOT_DISTURB, &json)?;
    match silence.lifted_until {
        Some(end) => set_setting(c, SCHEDULE_LIFTED_UNTIL, &end.to_string()),
        None => delete_setting(c, SCHEDULE_LIFTED_UNTIL),
    }
}

pub(crate) fn push_services(c: &Connection) -> Result<Vec<PushServiceRow>> {
    let sql = "SELECT url, uaid,
            EXISTS (SELECT 1 FROM channel WHERE push_service_id = p.id AND state <> 'pending' AND confirmed = 0)
                AS established,
            EXISTS (SELECT 1 FROM channel WHERE push_service_id = p.id AND confirmed = 0) AS in_use
        FROM push_service AS p ORDER BY id";
    c.prepare_cached(sql)?
        .query_map([], |row| {
            Ok(PushServiceRow {
                url: parsed(row, "url")?,
                uaid: optional(row, "uaid")?,
                established: row.get("established")?,
                in_use: row.get("in_use")?,
            })
        })?
        .collect()
}

/// Returns whether it is a new one.
pub(crate) fn add_push_service(c: &Connection, url: &PushServiceUrl) -> Result<bool> {
    let sql = "INSERT INTO push_service (url) VALUES (?1) ON CONFLICT (url) DO NOTHING";
    Ok(c.execute(sql, [url.to_string()])? == 1)
}

/// Forgets a push service and what it was still to be told. Only for one that no site is at.
pub(crate) fn remove_push_service(c: &Connection, url: &PushServiceUrl) -> Result<bool> {
    let of_service = "push_service_id = (SELECT id FROM push_service WHERE url = ?1)";
    c.execute(
        &format!("DELETE FROM channel WHERE state = 'removed' AND site_id IS NULL AND {of_service}"),
        [url.to_string()],
    )?;
    Ok(c.execute("DELETE FROM push_service WHERE url = ?1", [url.to_string()])? == 1)
}

/// The names of the sites that have, or had, their subscription at a push service.
pub(crate) fn names_at(c: &Connection, url: &PushServiceUrl) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT s.name FROM site AS s JOIN channel AS ch ON ch.site_id = s.id
        JOIN push_service AS p ON p.id = ch.push_service_id WHERE p.url = ?1 ORDER BY s.name COLLATE NOCASE";
    c.prepare_cached(sql)?.query_map([url.to_string()], |row| row.get(0))?.collect()
}

/// Stores who we are at a push service, and says whether it still knew us. By what is stored, not by what was said in the
/// hello: a replacement that could not be stored must not be taken for a first contact the next time.
pub(crate) fn identify(c: &Connection, url: &PushServiceUrl, uaid: &UserAgentId) -> Result<UaidState> {
    let known = push_services(c)?.into_iter().find(|row| row.url == *url);
    let state = match known {
        Some(PushServiceRow { uaid: Some(stored), .. }) if stored == *uaid => return Ok(UaidState::Kept),
        Some(PushServiceRow { uaid: Some(_), established: true, .. }) => UaidState::Replaced,
        Some(_) | None => UaidState::New,
    };
    c.execute("UPDATE push_service SET uaid = ?2 WHERE url = ?1", params![url.to_string(), uaid.as_str()])?;
    Ok(state)
}

/// From now on we are, at a push service, who somebody else was before: its subscriptions have come here.
pub(crate) fn adopt(c: &Connection, url: &PushServiceUrl, uaid: &UserAgentId) -> Result<()> {
    c.execute("UPDATE push_service SET uaid = ?2 WHERE url = ?1", params![url.to_string(), uaid.as_str()])
        .map(drop)
}

pub(crate) fn insert_site(
    c: &Connection,
    id: &str,
    name: &str,
    url: Option<&Url>,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO site (id, name, url, added_at) VALUES (?1, ?2, ?3, ?4)";
    c.execute(sql, params![id, name, url.map_or("", Url::as_str), now.as_millisecond()]).map(drop)
}

/// Stores everything of a site that its user may change.
pub(crate) fn update_site(c: &Connection, row: &SiteRow) -> Result<()> {
    let SiteSettings { state, snoozed_until, sound, links, images, burst, dnd_bypass } = row.settings;
    let FieldMapping { title, body, link, image, tag } = &row.mapping;
    let pointer =
        |pointer: &Option<JsonPointer>| pointer.as_ref().map(JsonPointer::to_string).unwrap_or_default();
    let sql = "UPDATE site SET name = :name, url = :url, state = :state, needs_pairing = :needs_pairing,
            snoozed_until = :snoozed_until, sound = :sound, links = :links, images = :images, burst = :burst,
            dnd_bypass = :dnd_bypass, map_title = :map_title, map_body = :map_body, map_link = :map_link,
            map_image = :map_image, map_tag = :map_tag
        WHERE id = :id";
    let values = named_params! {
        ":id": row.id,
        ":name": row.name,
        ":url": row.url.as_ref().map_or("", Url::as_str),
        ":state": state.as_str(),
        ":needs_pairing": row.needs_pairing,
        ":snoozed_until": snoozed_until.map_or(0, Timestamp::as_millisecond),
        ":sound": sound,
        ":links": links.as_str(),
        ":images": images.as_str(),
        ":burst": burst.to_string(),
        ":dnd_bypass": dnd_bypass,
        ":map_title": pointer(title),
        ":map_body": pointer(body),
        ":map_link": pointer(link),
        ":map_image": pointer(image),
        ":map_tag": pointer(tag),
    };
    c.execute(sql, values).map(drop)
}

pub(crate) fn set_needs_pairing(c: &Connection, id: &str, needs_pairing: bool) -> Result<()> {
    c.execute(
        "UPDATE site SET needs_pairing = ?2 WHERE id = ?1 AND needs_pairing <> ?2",
        params![id, needs_pairing],
    )
    .map(drop)
}

/// What the site says is new there from now on.
pub(crate) fn set_badge(c: &Connection, id: &str, badge: Option<Badge>) -> Result<()> {
    c.execute("UPDATE site SET badge = ?2 WHERE id = ?1", params![id, Badge::stored(badge)]).map(drop)
}

/// Deletes the site with its history. Its channels stay, as ones to be unregistered.
pub(crate) fn delete_site(c: &Connection, id: &str) -> Result<()> {
    c.execute("DELETE FROM channel WHERE site_id = ?1 AND confirmed = 1", [id])?;
    c.execute("UPDATE channel SET state = 'removed', endpoint = '' WHERE site_id = ?1", [id])?;
    c.execute("DELETE FROM site WHERE id = ?1", [id])?;
    set_setting(c, UNTIDY, "1")
}

/// Blocks a site and gives its subscription up for good; the site stays.
pub(crate) fn disconnect_site(c: &Connection, id: &str) -> Result<()> {
    channels::give_up_others(c, id)?;
    c.execute(
        "UPDATE channel SET state = 'removed', endpoint = '', unregister_code = 202
         WHERE site_id = ?1",
        [id],
    )?;
    c.execute("UPDATE site SET state = 'blocked', needs_pairing = 0 WHERE id = ?1", [id]).map(drop)
}

const SELECT_SITE: &str = "SELECT s.id, s.name, s.url, s.state, s.needs_pairing, s.added_at, s.snoozed_until,
        s.sound, s.links, s.images, s.burst, s.dnd_bypass, s.badge,
        s.map_title, s.map_body, s.map_link, s.map_image, s.map_tag,
        (SELECT count(*) FROM entry AS e WHERE e.site_id = s.id AND e.read = 0 AND e.deleted_at = 0) AS unread,
        p.url AS push_service, ch.state <> 'removed' AS connected, ch.id AS channel_id,
        ch.application_server_key, ch.endpoint,
        coalesce(next_p.url, '') AS next_push_service, coalesce(next.application_server_key, '') AS next_key
    FROM site AS s JOIN channel AS ch ON ch.site_id = s.id JOIN push_service AS p ON p.id = ch.push_service_id
        LEFT JOIN channel AS next ON next.rowid > ch.rowid AND next.state = 'pending'
            AND next.rowid = (SELECT max(rowid) FROM channel WHERE site_id = s.id)
        LEFT JOIN push_service AS next_p ON next_p.id = next.push_service_id";

/// A site's subscription, as [`channels::SUBSCRIPTION`] says.
const SUBSCRIPTION: &str =
    "ch.rowid = (SELECT rowid FROM channel WHERE site_id = s.id ORDER BY state = 'removed', rowid LIMIT 1)";

pub(crate) fn sites(c: &Connection) -> Result<Vec<SiteRow>> {
    let sql = format!("{SELECT_SITE} WHERE {SUBSCRIPTION} ORDER BY s.name COLLATE NOCASE");
    c.prepare_cached(&sql)?.query_map([], site_row)?.collect()
}

/// The site with this id or, failing that, this name.
pub(crate) fn find_site(c: &Connection, name_or_id: &str) -> Result<Option<SiteRow>> {
    let sql = format!(
        "{SELECT_SITE} WHERE {SUBSCRIPTION} AND (s.id = :site OR s.name = :site COLLATE NOCASE)
         ORDER BY s.id = :site DESC LIMIT 1"
    );
    c.prepare_cached(&sql)?.query_row(named_params! {":site": name_or_id}, site_row).optional()
}

/// The site that a channel belongs to, with that channel.
pub(crate) fn site_of_channel(c: &Connection, channel: ChannelId) -> Result<Option<SiteRow>> {
    let sql = format!("{SELECT_SITE} WHERE ch.id = ?1 AND ch.state <> 'removed'");
    c.prepare_cached(&sql)?.query_row([channel.to_string()], site_row).optional()
}

fn site_row(row: &Row<'_>) -> Result<SiteRow> {
    Ok(SiteRow {
        id: row.get("id")?,
        name: row.get("name")?,
        url: optional(row, "url")?,
        settings: site_settings(row)?,
        mapping: FieldMapping {
            title: optional(row, "map_title")?,
            body: optional(row, "map_body")?,
            link: optional(row, "map_link")?,
            image: optional(row, "map_image")?,
            tag: optional(row, "map_tag")?,
        },
        needs_pairing: row.get("needs_pairing")?,
        added_at: timestamp(row, "added_at")?,
        unread: row.get("unread").map(i64::unsigned_abs)?,
        badge: row.get("badge").map(Badge::read)?,
        push_service: parsed(row, "push_service")?,
        connected: row.get("connected")?,
        channel_id: parsed(row, "channel_id")?,
        application_server_key: optional(row, "application_server_key")?,
        endpoint: optional(row, "endpoint")?,
        moving_to: destination(row)?,
    })
}

fn destination(row: &Row<'_>) -> Result<Option<Destination>> {
    let Some(push_service) = optional(row, "next_push_service")? else { return Ok(None) };
    Ok(Some(Destination { push_service, vapid_key: optional(row, "next_key")? }))
}

/// Of a row that has the columns of `site`.
pub(super) fn site_settings(row: &Row<'_>) -> Result<SiteSettings> {
    Ok(SiteSettings {
        state: parsed(row, "state")?,
        snoozed_until: Some(timestamp(row, "snoozed_until")?).filter(|end| *end > Timestamp::UNIX_EPOCH),
        sound: row.get("sound")?,
        links: parsed(row, "links")?,
        images: parsed(row, "images")?,
        burst: parsed(row, "burst")?,
        dnd_bypass: row.get("dnd_bypass")?,
    })
}

/// A text column through the type's own parser: what is stored is valid or an error, never assumed.
pub(super) fn parsed<T>(row: &Row<'_>, column: &str) -> Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error| conversion(row, column, error))
}

/// Likewise, with the empty text as none.
pub(super) fn optional<T>(row: &Row<'_>, column: &str) -> Result<Option<T>>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| conversion(row, column, error))
}

pub(super) fn timestamp(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|error| conversion(row, column, error))
}

pub(super) fn conversion(
    row: &Row<'_>,
    column: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::key;
    use crate::store::{Store, channels};

    #[tokio::test]
    async fn what_is_stored_decides_whether_a_service_still_knew_us() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let states = store.write(|tx| {
            let service: PushServiceUrl = "wss://push.example/".parse().unwrap();
            let uaid = |text: &str| text.parse::<UserAgentId>().unwrap();
            let channel = ChannelId::from_random_bytes([1; 16]);
            add_push_service(tx, &service)?;
            let mut states = vec![identify(tx, &service, &uaid("a1"))?, identify(tx, &service, &uaid("a2"))?];
            insert_site(tx, "s", "Backups", None, Timestamp::UNIX_EPOCH)?;
            channels::insert(tx, channel, "s", &service, None)?;
            channels::set_endpoint(tx, channel, &"https://push.example/1".parse().unwrap())?;
            // Whatever the session makes of it: a1 was replaced by b1, which could not be stored, and then by c1.
            for id in ["a2", "c1", "c1"] {
                states.push(identify(tx, &service, &uaid(id))?);
            }
            assert_eq!(channels::invalidate(tx, &service)?, ["Backups"]);
            Ok(states)
        });
        use UaidState::{Kept, New, Replaced};
        assert_eq!(states.await.unwrap(), [New, New, Kept, Replaced, Kept]);
    }
}
