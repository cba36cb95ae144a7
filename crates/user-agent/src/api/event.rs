//! What happens, as it happens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{EntryId, Trouble, rfc3339};
use crate::config::PushServiceUrl;

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// In history, and a notification: by itself or counted in one.
    Shown,
    /// In history only.
    Recorded,
    /// Nowhere.
    Discarded,
}

/// What happens, as it happens: the lines of `belfry run --json`. `Debug` shows nothing that a sender wrote.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A push service answered.
    Connected {
        /// Its URL.
        #[cfg_attr(test, ts(type = "string"))]
        push_service: PushServiceUrl,
        /// Whether it knew us.
        uaid: UaidState,
    },
    /// A push service is out of reach.
    Disconnected {
        /// Its URL.
        #[cfg_attr(test, ts(type = "string"))]
        push_service: PushServiceUrl,
        /// Milliseconds until the next attempt; `null`: not before the network changes.
        #[cfg_attr(test, ts(type = "number | null"))]
        retry_in_ms: Option<u64>,
        /// Why.
        reason: String,
    },
    /// A push arrived and is stored. `shown` is what was decided: the desktop gets it as soon as it takes notifications.
    Push {
        /// Its history entry; `null` for a discarded one.
        id: Option<EntryId>,
        /// The site's name.
        site: String,
        /// When it arrived.
        #[serde(with = "rfc3339")]
        #[cfg_attr(test, ts(type = "string"))]
        received_at: Timestamp,
        /// Its title; empty for a discarded one, as are the next two.
        title: String,
        /// Its text.
        body: String,
        /// Its link.
        #[cfg_attr(test, ts(type = "string | null"))]
        navigate: Option<Url>,
        /// What became of it.
        disposition: Disposition,
    },
    /// The notification server has taken what was to be shown of these: a notification for each, or one that counts them.
    Handed {
        /// Their history entries.
        ids: Vec<EntryId>,
    },
    /// The keyring cannot be read, so nothing is connected: the push services keep what arrives. Belfry goes on by itself
    /// when the keyring is there and unlocked.
    Locked {
        /// Why.
        reason: String,
        /// The same for programs.
        code: Trouble,
    },
    /// The keyring could be read.
    Unlocked,
    /// Something of a site failed: a push could not be decrypted or shown, a link was refused.
    Failed {
        /// The site's name, where there is one.
        site: Option<String>,
        /// What and why, in one line.
        reason: String,
    },
    /// A click on a notification asks for the window.
    Open {
        /// What it was about; `null`: several pushes, or none.
        entry: Option<EntryId>,
        /// The index of the button that was clicked; `null`: the notification itself.
        #[cfg_attr(test, ts(type = "number | null"))]
        action: Option<usize>,
        /// Whether somebody has to say first whether its link is to be opened; otherwise there is something to read.
        asks: bool,
    },
    /// Sites, settings or history changed: views compute themselves anew.
    Changed,
}

/// What the push service's hello said about us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum UaidState {
    /// Known: every endpoint is valid.
    Kept,
    /// Forgotten: every endpoint was dead and has been registered anew.
    Replaced,
    /// First contact.
    New,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_written_as_the_command_line_promises() {
        let connected = Event::Connected { push_service: "mozilla".parse().unwrap(), uaid: UaidState::Kept };
        assert_eq!(
            serde_json::to_value(connected).unwrap(),
            json!({"event": "connected", "push_service": "wss://push.services.mozilla.com/", "uaid": "kept"})
        );
        let push = Event::Push {
            id: Some(EntryId(7)),
            site: "Backups".into(),
            received_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            title: "t".into(),
            body: "b".into(),
            navigate: None,
            disposition: Disposition::Shown,
        };
        assert_eq!(
            serde_json::to_value(&push).unwrap(),
            json!({"event": "push", "id": "7", "site": "Backups", "received_at": "2026-11-23T10:00:00.000Z",
                "title": "t", "body": "b", "navigate": null, "disposition": "shown"})
        );
        let back: Event = serde_json::from_value(serde_json::to_value(&push).unwrap()).unwrap();
        assert_eq!(back, push);
    }
}
