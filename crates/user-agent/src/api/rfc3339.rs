//! RFC 3339 in UTC with milliseconds.

use jiff::Timestamp;
use serde::{Deserialize as _, Deserializer, Serializer};

/// The text of a time.
pub fn format(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// For `#[serde(with)]`.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*time))
}

/// For `#[serde(with)]`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
