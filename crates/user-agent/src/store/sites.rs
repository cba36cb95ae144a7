//! Settings, push services and sites.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use url::Url;
use webpush::{ApplicationServerKey, ChannelId, PushEndpoint, UserAgentId};

use crate::api::{DoNotDisturb, SiteState};
use crate::config::PushServiceUrl;

type Result<T> = rusqlite::Result<T>;

/// A site with its subscription.
#[derive(Debug, Clone)]
pub(crate) struct SiteRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) url: Option<Url>,
    pub(crate) state: SiteState,
    pub(crate) needs_pairing: bool,
    pub(crate) added_at: Timestamp,
    pub(crate) unread: u64,
    pub(crate) push_service: PushServiceUrl,
    pub(crate) channel_id: ChannelId,
    pub(crate) application_server_key: Option<ApplicationServerKey>,
    pub(crate) endpoint: Option<PushEndpoint>,
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

const DO_NOT_DISTURB: &str = "do_not_disturb";

/// A setting that cannot be read counts as off: better a notification too many.
pub(crate) fn do_not_disturb(c: &Connection) -> Result<DoNotDisturb> {
    let json = setting(c, DO_NOT_DISTURB)?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default())
}

pub(crate) fn set_do_not_disturb(c: &Connection, value: DoNotDisturb) -> Result<()> {
    let json = serde_json::to_string(&value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    set_setting(c, DO_NOT_DISTURB, &json)
}

pub(crate) fn push_services(c: &Connection) -> Result<Vec<PushServiceRow>> {
    let sql = "SELECT url, uaid,
            EXISTS (SELECT 1 FROM channel WHERE push_service_id = p.id AND state IN ('registered', 'removed'))
                AS established,
            EXISTS (SELECT 1 FROM channel WHERE push_service_id = p.id) AS in_use
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

pub(crate) fn add_push_service(c: &Connection, url: &PushServiceUrl) -> Result<()> {
    let sql = "INSERT INTO push_service (url) VALUES (?1) ON CONFLICT (url) DO NOTHING";
    c.execute(sql, [url.to_string()]).map(drop)
}

pub(crate) fn set_uaid(c: &Connection, service: &PushServiceUrl, uaid: &UserAgentId) -> Result<()> {
    c.execute("UPDATE push_service SET uaid = ?2 WHERE url = ?1", params![service.to_string(), uaid.as_str()])
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

pub(crate) fn update_site(
    c: &Connection,
    id: &str,
    name: &str,
    url: Option<&Url>,
    state: SiteState,
) -> Result<()> {
    let sql = "UPDATE site SET name = ?2, url = ?3, state = ?4 WHERE id = ?1";
    c.execute(sql, params![id, name, url.map_or("", Url::as_str), state.as_str()]).map(drop)
}

pub(crate) fn set_needs_pairing(c: &Connection, id: &str, needs_pairing: bool) -> Result<()> {
    c.execute(
        "UPDATE site SET needs_pairing = ?2 WHERE id = ?1 AND needs_pairing <> ?2",
        params![id, needs_pairing],
    )
    .map(drop)
}

/// Deletes the site with its history. Its channel stays, as one to be unregistered.
pub(crate) fn delete_site(c: &Connection, id: &str) -> Result<()> {
    c.execute("UPDATE channel SET state = 'removed', endpoint = '' WHERE site_id = ?1", [id])?;
    c.execute("DELETE FROM site WHERE id = ?1", [id]).map(drop)
}

const SELECT_SITE: &str = "SELECT s.id, s.name, s.url, s.state, s.needs_pairing, s.added_at,
        (SELECT count(*) FROM entry AS e WHERE e.site_id = s.id AND e.read = 0) AS unread,
        p.url AS push_service, ch.id AS channel_id, ch.application_server_key, ch.endpoint
    FROM site AS s JOIN channel AS ch ON ch.site_id = s.id JOIN push_service AS p ON p.id = ch.push_service_id";

pub(crate) fn sites(c: &Connection) -> Result<Vec<SiteRow>> {
    let sql = format!("{SELECT_SITE} ORDER BY s.name COLLATE NOCASE");
    c.prepare_cached(&sql)?.query_map([], site_row)?.collect()
}

/// The site with this id or, failing that, this name.
pub(crate) fn find_site(c: &Connection, name_or_id: &str) -> Result<Option<SiteRow>> {
    let sql = format!(
        "{SELECT_SITE} WHERE s.id = :site OR s.name = :site COLLATE NOCASE ORDER BY s.id = :site DESC LIMIT 1"
    );
    c.prepare_cached(&sql)?.query_row(named_params! {":site": name_or_id}, site_row).optional()
}

/// The site that a channel belongs to.
pub(crate) fn site_of_channel(c: &Connection, channel: ChannelId) -> Result<Option<SiteRow>> {
    let sql = format!("{SELECT_SITE} WHERE ch.id = ?1");
    c.prepare_cached(&sql)?.query_row([channel.to_string()], site_row).optional()
}

fn site_row(row: &Row<'_>) -> Result<SiteRow> {
    Ok(SiteRow {
        id: row.get("id")?,
        name: row.get("name")?,
        url: optional(row, "url")?,
        state: parsed(row, "state")?,
        needs_pairing: row.get("needs_pairing")?,
        added_at: timestamp(row, "added_at")?,
        unread: row.get("unread").map(i64::unsigned_abs)?,
        push_service: parsed(row, "push_service")?,
        channel_id: parsed(row, "channel_id")?,
        application_server_key: optional(row, "application_server_key")?,
        endpoint: optional(row, "endpoint")?,
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
