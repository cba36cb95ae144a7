//! Channels and the versions already received on them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use webpush::{ApplicationServerKey, ChannelId, MessageVersion, PushEndpoint};

use super::sites::{optional, parsed};
use crate::config::PushServiceUrl;

type Result<T> = rusqlite::Result<T>;

/// How long a version is remembered: as long as any push service keeps a message.
const SEEN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the push service is still to be told about a channel. One that has its endpoint ('registered') needs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelState {
    /// To be registered.
    Pending,
    /// To be unregistered.
    Removed,
}

impl ChannelState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Removed => "removed",
        }
    }
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
    c.execute(sql, params![channel.to_string(), site_id, service.to_string(), key]).map(drop)
}

/// Every channel that has or had a site, for loading its keys.
pub(crate) fn with_sites(c: &Connection) -> Result<Vec<ChannelId>> {
    c.prepare_cached("SELECT id FROM channel WHERE site_id IS NOT NULL")?
        .query_map([], |row| parsed(row, "id"))?
        .collect()
}

/// The channels of a service in one state, with the sender each is restricted to.
pub(crate) fn of_service(
    c: &Connection,
    service: &PushServiceUrl,
    state: ChannelState,
) -> Result<Vec<(ChannelId, Option<ApplicationServerKey>)>> {
    let sql = "SELECT ch.id, ch.application_server_key FROM channel AS ch
        JOIN push_service AS p ON p.id = ch.push_service_id WHERE p.url = ?1 AND ch.state = ?2";
    c.prepare_cached(sql)?
        .query_map(params![service.to_string(), state.as_str()], |row| {
            Ok((parsed(row, "id")?, optional(row, "application_server_key")?))
        })?
        .collect()
}

/// Stores an endpoint. False when the channel is not waiting for one: removed meanwhile.
pub(crate) fn set_endpoint(c: &Connection, channel: ChannelId, endpoint: &PushEndpoint) -> Result<bool> {
    let sql = "UPDATE channel SET endpoint = ?2, state = 'registered' WHERE id = ?1 AND state <> 'removed'";
    Ok(c.execute(sql, params![channel.to_string(), endpoint.as_str()])? == 1)
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
        &format!("DELETE FROM channel WHERE state = 'removed' AND {of_service}"),
        [service.to_string()],
    )?;
    c.execute(
        &format!("UPDATE channel SET state = 'pending', endpoint = '' WHERE {of_service}"),
        [service.to_string()],
    )?;
    Ok(names)
}

/// Whether we remember having removed this channel.
pub(crate) fn is_removed(c: &Connection, channel: ChannelId) -> Result<bool> {
    let sql = "SELECT 1 FROM channel WHERE id = ?1 AND state = 'removed'";
    Ok(c.query_row(sql, [channel.to_string()], |_| Ok(())).optional()?.is_some())
}

/// Forgets a removed channel: the service has confirmed.
pub(crate) fn forget(c: &Connection, channel: ChannelId) -> Result<()> {
    c.execute("DELETE FROM channel WHERE id = ?1 AND state = 'removed'", [channel.to_string()]).map(drop)
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
