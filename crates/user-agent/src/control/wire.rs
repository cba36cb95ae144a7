//! The messages and how they are framed.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::api::{CommandError, Event, Request, Response};

/// Raised when an older program could misunderstand a message.
pub(super) const PROTOCOL: u32 = 1;

/// The longest line a server reads, in bytes: a file of sites, quoted.
pub(super) const TO_SERVER: usize = 2 * crate::transfer::MOST_BYTES;

/// The longest line a client reads, in bytes: such a file, too.
pub(super) const TO_CLIENT: usize = TO_SERVER;

/// The first line a server writes. Members may be added, never changed, so that any version can tell what it met.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Greeting {
    pub(super) protocol: u32,
    /// The program's version, for people.
    pub(super) belfry: String,
}

impl Greeting {
    pub(super) fn ours() -> Self {
        Self { protocol: PROTOCOL, belfry: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToServer {
    /// Events from now on, please.
    Subscribe,
    Request {
        id: u64,
        body: Box<Request>,
    },
}

/// A body is `None` when it comes from a later version and is not known to this one: it concerns nothing else.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToClient {
    Answer {
        id: u64,
        #[serde(deserialize_with = "known")]
        body: Option<Box<Response>>,
    },
    Refusal {
        id: u64,
        #[serde(deserialize_with = "known")]
        body: Option<CommandError>,
    },
    Event {
        #[serde(deserialize_with = "known")]
        body: Option<Event>,
    },
}

fn known<'de, T: DeserializeOwned, D: Deserializer<'de>>(body: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(body)?).ok())
}

/// The message as a line.
pub(super) fn line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

pub(super) async fn write(writer: &mut (impl AsyncWrite + Unpin), line: &[u8]) -> io::Result<()> {
    writer.write_all(line).await?;
    writer.flush().await
}

/// The next message. `None`: the other side has closed. A line that is too long or no such message is an error, after
/// which nothing on this connection can be trusted. Not to be polled again after it was dropped half-way.
pub(super) async fn read<T: DeserializeOwned>(
    reader: &mut (impl AsyncBufRead + Unpin),
    limit: usize,
) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    reader.take(most).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long or cut off"));
    }
    // The text of serde's error may quote what a push said.
    serde_json::from_slice(&line)
        .map(Some)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a line is not a message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{EntryFilter, ErrorCode, NewSite, SiteChange, SiteState};

    #[tokio::test]
    async fn every_kind_of_message_survives_the_wire() {
        let site = NewSite { name: "Zürich\n".into(), url: None, vapid_key: None, push_service: None };
        let changes = vec![SiteChange::State(SiteState::Quiet), SiteChange::Url(None)];
        let ids = vec!["7".parse().unwrap()];
        for body in [
            Request::Status,
            Request::AddSite(site),
            Request::SetSite { site: "a".into(), changes },
            Request::ListEntries(EntryFilter { unread: true, ..EntryFilter::default() }),
            Request::MarkRead { ids },
        ] {
            let message = ToServer::Request { id: u64::MAX, body: Box::new(body) };
            let line = line(&message).unwrap();
            assert_eq!(read(&mut &*line, TO_SERVER).await.unwrap(), Some(message));
        }
        let subscribe = line(&ToServer::Subscribe).unwrap();
        assert_eq!(read(&mut &*subscribe, TO_SERVER).await.unwrap(), Some(ToServer::Subscribe));

        let removed = Response::Removed { unregistered: true };
        for message in [
            ToClient::Answer { id: 1, body: Some(Box::new(Response::Done)) },
            ToClient::Answer { id: 2, body: Some(Box::new(removed)) },
            ToClient::Answer { id: 3, body: Some(Box::new(Response::Sites(Vec::new()))) },
            ToClient::Refusal { id: 4, body: Some(CommandError::new(ErrorCode::NotFound, "no")) },
            ToClient::Event { body: Some(Event::Changed) },
        ] {
            let line = line(&message).unwrap();
            assert_eq!(read(&mut &*line, TO_CLIENT).await.unwrap(), Some(message));
        }
    }

    #[tokio::test]
    async fn lines_that_are_too_long_cut_off_or_meaningless_are_refused() {
        let long = vec![b' '; 101];
        for bad in [&*long, b"{\"type\":\"subscribe\"}", b"{}\n", b"\n", b"\xff\n", b"[[[[\n"] {
            let read = read::<ToServer>(&mut &*bad, 100).await;
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData, "{bad:?}");
        }
        assert!(read::<ToServer>(&mut &b""[..], 100).await.unwrap().is_none());
    }
}
