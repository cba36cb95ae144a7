//! The SQL. Every function runs inside a transaction of its caller.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use webpush::{ChannelId, ContentEncoding, EncryptedMessage, MessageVersion, PushMessage};

use super::{Channel, Endpoint, Swept};
use crate::id::{Hash, Uaid};
use crate::mailbox::{Batch, MAX_WAITING, Position, Posted};

/// How long the tombstone of a revoked endpoint is kept, in seconds: 90 days. Senders that were away for longer get
/// 404 instead of 410, which means the same to them.
const TOMBSTONE: u64 = 90 * 86_400;

/// How long a user agent is remembered that does not connect, in seconds: 60 days. autopush-websocket.md §7.1.
const REMEMBERED: u64 = 60 * 86_400;

/// Those with a topic first, then the oldest.
pub(super) const BATCH: &str = "
    SELECT channel.channel_id, message.version, encoding, encryption, crypto_key, data
    FROM message JOIN channel ON channel.id = message.channel
    WHERE message.user_agent = ?1 AND message.expires_at > ?2
    ORDER BY message.topic IS NULL, message.id LIMIT ?3";

/// The older of the oldest with and the oldest without a topic: two steps down an index.
pub(super) const DROP_OLDEST: &str = "
    DELETE FROM message WHERE id = (SELECT min(oldest) FROM (
        SELECT min(id) AS oldest FROM message WHERE user_agent = ?1 AND (topic IS NULL) = 0
        UNION ALL SELECT min(id) FROM message WHERE user_agent = ?1 AND (topic IS NULL) = 1))";

/// A message that was stored.
pub(super) struct Put {
    pub(super) position: Position,
    /// How many older ones had to go for it.
    pub(super) dropped: usize,
}

pub(super) fn seen_at(db: &Connection, uaid: Uaid) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached("SELECT seen_at FROM user_agent WHERE uaid = ?1")?
        .query_row([uaid], |row| row.get(0).map(from_seconds))
        .optional()
}

/// `false`: there is no such user agent any more.
pub(super) fn mark_seen(db: &Connection, uaid: Uaid, now: u64) -> rusqlite::Result<bool> {
    db.prepare_cached("UPDATE user_agent SET seen_at = ?2 WHERE uaid = ?1")?
        .execute(params![uaid, seconds(now)])
        .map(|marked| marked == 1)
}

pub(super) fn register(
    db: &Connection,
    uaid: Uaid,
    channel: ChannelId,
    token: Hash,
    key: Option<Hash>,
    now: u64,
) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO user_agent (uaid, seen_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![uaid, seconds(now)])?;
    db.prepare_cached("INSERT INTO channel (user_agent, channel_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![uaid, channel.to_string()])?;
    db.prepare_cached(
        "INSERT INTO endpoint (token_hash, channel, key_hash)
         SELECT ?3, id, ?4 FROM channel WHERE user_agent = ?1 AND channel_id = ?2",
    )?
    .execute(params![uaid, channel.to_string(), token, key])
    .map(drop)
}

pub(super) fn unregister(db: &Connection, uaid: Uaid, channel: ChannelId, now: u64) -> rusqlite::Result<()> {
    let row: Option<i64> = db
        .prepare_cached("SELECT id FROM channel WHERE user_agent = ?1 AND channel_id = ?2")?
        .query_row(params![uaid, channel.to_string()], |row| row.get(0))
        .optional()?;
    if let Some(row) = row {
        db.prepare_cached("UPDATE endpoint SET channel = NULL, revoked_at = ?2 WHERE channel = ?1")?
            .execute(params![row, seconds(now)])?;
        db.prepare_cached("DELETE FROM channel WHERE id = ?1")?.execute([row])?;
    }
    Ok(())
}

pub(super) fn endpoint(db: &Connection, token: Hash) -> rusqlite::Result<Option<Endpoint>> {
    db.prepare_cached(
        "SELECT endpoint.key_hash, channel.id, channel.channel_id, channel.user_agent
         FROM endpoint LEFT JOIN channel ON channel.id = endpoint.channel
         WHERE endpoint.token_hash = ?1",
    )?
    .query_row([token], |row| {
        let channel = match row.get(1)? {
            Some(id) => Some(Channel { row: id, id: parsed(row, 2)?, user_agent: row.get(3)? }),
            None => None,
        };
        Ok(Endpoint { restricted_to: row.get(0)?, channel })
    })
    .optional()
}

/// `None`: the channel is gone.
pub(super) fn put(
    db: &Connection,
    channel: &Channel,
    posted: &Posted,
    now: u64,
) -> rusqlite::Result<Option<Put>> {
    let topic = posted.topic.as_ref().map(webpush::Topic::as_str);
    if topic.is_some() {
        db.prepare_cached("DELETE FROM message WHERE channel = ?1 AND topic = ?2")?
            .execute(params![channel.row, topic])?;
    }
    let content = Content::of(posted.push.content.as_ref());
    let inserted = db
        .prepare_cached(
            "INSERT INTO message
                (user_agent, channel, version, topic, urgency, expires_at, encoding, encryption, crypto_key, data)
             SELECT user_agent, id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM channel WHERE id = ?1",
        )?
        .execute(params![
            channel.row,
            posted.push.version.as_str(),
            topic,
            posted.urgency.to_string(),
            seconds(posted.expires_at),
            content.encoding,
            content.encryption,
            content.crypto_key,
            content.data,
        ])?;
    if inserted == 0 {
        return Ok(None);
    }
    let position = Position(db.last_insert_rowid());
    Ok(Some(Put { position, dropped: drop_overflow(db, channel.user_agent, now)? }))
}

/// Keeps the newest [`MAX_WAITING`] messages of a user agent; returns how many others there were.
fn drop_overflow(db: &Connection, uaid: Uaid, now: u64) -> rusqlite::Result<usize> {
    if excess(db, uaid)? == 0 {
        return Ok(0);
    }
    // What nobody will get must not push out what somebody would.
    remove_expired(db, now)?;
    let excess = excess(db, uaid)?;
    for _ in 0..excess {
        db.prepare_cached(DROP_OLDEST)?.execute([uaid])?;
    }
    Ok(excess)
}

fn excess(db: &Connection, uaid: Uaid) -> rusqlite::Result<usize> {
    let waiting: i64 = db
        .prepare_cached("SELECT waiting FROM user_agent WHERE uaid = ?1")?
        .query_row([uaid], |row| row.get(0))?;
    Ok(usize::try_from(waiting).unwrap_or_default().saturating_sub(MAX_WAITING))
}

fn remove_expired(db: &Connection, now: u64) -> rusqlite::Result<usize> {
    db.prepare_cached("DELETE FROM message WHERE expires_at <= ?1")?.execute([seconds(now)])
}

/// Both statements see the same state of the database.
pub(super) fn batch(db: &Connection, uaid: Uaid, now: u64, limit: usize) -> rusqlite::Result<Batch> {
    let snapshot = db.unchecked_transaction()?;
    let read_to: Option<i64> = snapshot
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'message'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    let messages = snapshot
        .prepare_cached(BATCH)?
        .query_map(params![uaid, seconds(now), i64::try_from(limit).unwrap_or(i64::MAX)], push_message)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Batch { messages, read_to: Position(read_to.unwrap_or_default()) })
}

pub(super) fn acknowledge(db: &Connection, uaid: Uaid, versions: &[MessageVersion]) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM message WHERE version = ?1 AND user_agent = ?2")?;
    for version in versions {
        delete.execute(params![version.as_str(), uaid])?;
    }
    Ok(())
}

pub(super) fn cancel(db: &Connection, version: &MessageVersion) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM message WHERE version = ?1")?.execute([version.as_str()]).map(drop)
}

pub(super) fn sweep(db: &Connection, now: u64, connected: &[Uaid]) -> rusqlite::Result<Swept> {
    // Some stay connected for longer than others are remembered.
    for uaid in connected {
        mark_seen(db, *uaid, now)?;
    }
    let forgotten = seconds(now.saturating_sub(REMEMBERED));
    db.execute(
        "UPDATE endpoint SET channel = NULL, revoked_at = ?2 WHERE channel IN (
            SELECT channel.id FROM user_agent JOIN channel ON channel.user_agent = user_agent.uaid
            WHERE seen_at <= ?1)",
        [forgotten, seconds(now)],
    )?;
    let user_agents = db.execute("DELETE FROM user_agent WHERE seen_at <= ?1", [forgotten])?;
    db.execute(
        "DELETE FROM endpoint WHERE revoked_at > 0 AND revoked_at <= ?1",
        [seconds(now.saturating_sub(TOMBSTONE))],
    )?;
    Ok(Swept { messages: remove_expired(db, now)?, user_agents })
}

/// The columns of a body and of the headers needed to read it. An empty encoding: there is no body.
#[derive(Default)]
struct Content<'a> {
    encoding: &'a str,
    encryption: &'a str,
    crypto_key: &'a str,
    data: Option<&'a [u8]>,
}

impl<'a> Content<'a> {
    fn of(content: Option<&'a EncryptedMessage>) -> Self {
        let Some(content) = content else { return Self::default() };
        let data = content.data.as_deref();
        match &content.encoding {
            ContentEncoding::Aes128Gcm => Self { encoding: "aes128gcm", data, ..Self::default() },
            ContentEncoding::AesGcm { encryption, crypto_key } => {
                Self { encoding: "aesgcm", encryption, crypto_key, data }
            }
            ContentEncoding::Unknown(encoding) => {
                Self { encoding: encoding.as_deref().unwrap_or_default(), data, ..Self::default() }
            }
        }
    }
}

fn push_message(row: &Row<'_>) -> rusqlite::Result<PushMessage> {
    let version = MessageVersion::try_from(row.get::<_, String>(1)?).map_err(|error| malformed(1, error))?;
    let encoding: String = row.get(2)?;
    let encoding = match encoding.as_str() {
        "" => None,
        "aes128gcm" => Some(ContentEncoding::Aes128Gcm),
        "aesgcm" => Some(ContentEncoding::AesGcm { encryption: row.get(3)?, crypto_key: row.get(4)? }),
        _ => Some(ContentEncoding::Unknown(Some(encoding))),
    };
    let data = row.get(5)?;
    let content = encoding.map(|encoding| EncryptedMessage { encoding, data });
    Ok(PushMessage { channel_id: parsed(row, 0)?, version, content })
}

fn parsed(row: &Row<'_>, column: usize) -> rusqlite::Result<ChannelId> {
    row.get::<_, String>(column)?.parse().map_err(|error| malformed(column, error))
}

fn malformed(column: usize, error: webpush::id::InvalidId) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

fn from_seconds(time: i64) -> u64 {
    u64::try_from(time).unwrap_or_default()
}

impl ToSql for Uaid {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
    }
}

impl FromSql for Uaid {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Self::from_bytes(bytes))
    }
}
