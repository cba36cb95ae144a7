//! The engine's state, and what a look at it finds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Trouble, rfc3339};
use crate::config::PushServiceUrl;

/// The engine's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Status {
    /// Every push service in use.
    pub push_services: Vec<PushServiceStatus>,
    /// Where new sites go.
    #[cfg_attr(test, ts(type = "string"))]
    pub default_push_service: PushServiceUrl,
    /// Whether nobody has chosen a push service yet: the window asks before anything is connected.
    pub first_run: bool,
    /// What of Do Not Disturb was switched by hand.
    pub do_not_disturb: DoNotDisturb,
    /// Whether it is quiet now, by hand or by the schedule.
    pub quiet: bool,
    /// When that ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "string"))]
    pub quiet_until: Option<Timestamp>,
    /// Entries not yet read.
    #[cfg_attr(test, ts(type = "number"))]
    pub unread: u64,
    /// Why the keyring cannot be read, while it cannot: nothing is connected, and `Request::Unlock` asks for it.
    pub locked: Option<String>,
    /// The one thing that the icon tells.
    pub condition: Condition,
    /// The state of the connection in one line.
    pub headline: String,
}

/// Silence for every site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum DoNotDisturb {
    /// Notifications are shown.
    #[default]
    Off,
    /// Until it is switched off.
    On,
    /// Until then.
    Until(
        #[serde(with = "rfc3339")]
        #[cfg_attr(test, ts(type = "string"))]
        Timestamp,
    ),
}

impl DoNotDisturb {
    /// Whether it is quiet at this time.
    pub fn is_active(self, now: Timestamp) -> bool {
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Until(end) => now < end,
        }
    }
}

/// What the icon tells: the first of these that holds, from the last to the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Connected, everything read.
    Ok,
    /// Something is not read yet.
    Unread,
    /// Notifications are silenced.
    DoNotDisturb,
    /// A push service in use is out of reach.
    Offline,
    /// A person has to do something.
    Problem,
}

/// The state of one push service's connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PushServiceStatus {
    /// Its URL.
    #[cfg_attr(test, ts(type = "string"))]
    pub url: PushServiceUrl,
    /// Whether a session is up.
    pub connected: bool,
    /// Why not, when not.
    pub reason: Option<String>,
}

/// A push service, as `belfry service list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PushService {
    /// Its URL.
    #[cfg_attr(test, ts(type = "string"))]
    pub url: PushServiceUrl,
    /// Whether new sites go there.
    pub default: bool,
    /// Names of the sites that have, or had, their subscription there.
    pub sites: Vec<String>,
    /// Whether a session is up.
    pub connected: bool,
    /// Why not, when not.
    pub reason: Option<String>,
}

/// One row of `belfry doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Check {
    /// What was looked at: `keyring`, `database`, `notifications`, `push-service`, `clock`, …
    pub check: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, for programs; `null` when it works.
    pub code: Option<Trouble>,
    /// What was found, one line.
    pub message: String,
    /// What to do, when there is something to do.
    pub remedy: Option<String>,
}

/// How bad a check's result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Works.
    Ok,
    /// Works, with less than it could.
    Warning,
    /// Pushes are not received or not shown.
    Error,
}
