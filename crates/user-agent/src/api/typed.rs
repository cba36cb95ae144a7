//! For `#[serde(deserialize_with)]` of what somebody has typed into the window: refused in words for people, not in those of a
//! parser.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;
use webpush::ApplicationServerKey;

use super::{CommandError, site};

pub(crate) fn origin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    optional(deserializer, site::site_origin)
}

pub(crate) fn vapid_key<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ApplicationServerKey>, D::Error> {
    optional(deserializer, site::vapid_key)
}

fn optional<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    parse: fn(&str) -> Result<T, CommandError>,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse(&text)).transpose().map_err(D::Error::custom)
}
