//! A site, and what can be asked of it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use webpush::payload::{FieldMapping, JsonPointer, MappedField};
use webpush::{ApplicationServerKey, PushSubscription};

use super::{Badge, Burst, CommandError, Images, Links, rfc3339};
use crate::config::PushServiceUrl;

/// A site to subscribe for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NewSite {
    /// What people call it; 1 to 100 characters, unique without regard to case.
    pub name: String,
    /// Its origin, which relative links in its pushes belong to.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub url: Option<Url>,
    /// The sender's VAPID public key: the endpoint then accepts that sender only.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub vapid_key: Option<ApplicationServerKey>,
    /// Default: the profile's.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub push_service: Option<PushServiceUrl>,
}

/// One `KEY=VALUE` of `belfry site set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "key", content = "value", rename_all = "snake_case")]
pub enum SiteChange {
    /// Another name.
    Name(String),
    /// Another origin; `None` removes it.
    Url(#[cfg_attr(test, ts(type = "string | null"))] Option<Url>),
    /// Another permission. Allowing a site that was disconnected makes a new subscription.
    State(SiteState),
    /// No notifications until then; `None`: from now on.
    Snooze(#[cfg_attr(test, ts(type = "string | null"))] Option<Timestamp>),
    /// Whether its notifications may be heard.
    Sound(bool),
    /// Which of its links are opened.
    Links(Links),
    /// Which of its pictures are loaded.
    Images(Images),
    /// How many of its notifications are shown one by one.
    Burst(Burst),
    /// Whether it is shown during Do Not Disturb.
    DndBypass(bool),
    /// Another sender's VAPID public key, or any sender: makes a new subscription.
    VapidKey(#[cfg_attr(test, ts(type = "string | null"))] Option<ApplicationServerKey>),
    /// Another push service: makes a new subscription there.
    PushService(#[cfg_attr(test, ts(type = "string"))] PushServiceUrl),
    /// Where its sender puts something; `None`: wherever the payload's dialect says. For what arrives from now on.
    Map {
        /// What.
        #[cfg_attr(test, ts(type = "MappedField"))]
        field: MappedField,
        /// Where.
        #[cfg_attr(test, ts(type = "string | null"))]
        pointer: Option<JsonPointer>,
    },
    /// Its sender has been given the subscription.
    Paired,
}

/// What a site may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SiteState {
    /// Notification with sound.
    Alert,
    /// Notification without sound.
    Quiet,
    /// History only.
    History,
    /// Discarded unread; the subscription stays.
    Blocked,
}

impl SiteState {
    /// As it is written on the command line and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Quiet => "quiet",
            Self::History => "history",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for SiteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SiteState {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        [Self::Alert, Self::Quiet, Self::History, Self::Blocked]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| CommandError::invalid("state is one of alert, quiet, history, blocked"))
    }
}

/// A site as front ends see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Site {
    /// Short, stable, never reused.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its origin.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub url: Option<Url>,
    /// What it may do.
    pub state: SiteState,
    /// Its state in words, for people.
    pub state_label: String,
    /// No notifications before then.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub snoozed_until: Option<Timestamp>,
    /// Whether its notifications may be heard.
    pub sound: bool,
    /// Which of its links are opened.
    pub links: Links,
    /// Which of its pictures are loaded.
    pub images: Images,
    /// How many of its notifications are shown one by one.
    pub burst: Burst,
    /// Whether it is shown during Do Not Disturb.
    pub dnd_bypass: bool,
    /// Where its sender puts things, as far as somebody has said so.
    #[cfg_attr(test, ts(type = "FieldMapping"))]
    pub mapping: FieldMapping,
    /// The push service its subscription lives at, or lived at before it was disconnected.
    #[cfg_attr(test, ts(type = "string"))]
    pub push_service: PushServiceUrl,
    /// Whether it has a subscription or is about to get one.
    pub connected: bool,
    /// Whether the sender must be given the subscription again, because the push service replaced it.
    pub needs_pairing: bool,
    /// The sender's VAPID public key, when the subscription is restricted to it.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub vapid_key: Option<ApplicationServerKey>,
    /// When it was added.
    #[serde(with = "rfc3339")]
    #[cfg_attr(test, ts(type = "string"))]
    pub added_at: Timestamp,
    /// Entries not yet read.
    #[cfg_attr(test, ts(type = "number"))]
    pub unread: u64,
    /// What the site itself says is new there.
    pub badge: Option<Badge>,
    /// What the sender is given. Only in [`Response::Site`]: it is a secret. `None` as well while there is no endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "PushSubscription"))]
    pub subscription: Option<PushSubscription>,
}
