//! Channels and the versions already received on them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use webpush::autopush::UnregisterCode;
use webpush::{ApplicationServerKey, ChannelId, MessageVersion, PushEndpoint};

use super::sites::{optional, parsed};
use crate::config::PushServiceUrl;

type Result<T> = rusqlite::Result<T>;

/// How long a version is remembered: as long as any push service keeps a message.
const SEEN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a push service is still to be told.
#[derive(Debug, Default)]
pub(crate) struct Untold {
    /// To be registered, each with the sender it is restricted to.
    pub(crate) pending: Vec<(ChannelId, Option<ApplicationServerKey>)>,
    /// To be unregistered, each with the reason.
    pub(crate) removed: Vec<(ChannelId, UnregisterCode)>,
}

pub(crate) fn insert(
    c: &Connection,
    channel: ChannelId,
    site_id: &str,
    service: &PushServiceUrl,
    key: Option<ApplicationServerKey>,
) -> Result<()> {
    let sql = "INSERT INTO channel (id, site_id, push_service_id, application_server_key)
        SELECT ?1, ?2, id, ?4 FROM push_service WHERE url = ?3";
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    c.execute(sql, params![channel.to_string(), site_id, service.to_string(), key])?;
    // From now on the key has a row that it goes with.
    forget_forsaken_key(c, channel)
}

/// Every channel that pushes may arrive on, for loading its keys.
pub(crate) fn with_sites(c: &Connection) -> Result<Vec<ChannelId>> {
    c.prepare_cached("SELECT id FROM channel WHERE site_id IS NOT NULL AND state <> 'removed'")?
        .query_map([], |row| parsed(row, "id"))?
        .collect()
}

/// What is left to be told to a service.
pub(crate) fn untold(c: &Connection, service: &PushServiceUrl) -> Result<Untold> {
    let sql = "SELECT ch.id, ch.application_server_key, ch.state = 'removed' AS removed, ch.unregister_code
        FROM channel AS ch JOIN push_service AS p ON p.id = ch.push_service_id
        WHERE p.url = ?1 AND ch.state <> 'registered' AND ch.confirmed = 0";
    let mut untold = Untold::default();
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query([service.to_string()])?;
    while let Some(row) = rows.next()? {
        let id = parsed(row, "id")?;
        match row.get("removed")? {
            true => untold.removed.push((id, unregister_code(row.get("unregister_code")?))),
            false => untold.pending.push((id, optional(row, "application_server_key")?)),
        }
    }
    Ok(untold)
}

fn unregister_code(code: i64) -> UnregisterCode {
    match code {
        202 => UnregisterCode::PermissionRevoked,
        _ => UnregisterCode::UserRequest,
    }
}

/// The channels of a site, with their services.
pub(crate) fn of_site(c: &Connection, site_id: &str) -> Result<Vec<(PushServiceUrl, ChannelId)>> {
    let sql = "SELECT ch.id, p.url FROM channel AS ch JOIN push_service AS p ON p.id = ch.push_service_id
        WHERE ch.site_id = ?1 AND ch.confirmed = 0";
    c.prepare_cached(sql)?
        .query_map([site_id], |row| Ok((parsed(row, "url")?, parsed(row, "id")?)))?
        .collect()
}

/// Stores an endpoint. From then on the channel is its site's subscription: older ones of the site are given up, and
/// returned. `None` when the channel is not waiting for an endpoint: removed meanwhile.
pub(crate) fn set_endpoint(
    c: &Connection,
    channel: ChannelId,
    endpoint: &PushEndpoint,
) -> Result<Option<Vec<(PushServiceUrl, ChannelId)>>> {
    let sql = "UPDATE channel SET endpoint = ?2, state = 'registered' WHERE id = ?1 AND state <> 'removed'";
    if c.execute(sql, params![channel.to_string(), endpoint.as_str()])? == 0 {
        return Ok(None);
    }
    let older = "site_id = (SELECT site_id FROM channel WHERE id = ?1)
        AND rowid < (SELECT rowid FROM channel WHERE id = ?1)";
    let id = channel.to_string();
    c.execute(
        &format!("UPDATE site SET needs_pairing = 1 WHERE id IN (SELECT site_id FROM channel WHERE {older})"),
        [&id],
    )?;
    give_up(c, older, &id).map(Some)
}

/// The channel that is the subscription of the site `?1`: the oldest that is not given up. A younger one takes its place
/// by getting an endpoint. Of a disconnected site it is the one that says where the site was.
const SUBSCRIPTION: &str =
    "(SELECT rowid FROM channel WHERE site_id = ?1 ORDER BY state = 'removed', rowid LIMIT 1)";

/// Gives up the channels that were to take the place of a site's subscription, and returns them.
pub(crate) fn stay(c: &Connection, site_id: &str) -> Result<Vec<(PushServiceUrl, ChannelId)>> {
    let younger = format!("site_id = ?1 AND state <> 'removed' AND rowid <> {SUBSCRIPTION}");
    give_up(c, &younger, site_id)
}

/// Gives up the channels of a site but for its subscription, and returns them.
pub(crate) fn give_up_others(c: &Connection, site_id: &str) -> Result<Vec<(PushServiceUrl, ChannelId)>> {
    give_up(c, &format!("site_id = ?1 AND rowid <> {SUBSCRIPTION}"), site_id)
}

/// Gives up the channels that this is true of, with `?1` for the id. No site has them any more.
fn give_up(c: &Connection, which: &str, id: &str) -> Result<Vec<(PushServiceUrl, ChannelId)>> {
    c.execute(&format!("DELETE FROM channel WHERE {which} AND confirmed = 1"), [id])?;
    let sql = format!(
        "SELECT ch.id, p.url FROM channel AS ch JOIN push_service AS p ON p.id = ch.push_service_id
         WHERE ch.id IN (SELECT id FROM channel WHERE {which})"
    );
    let given_up = c
        .prepare(&sql)?
        .query_map([id], |row| Ok((parsed(row, "url")?, parsed(row, "id")?)))?
        .collect::<Result<Vec<_>>>()?;
    let sql = format!(
        "UPDATE channel SET state = 'removed', endpoint = '', site_id = NULL
         WHERE id IN (SELECT id FROM channel WHERE {which})"
    );
    c.execute(&sql, [id])?;
    Ok(given_up)
}

/// Drops a channel that the service refused, if its site has another one.
pub(crate) fn refuse(c: &Connection, channel: ChannelId) -> Result<bool> {
    let sql = "DELETE FROM channel WHERE id = ?1 AND state = 'pending' AND EXISTS (
        SELECT 1 FROM channel AS older WHERE older.site_id = channel.site_id AND older.id <> channel.id)";
    Ok(c.execute(sql, [channel.to_string()])? == 1)
}

/// The service has forgotten us: every endpoint is dead, every channel is to be registered anew, every site paired again.
pub(crate) fn invalidate(c: &Connection, service: &PushServiceUrl) -> Result<Vec<String>> {
    let of_service = "push_service_id = (SELECT id FROM push_service WHERE url = ?1)";
    let names = c
        .prepare(&format!(
            "UPDATE site SET needs_pairing = 1
             WHERE id IN (SELECT site_id FROM channel WHERE state = 'registered' AND {of_service}) RETURNING name"
        ))?
        .query_map([service.to_string()], |row| row.get(0))?
        .collect::<Result<Vec<String>>>()?;
    c.execute(
        &format!("DELETE FROM channel WHERE state = 'removed' AND site_id IS NULL AND {of_service}"),
        [service.to_string()],
    )?;
    c.execute(
        &format!("UPDATE channel SET confirmed = 1 WHERE state = 'removed' AND {of_service}"),
        [service.to_string()],
    )?;
    c.execute(
        &format!(
            "UPDATE channel SET state = 'pending', endpoint = '' WHERE state <> 'removed' AND {of_service}"
        ),
        [service.to_string()],
    )?;
    Ok(names)
}

/// Whether we remember having removed this channel.
pub(crate) fn is_removed(c: &Connection, channel: ChannelId) -> Result<bool> {
    let sql = "SELECT 1 FROM channel WHERE id = ?1 AND state = 'removed'";
    Ok(c.query_row(sql, [channel.to_string()], |_| Ok(())).optional()?.is_some())
}

/// The service has confirmed: a removed channel is forgotten, unless it says where its site was.
pub(crate) fn forget(c: &Connection, channel: ChannelId) -> Result<()> {
    let sql = "UPDATE channel SET confirmed = 1 WHERE id = ?1 AND state = 'removed' AND site_id IS NOT NULL";
    c.execute(sql, [channel.to_string()])?;
    let sql = "DELETE FROM channel WHERE id = ?1 AND state = 'removed' AND site_id IS NULL";
    c.execute(sql, [channel.to_string()]).map(drop)
}

/// Whether there is such a channel, or has been.
pub(crate) fn is_known(c: &Connection, channel: ChannelId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM channel WHERE id = ?1)";
    c.query_row(sql, [channel.to_string()], |row| row.get(0))
}

/// Remembers a version. False when it was there already.
pub(crate) fn mark_seen(
    c: &Connection,
    channel: ChannelId,
    version: &MessageVersion,
    now: Timestamp,
) -> Result<bool> {
    let sql =
        "INSERT INTO seen_version (channel_id, version, seen_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let digest = Sha256::digest(version.as_str());
    let inserted = c.prepare_cached(sql)?.execute(params![
        channel.to_string(),
        digest.as_slice(),
        now.as_millisecond()
    ])?;
    Ok(inserted == 1)
}

/// Notes that a channel's key is to be deleted. Before the key is made: whatever happens, it does not outlive its row.
pub(crate) fn forsake_key(c: &Connection, channel: ChannelId) -> Result<()> {
    let sql = "INSERT INTO forsaken_key (channel_id) VALUES (?1) ON CONFLICT DO NOTHING";
    c.execute(sql, [channel.to_string()]).map(drop)
}

/// Channels whose keys are to be deleted from the keyring.
pub(crate) fn forsaken_keys(c: &Connection) -> Result<Vec<ChannelId>> {
    c.prepare_cached("SELECT channel_id FROM forsaken_key")?
        .query_map([], |row| parsed(row, "channel_id"))?
        .collect()
}

/// The key is gone, or wanted.
pub(crate) fn forget_forsaken_key(c: &Connection, channel: ChannelId) -> Result<()> {
    c.execute("DELETE FROM forsaken_key WHERE channel_id = ?1", [channel.to_string()]).map(drop)
}

/// Forgets versions that no service can send again.
pub(crate) fn prune_seen(c: &Connection, now: Timestamp) -> Result<()> {
    let before = now.checked_sub(SEEN_FOR).unwrap_or(Timestamp::MIN);
    c.execute("DELETE FROM seen_version WHERE seen_at < ?1", [before.as_millisecond()]).map(drop)
}
