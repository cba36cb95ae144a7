//! What a site may do besides showing notifications at all.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::CommandError;

/// Which links of a site are opened. Only http and https ever are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// Those to the site's own host.
    Own,
    /// All of them.
    #[default]
    Any,
    /// Those to the site's own host; others once a person has confirmed it.
    Ask,
}

/// What a site's policy says of one of its links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A click opens it.
    Opened,
    /// A person is asked first.
    Asked,
    /// It stays shut.
    Refused,
}

/// Which pictures of a site are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// Those from the site's own host.
    #[default]
    Own,
    /// All of them.
    Always,
    /// None.
    Never,
}

impl Links {
    const ALL: [Self; 3] = [Self::Own, Self::Any, Self::Ask];

    /// As it is written on the command line and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Any => "any",
            Self::Ask => "ask",
        }
    }

    /// Whether this link of a site at this address is opened. One to the site's own host always is; a site whose address is
    /// not known has none.
    pub(crate) fn judge(self, url: &Url, site: Option<&Url>) -> Verdict {
        let own = site.and_then(Url::host_str);
        match self {
            _ if own.is_some() && own == url.host_str() => Verdict::Opened,
            Self::Any => Verdict::Opened,
            Self::Ask => Verdict::Asked,
            Self::Own => Verdict::Refused,
        }
    }
}

impl Images {
    const ALL: [Self; 3] = [Self::Own, Self::Always, Self::Never];

    /// As it is written on the command line and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl FromStr for Links {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let found = Self::ALL.into_iter().find(|links| links.as_str() == text);
        found.ok_or_else(|| CommandError::invalid("links is one of own, any, ask"))
    }
}

impl FromStr for Images {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let found = Self::ALL.into_iter().find(|images| images.as_str() == text);
        found.ok_or_else(|| CommandError::invalid("images is one of own, always, never"))
    }
}

/// How many notifications of a site are shown one by one; the rest become one that counts them. Written `N/SECONDS`, or
/// `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(type = "string"))]
#[serde(try_from = "String", into = "String")]
pub enum Burst {
    /// Each one by itself, also of what arrived while the computer was away.
    Off,
    /// At most so many in so much time.
    Limit {
        /// From 1 to 1000.
        count: u16,
        /// From 1 to 86,400.
        seconds: u32,
    },
}

impl Default for Burst {
    fn default() -> Self {
        Self::Limit { count: 5, seconds: 10 }
    }
}

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Limit { count, seconds } => write!(f, "{count}/{seconds}"),
        }
    }
}

impl FromStr for Burst {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let invalid = || CommandError::invalid("burst is off or N/SECONDS, such as 5/10");
        let (count, seconds) = text.split_once('/').ok_or_else(invalid)?;
        let (Ok(count @ 1..=1000), Ok(seconds @ 1..=86_400)) = (count.parse(), seconds.parse()) else {
            return Err(invalid());
        };
        Ok(Self::Limit { count, seconds })
    }
}

impl TryFrom<String> for Burst {
    type Error = CommandError;

    fn try_from(text: String) -> Result<Self, CommandError> {
        text.parse()
    }
}

impl From<Burst> for String {
    fn from(burst: Burst) -> Self {
        burst.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_limit_is_written_as_it_is_read() {
        for text in ["off", "1/1", "5/10", "1000/86400"] {
            assert_eq!(text.parse::<Burst>().unwrap().to_string(), text);
        }
        for text in ["", "5", "0/10", "5/0", "-1/10", "1001/10", "5/86401", "5/10/2", "on"] {
            assert!(text.parse::<Burst>().is_err(), "{text:?}");
        }
        assert_eq!(Burst::default().to_string(), "5/10");
    }

    #[test]
    fn policies_are_written_as_they_are_read() {
        assert!(Links::ALL.into_iter().all(|links| links.as_str().parse() == Ok(links)));
        assert!(Images::ALL.into_iter().all(|images| images.as_str().parse() == Ok(images)));
        assert!("yes".parse::<Links>().is_err() && "yes".parse::<Images>().is_err());
    }
}
