//! Identifiers of the autopush protocol. They can only be built valid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An identifier that breaks the rules of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a valid {0}")]
pub struct InvalidId(&'static str);

/// A channel: one push subscription as user agent and push service name it. A UUID, written in lower case with
/// hyphens, the only form autopush accepts in `register`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChannelId(uuid::Uuid);

impl ChannelId {
    /// A version 4 id from 16 random bytes.
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for ChannelId {
    type Err = InvalidId;

    /// Accepts every textual form of a UUID.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        uuid::Uuid::parse_str(text).map(Self).map_err(|_| InvalidId("channel id"))
    }
}

/// The user agent's identity at one push service (`uaid`): assigned in the hello reply, kept and returned
/// opaquely. At most 128 characters, as Firefox requires.
///
/// Equality ignores hyphens and case: autopush may answer in another form than it was sent.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserAgentId(String);

impl UserAgentId {
    /// A version 4 UUID from 16 random bytes, in the 32 hex digits autopush writes.
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().as_simple().to_string())
    }

    /// The text as the push service gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn normalised(&self) -> impl Iterator<Item = char> + '_ {
        self.0.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase())
    }
}

impl PartialEq for UserAgentId {
    fn eq(&self, other: &Self) -> bool {
        self.normalised().eq(other.normalised())
    }
}

impl Eq for UserAgentId {}

/// Shows its first characters only: whoever knows a uaid can take the user agent's place.
impl fmt::Debug for UserAgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.0.chars().take(6).collect();
        write!(f, "UserAgentId({start}…)")
    }
}

impl FromStr for UserAgentId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for UserAgentId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        match text.len() {
            1..=128 => Ok(Self(text)),
            _ => Err(InvalidId("user agent id")),
        }
    }
}

impl From<UserAgentId> for String {
    fn from(id: UserAgentId) -> Self {
        id.0
    }
}

/// The version of one message: opaque, unique per message, returned byte for byte in `ack`. The same string ends
/// the `Location` that the sender received. At most 2048 bytes here (autopush writes about 200).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageVersion(String);

impl MessageVersion {
    /// The text as the push service gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for MessageVersion {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        match text.len() {
            1..=2048 => Ok(Self(text)),
            _ => Err(InvalidId("message version")),
        }
    }
}

impl From<MessageVersion> for String {
    fn from(version: MessageVersion) -> Self {
        version.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_id_is_written_in_lower_case_with_hyphens() {
        let id: ChannelId = "DECAFBAD0000400080000123456789AB".parse().unwrap();
        assert_eq!(id.to_string(), "decafbad-0000-4000-8000-0123456789ab");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"decafbad-0000-4000-8000-0123456789ab\"");
        assert!("decafbad".parse::<ChannelId>().is_err());
    }

    #[test]
    fn user_agent_ids_compare_without_hyphens_and_case() {
        let stored: UserAgentId = "731ece684844467aa100ef9e485e6e05".parse().unwrap();
        assert_eq!(stored, "731ECE68-4844-467A-A100-EF9E485E6E05".parse().unwrap());
        assert_ne!(stored, "731ece684844467aa100ef9e485e6e06".parse().unwrap());
        assert!("".parse::<UserAgentId>().is_err());
        assert!("x".repeat(129).parse::<UserAgentId>().is_err());
        assert!(!format!("{stored:?}").contains("467aa100"));
    }

    #[test]
    fn a_version_keeps_its_padding() {
        let version: MessageVersion = serde_json::from_str("\"gAAA=\"").unwrap();
        assert_eq!(version.as_str(), "gAAA=");
        assert!(serde_json::from_str::<MessageVersion>("\"\"").is_err());
    }
}
