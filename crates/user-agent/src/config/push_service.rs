//! How a push service is named.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::CommandError;

/// Mozilla's push service, the default of a new profile.
pub const MOZILLA: &str = "wss://push.services.mozilla.com/";

/// The WebSocket URL of a push service. Written `mozilla`, or as a `ws:` or `wss:` URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PushServiceUrl(Url);

impl PushServiceUrl {
    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether its traffic can be read on the way: plain `ws:` to something that is not this computer.
    pub fn is_insecure(&self) -> bool {
        self.0.scheme() == "ws" && !self.is_loopback()
    }

    /// Whether it is on this computer.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Refuses what could be read on the way, unless the user allows it.
    pub fn check_secure(&self, allow_insecure: bool) -> Result<(), CommandError> {
        if self.is_insecure() && !allow_insecure {
            let message = "plain ws:// is used only on this computer: use wss://, or --allow-insecure";
            return Err(CommandError::invalid(message));
        }
        Ok(())
    }
}

/// Whether a URL names this computer.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for PushServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PushServiceUrl {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let text = match text {
            "mozilla" => MOZILLA,
            other => other,
        };
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "ws" | "wss") && url.has_host() => Ok(Self(url)),
            _ => Err(CommandError::invalid(
                "a push service is `mozilla`, or a ws:// or wss:// URL such as wss://push.example.org/",
            )),
        }
    }
}

impl TryFrom<String> for PushServiceUrl {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, CommandError> {
        text.parse()
    }
}

impl From<PushServiceUrl> for String {
    fn from(url: PushServiceUrl) -> Self {
        url.0.into()
    }
}

/// A push service as people name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PushServiceName {
    /// `local`: this user's own on this computer. Whoever runs the engine knows where it listens.
    Local,
    /// Every other one.
    Url(PushServiceUrl),
}

impl FromStr for PushServiceName {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        if text == "local" {
            return Ok(Self::Local);
        }
        text.parse().map(Self::Url).map_err(|_| {
            CommandError::invalid("a push service is `mozilla`, `local`, or a ws:// or wss:// URL such as wss://push.example.org/")
        })
    }
}

impl TryFrom<String> for PushServiceName {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, CommandError> {
        text.parse()
    }
}

impl From<PushServiceName> for String {
    fn from(name: PushServiceName) -> Self {
        match name {
            PushServiceName::Local => "local".to_owned(),
            PushServiceName::Url(url) => url.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_service_is_named_or_a_websocket_url() {
        assert_eq!("mozilla".parse::<PushServiceUrl>().unwrap().to_string(), MOZILLA);
        assert_eq!(
            "ws://127.0.0.1:8030".parse::<PushServiceUrl>().unwrap().to_string(),
            "ws://127.0.0.1:8030/"
        );
        assert!("https://push.example/".parse::<PushServiceUrl>().is_err());
        assert_eq!("local".parse::<PushServiceName>().unwrap(), PushServiceName::Local);
        assert!("nearby".parse::<PushServiceName>().unwrap_err().message.contains("`local`"));
    }

    #[test]
    fn plain_connections_to_other_machines_are_insecure() {
        let insecure = |url: &str| url.parse::<PushServiceUrl>().unwrap().is_insecure();
        for url in ["ws://127.0.0.1:1/", "ws://localhost/", "ws://[::1]/", "wss://push.example/"] {
            assert!(!insecure(url), "{url}");
        }
        assert!(insecure("ws://push.example/"));
        assert!(insecure("ws://192.168.1.2/"));
    }
}
