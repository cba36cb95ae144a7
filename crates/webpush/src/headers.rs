//! The request headers of RFC 8030 §5.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Seconds the push service may keep an undelivered message. Zero: deliver now or drop.
/// Services cap it (autopush: 30 days) and report the value used. RFC 8030 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ttl(u32);

impl Ttl {
    /// The longest autopush keeps a message: 30 days.
    pub const MAX: Self = Self(2_592_000);

    /// This many seconds.
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

/// Why a `TTL` header was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidTtl {
    /// Not a decimal integer (autopush errno 111).
    #[error("TTL must be a whole number of seconds")]
    NotAnInteger,
    /// Below zero (autopush errno 114).
    #[error("TTL must not be negative")]
    Negative,
}

impl FromStr for Ttl {
    type Err = InvalidTtl;

    /// Values above [`Ttl::MAX`] are capped to it, as autopush does.
    fn from_str(text: &str) -> Result<Self, InvalidTtl> {
        let seconds: i64 = text.trim().parse().map_err(|_| InvalidTtl::NotAnInteger)?;
        let seconds = u64::try_from(seconds).map_err(|_| InvalidTtl::Negative)?;
        Ok(Self(u32::try_from(seconds).unwrap_or(u32::MAX)).min(Self::MAX))
    }
}

/// A stored message with the same topic is replaced by a newer one of the same subscription. At most 32 characters
/// of the base64url alphabet. RFC 8030 §5.4.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

/// A `Topic` header with other characters, empty, or longer than 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Topic must be 1 to 32 characters of A-Z a-z 0-9 - _")]
pub struct InvalidTopic;

impl Topic {
    /// The topic's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Topic {
    type Err = InvalidTopic;

    /// Like autopush, also accepts `=` at the end.
    fn from_str(text: &str) -> Result<Self, InvalidTopic> {
        let name = text.trim_end_matches('=');
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || text.len() > 32 || !name.bytes().all(allowed) {
            return Err(InvalidTopic);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Topic {
    type Error = InvalidTopic;

    fn try_from(text: String) -> Result<Self, InvalidTopic> {
        text.parse()
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.0
    }
}

/// How urgent a message is for a device that saves power. RFC 8030 §5.3. Autopush ignores it and never forwards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// On power and Wi-Fi.
    VeryLow,
    /// On power or Wi-Fi.
    Low,
    /// On neither.
    #[default]
    Normal,
    /// Even on low battery.
    High,
}

/// An `Urgency` header that is none of the four levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Urgency must be very-low, low, normal or high")]
pub struct InvalidUrgency;

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        })
    }
}

impl FromStr for Urgency {
    type Err = InvalidUrgency;

    fn from_str(text: &str) -> Result<Self, InvalidUrgency> {
        match text.trim() {
            "very-low" => Ok(Self::VeryLow),
            "low" => Ok(Self::Low),
            "normal" => Ok(Self::Normal),
            "high" => Ok(Self::High),
            _ => Err(InvalidUrgency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttl_follows_autopush() {
        assert_eq!("60".parse(), Ok(Ttl::from_seconds(60)));
        assert_eq!("99999999999".parse(), Ok(Ttl::MAX));
        for bad in ["abc", "1.5", "", "99999999999999999999"] {
            assert_eq!(bad.parse::<Ttl>(), Err(InvalidTtl::NotAnInteger), "{bad:?}");
        }
        assert_eq!("-1".parse::<Ttl>(), Err(InvalidTtl::Negative));
    }

    #[test]
    fn topic_follows_autopush() {
        for good in ["a", "backup-42_x", "abc=", &"a".repeat(32)] {
            assert!(good.parse::<Topic>().is_ok(), "{good:?}");
        }
        for bad in ["", " ", "a.b", "a=b", "=", "ä", &"a".repeat(33)] {
            assert!(bad.parse::<Topic>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn urgency_is_one_of_four_and_ordered() {
        for level in [Urgency::VeryLow, Urgency::Low, Urgency::Normal, Urgency::High] {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert!("urgent".parse::<Urgency>().is_err());
        assert!(Urgency::High > Urgency::Normal);
    }
}
