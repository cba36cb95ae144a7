//! A site, and what can be asked of it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use webpush::payload::{FieldMapping, JsonPointer, MappedField};
use webpush::{ApplicationServerKey, PushSubscription};

use super::{Badge, Burst, CommandError, Images, Links, rfc3339, typed};
use crate::config::PushServiceUrl;

/// A site to subscribe for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NewSite {
    /// What people call it; 1 to 100 characters, unique without regard to case.
    pub name: String,
    /// Its origin, which relative links in its pushes belong to.
    #[serde(default, deserialize_with = "typed::origin")]
    #[cfg_attr(test, ts(type = "string | null"))]
    pub url: Option<Url>,
    /// The sender's VAPID public key: the endpoint then accepts that sender only.
    #[serde(default, deserialize_with = "typed::vapid_key")]
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
    Url(
        #[serde(deserialize_with = "typed::origin")]
        #[cfg_attr(test, ts(type = "string | null"))]
        Option<Url>,
    ),
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
    VapidKey(
        #[serde(deserialize_with = "typed::vapid_key")]
        #[cfg_attr(test, ts(type = "string | null"))]
        Option<ApplicationServerKey>,
    ),
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

/// A site's name without blanks around it: 1 to 100 characters, none of them a control character.
pub fn site_name(text: &str) -> Result<String, CommandError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(CommandError::invalid("a site's name has 1 to 100 characters on one line"));
    }
    Ok(name.to_owned())
}

/// The origin that an address of the site, as somebody has typed it, belongs to.
pub fn site_origin(text: &str) -> Result<Url, CommandError> {
    Url::parse(text.trim()).map_err(|_| no_origin()).and_then(|url| origin(&url))
}

/// The origin that a URL of the site belongs to.
pub(crate) fn origin(url: &Url) -> Result<Url, CommandError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(no_origin());
    }
    url.join("/").map_err(|_| no_origin()).map(|mut origin| {
        // Credentials do not belong to an origin; both calls succeed on http URLs.
        let _ = origin.set_username("");
        let _ = origin.set_password(None);
        origin
    })
}

fn no_origin() -> CommandError {
    CommandError::invalid("a site's URL is an http or https address such as https://example.org")
}

/// A sender's VAPID public key, as somebody has typed it.
pub fn vapid_key(text: &str) -> Result<ApplicationServerKey, CommandError> {
    text.parse().map_err(|_| {
        let message = "a VAPID public key is 87 characters of base64url that begin with B, as `belfry vapid generate` prints";
        CommandError::invalid(message)
    })
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
    /// Whether that tells of a snooze: whoever writes times by the user's locale says so in its own words.
    #[serde(default)]
    pub snoozed: bool,
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
    /// Where its subscription is to be, once there is an endpoint for it; the one it has serves until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub moving_to: Option<Destination>,
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
    /// What the sender is given. Only in `Response::Site`: it is a secret. `None` as well while there is no endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "PushSubscription"))]
    pub subscription: Option<PushSubscription>,
}

/// What a subscription is made of: another one is another subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Destination {
    /// The push service it lives at.
    #[cfg_attr(test, ts(type = "string"))]
    pub push_service: PushServiceUrl,
    /// The sender's VAPID public key, when it is restricted to it.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub vapid_key: Option<ApplicationServerKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(site_name("  Backups ").unwrap(), "Backups");
        for bad in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert!(site_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_sites_url_is_cut_to_its_origin() {
        let origin = |text: &str| site_origin(text).map(String::from);
        assert_eq!(origin("https://user:pw@example.org:8443/a/b?c#d").unwrap(), "https://example.org:8443/");
        for bad in ["ftp://example.org/", "example.org", "/a", ""] {
            assert!(origin(bad).unwrap_err().message.contains("such as https://example.org"), "{bad}");
        }
    }

    #[test]
    fn what_somebody_has_typed_into_the_window_is_refused_in_our_words() {
        let refused = |member: &str, value: &str| {
            let mut new =
                serde_json::json!({"name": "A", "url": null, "vapid_key": null, "push_service": null});
            new[member] = value.into();
            serde_json::from_value::<NewSite>(new).unwrap_err().to_string()
        };
        let changed = |key: &str| {
            let change = serde_json::json!({"key": key, "value": "example"});
            serde_json::from_value::<SiteChange>(change).unwrap_err().to_string()
        };
        for message in [refused("url", "example"), changed("url")] {
            assert_eq!(message, no_origin().message);
        }
        for message in [refused("vapid_key", "example"), changed("vapid_key")] {
            assert!(message.starts_with("a VAPID public key is 87 characters"), "{message}");
        }
        for message in [refused("push_service", "https://push.example"), changed("push_service")] {
            assert!(message.contains("such as wss://push.example.org/"), "{message}");
        }
        let given = serde_json::json!({"key": "url", "value": "https://example.org/a"});
        let expected = SiteChange::Url(Some("https://example.org/".parse().unwrap()));
        assert_eq!(serde_json::from_value::<SiteChange>(given).unwrap(), expected);
        assert_eq!(
            serde_json::from_value::<SiteChange>(serde_json::json!({"key": "url", "value": null})).unwrap(),
            SiteChange::Url(None)
        );
    }
}
