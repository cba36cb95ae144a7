//! Messages that could not be read yet, kept as they came.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use webpush::{ChannelId, ContentEncoding, EncryptedMessage};

use super::sites::{parsed, timestamp};

type Result<T> = rusqlite::Result<T>;

/// The most that one channel may have waiting: at 4 KiB each, 2 MiB.
const MOST: i64 = 500;

/// Why a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The keyring lacks the channel's keys.
    Keys,
    /// A row of ours could not be read.
    Failed,
}

/// A message that waits.
#[derive(Debug)]
pub(crate) struct Withheld {
    pub(crate) id: i64,
    pub(crate) channel_id: ChannelId,
    pub(crate) received_at: Timestamp,
    pub(crate) content: Option<EncryptedMessage>,
}

/// Keeps a message. False when so many of its channel wait that this one is not kept.
pub(crate) fn keep(
    c: &Connection,
    channel: ChannelId,
    content: Option<&EncryptedMessage>,
    reason: Reason,
    now: Timestamp,
) -> Result<bool> {
    let channel = channel.to_string();
    let waiting: i64 =
        c.query_row("SELECT count(*) FROM withheld WHERE channel_id = ?1", [&channel], |row| row.get(0))?;
    if waiting >= MOST {
        return Ok(false);
    }
    let (encoding, encryption, crypto_key) = match content.map(|content| &content.encoding) {
        None | Some(ContentEncoding::Unknown(None)) => ("", "", ""),
        Some(ContentEncoding::Aes128Gcm) => ("aes128gcm", "", ""),
        Some(ContentEncoding::AesGcm { encryption, crypto_key }) => {
            ("aesgcm", encryption.as_str(), crypto_key.as_str())
        }
        Some(ContentEncoding::Unknown(Some(name))) => (name.as_str(), "", ""),
    };
    let reason = match reason {
        Reason::Keys => "keys",
        Reason::Failed => "failed",
    };
    let sql = "INSERT INTO withheld
            (channel_id, received_at, reason, has_body, content_encoding, encryption, crypto_key, data)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    c.prepare_cached(sql)?.execute(params![
        channel,
        now.as_millisecond(),
        reason,
        content.is_some(),
        encoding,
        encryption,
        crypto_key,
        content.and_then(|content| content.data.as_deref()),
    ])?;
    Ok(true)
}

/// The next ones after this id, oldest first, of channels that may be read now.
pub(crate) fn after(c: &Connection, id: i64, most: usize) -> Result<Vec<Withheld>> {
    let sql = "SELECT id, channel_id, received_at, has_body, content_encoding, encryption, crypto_key, data
        FROM withheld WHERE id > ?1 ORDER BY id LIMIT ?2";
    c.prepare_cached(sql)?.query_map(params![id, most as i64], withheld)?.collect()
}

pub(crate) fn remove(c: &Connection, id: i64) -> Result<()> {
    c.prepare_cached("DELETE FROM withheld WHERE id = ?1")?.execute([id]).map(drop)
}

/// How many wait.
pub(crate) fn count(c: &Connection) -> Result<u64> {
    c.query_row("SELECT count(*) FROM withheld", [], |row| row.get(0)).map(i64::unsigned_abs)
}

fn withheld(row: &Row<'_>) -> Result<Withheld> {
    let has_body: bool = row.get("has_body")?;
    let name: String = row.get("content_encoding")?;
    let encoding = match name.as_str() {
        "" => ContentEncoding::Unknown(None),
        "aes128gcm" => ContentEncoding::Aes128Gcm,
        "aesgcm" => {
            ContentEncoding::AesGcm { encryption: row.get("encryption")?, crypto_key: row.get("crypto_key")? }
        }
        _ => ContentEncoding::Unknown(Some(name)),
    };
    let data = row.get("data")?;
    Ok(Withheld {
        id: row.get("id")?,
        channel_id: parsed(row, "channel_id")?,
        received_at: timestamp(row, "received_at")?,
        content: has_body.then_some(EncryptedMessage { encoding, data }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, tests::key};

    #[tokio::test]
    async fn messages_come_back_as_they_were_and_only_so_many_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let channel = ChannelId::from_random_bytes([1; 16]);
        let data = Some(vec![1, 2, 3]);
        let contents = [
            None,
            Some(EncryptedMessage { encoding: ContentEncoding::Aes128Gcm, data: data.clone() }),
            Some(EncryptedMessage {
                encoding: ContentEncoding::AesGcm { encryption: "salt=a".into(), crypto_key: "dh=b".into() },
                data: data.clone(),
            }),
            Some(EncryptedMessage { encoding: ContentEncoding::Unknown(None), data: None }),
            Some(EncryptedMessage { encoding: ContentEncoding::Unknown(Some("gzip".into())), data }),
        ];
        let written = contents.clone();
        let (kept, refused, back) = store
            .write(move |tx| {
                let now = Timestamp::UNIX_EPOCH;
                for content in &written {
                    assert!(keep(tx, channel, content.as_ref(), Reason::Keys, now)?);
                }
                for _ in written.len()..MOST as usize {
                    assert!(keep(tx, channel, None, Reason::Failed, now)?);
                }
                let refused = !keep(tx, channel, None, Reason::Keys, now)?;
                Ok((count(tx)?, refused, after(tx, 0, 5)?))
            })
            .await
            .unwrap();
        assert_eq!((kept, refused), (500, true));
        assert!(back.iter().map(|message| &message.content).eq(contents.iter()));
    }
}
