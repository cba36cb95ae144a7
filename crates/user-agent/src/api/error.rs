//! Why a request failed.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Check, Trouble};

/// Why a request failed: a code for programs, a line for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[error("{message}")]
pub struct CommandError {
    /// One of a closed set.
    pub code: ErrorCode,
    /// One line: what happened, and what to do.
    pub message: String,
    /// The row of `belfry doctor` that explains it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub trouble: Option<Trouble>,
    /// How many messages would be deleted, where that is what a person has to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub deletes: Option<u64>,
}

impl CommandError {
    /// An error with this code and line.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), trouble: None, deletes: None }
    }

    /// An error that `belfry doctor` explains. The line ends with what to do.
    pub fn from_trouble(trouble: Trouble, message: impl fmt::Display) -> Self {
        let message = format!("{message}: {}", trouble.remedy());
        Self { trouble: Some(trouble), ..Self::new(trouble.error_code(), message) }
    }

    /// A limit of the history under which this many messages that are there would be deleted.
    pub fn deletes(count: u64, limit: impl fmt::Display) -> Self {
        let messages = if count == 1 { "1 message".to_owned() } else { format!("{count} messages") };
        let message = format!("{limit} would delete {messages} for good: confirm with --yes");
        Self { deletes: Some(count), ..Self::new(ErrorCode::Unconfirmed, message) }
    }

    /// The row of `belfry doctor` for what failed because of this: a push service that was asked, a profile that was to be
    /// opened. Without a trouble of its own it is the profile's.
    pub fn check(&self) -> Check {
        let trouble = self.trouble.unwrap_or(Trouble::ProfileUnusable);
        // The line may end with the remedy, which has a place of its own in a row.
        let ending = format!(": {}", trouble.remedy());
        trouble.check(self.message.strip_suffix(&ending).unwrap_or(&self.message))
    }

    /// The request itself is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }
}

/// The closed set of error codes, as `--json` prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// A value breaks a rule.
    Invalid,
    /// No such site or entry.
    NotFound,
    /// The name is taken.
    Exists,
    /// The push service could not be reached in time.
    Offline,
    /// The push service or an endpoint answered no.
    Rejected,
    /// A person has to confirm it first.
    Unconfirmed,
    /// The keyring is missing, locked or does not answer.
    Keyring,
    /// The database cannot be read or written.
    Storage,
    /// Another process owns the profile and does not answer.
    ProfileInUse,
    /// The notification server is missing or answered with an error.
    Notifications,
    /// Not in this version.
    Unsupported,
    /// Time ran out.
    Timeout,
    /// Anything else.
    Internal,
}
