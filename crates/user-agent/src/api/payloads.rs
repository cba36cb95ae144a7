//! What a site sends, as it came, and where a person says that things are in it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use webpush::payload::MappedField;

use super::EntryId;

/// A payload as it was stored. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RawPayload {
    /// The entry that was made of it.
    pub id: EntryId,
    /// When it arrived here.
    #[serde(with = "super::rfc3339")]
    #[cfg_attr(test, ts(type = "string"))]
    pub received_at: Timestamp,
    /// Decrypted, without its secrets. `None`: it is no text.
    pub text: Option<String>,
    /// Bytes.
    #[cfg_attr(test, ts(type = "number"))]
    pub size: usize,
}

/// A pointer as somebody is typing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TypedPointer {
    /// What it is for.
    #[cfg_attr(test, ts(type = "MappedField"))]
    pub field: MappedField,
    /// Perhaps not yet a JSON pointer. Empty: none.
    pub pointer: String,
}

/// What a payload would become. `Debug` shows nothing that a sender wrote.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Preview {
    /// Plain text, one line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// What a click would open.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub navigate: Option<Url>,
    /// A large picture.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub image: Option<Url>,
    /// What a later one replaces.
    pub tag: String,
    /// Which pointers do nothing here, and why.
    pub remarks: Vec<PointerRemark>,
}

/// Why a pointer does nothing in a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PointerRemark {
    /// What the pointer is for.
    #[cfg_attr(test, ts(type = "MappedField"))]
    pub field: MappedField,
    /// Whether it is no JSON pointer at all, and cannot be stored. Otherwise it may well find something in another payload.
    pub invalid: bool,
    /// For people.
    pub message: String,
}
