//! What the history keeps of a push.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{CommandError, Disposition, rfc3339};

/// The number of a history entry. A string in JSON, as all ids are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(type = "string"))]
#[serde(try_from = "String", into = "String")]
pub struct EntryId(pub i64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EntryId {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        text.parse().map(Self).map_err(|_| {
            CommandError::invalid("an entry's id is a whole number such as 12: see `belfry inbox`")
        })
    }
}

impl TryFrom<String> for EntryId {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, CommandError> {
        text.parse()
    }
}

impl From<EntryId> for String {
    fn from(id: EntryId) -> Self {
        id.to_string()
    }
}

/// Which part of the history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
pub struct EntryFilter {
    /// Only this site's (name or id).
    pub site: Option<String>,
    /// Only entries with all these words in title or body.
    pub search: Option<String>,
    /// Only unread ones.
    pub unread: bool,
    /// At most this many; `None`: 50.
    pub limit: Option<u32>,
}

/// One history entry: the JSON of `belfry inbox --json`. `Debug` shows nothing that a sender wrote.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Entry {
    /// Increasing with arrival.
    pub id: EntryId,
    /// The site's name.
    pub site: String,
    /// When it arrived here.
    #[serde(with = "rfc3339")]
    #[cfg_attr(test, ts(type = "string"))]
    pub received_at: Timestamp,
    /// Plain text, one line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// What a click opens.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub navigate: Option<Url>,
    /// A large picture.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub image: Option<Url>,
    /// What a later one replaces.
    pub tag: String,
    /// Buttons.
    pub actions: Vec<EntryAction>,
    /// What a person is to run in a terminal, where the message is about that. Never a sender's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub command: Option<String>,
    /// Whether someone has seen it.
    pub read: bool,
    /// What became of it.
    pub disposition: Disposition,
    /// Why it could not be decrypted, when it could not.
    pub failure: Option<String>,
}

/// An entry's picture, small enough to be shown as it is. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EntryPicture {
    /// A PNG file in base64.
    pub png: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// A button of an entry. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct EntryAction {
    /// Its label.
    pub title: String,
    /// What it opens.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub navigate: Option<Url>,
}
