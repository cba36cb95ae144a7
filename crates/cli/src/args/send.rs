//! `belfry send`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args, ValueEnum};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;
use user_agent::api::CommandError;
use webpush::payload::{AppBadge, Direction};
use webpush::{Topic, Urgency};

use super::{Source, values};

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The subscription, JSON as `belfry site add` prints it; `-`: standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Source,
    /// The notification's title
    #[arg(long, conflicts_with = "payload")]
    pub(crate) title: Option<String>,
    /// The notification's text
    #[arg(long, requires = "title")]
    pub(crate) body: Option<String>,
    /// What a click opens
    #[arg(long, requires = "title", value_name = "URL", value_parser = values::link)]
    pub(crate) navigate: Option<Url>,
    /// Send these bytes; `-`: standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<Source>,
    /// Seconds the push service may keep it
    #[arg(long, default_value_t = 2_419_200, value_name = "S", value_parser = values::seconds)]
    pub(crate) ttl: u32,
    /// very-low, low, normal or high
    #[arg(long, default_value_t, value_name = "U")]
    pub(crate) urgency: Urgency,
    /// Replaces an undelivered push with the same topic: up to 32 of A-Z a-z 0-9 - _
    #[arg(long, value_name = "T", value_parser = values::topic)]
    pub(crate) topic: Option<Topic>,
    /// Sign with this private key (PEM), which a restricted subscription requires
    #[arg(long, value_name = "PEM")]
    pub(crate) vapid_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) members: Members,
}

impl Send {
    /// What single values do not tell.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        if self.to == Source::Stdin && self.payload == Some(Source::Stdin) {
            let message =
                "standard input holds the subscription or the payload, not both: name a file for one";
            return Err(CommandError::invalid(message));
        }
        if self.navigate.is_some() && self.title.as_deref() == Some("") {
            return Err(CommandError::invalid("a message with --navigate needs a title that is not empty"));
        }
        if self.members.renotify && self.members.tag.as_deref() == Some("") {
            return Err(CommandError::invalid("--renotify needs a tag that is not empty"));
        }
        Ok(())
    }
}

/// What else a Declarative Web Push document can say. It has to have a link.
#[derive(Debug, Args)]
#[command(next_help_heading = "More of a notification, with --navigate")]
pub(crate) struct Members {
    /// Replaces a notification that is shown with the same tag
    #[arg(long, requires = "navigate", value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// Alert again when it replaces one: needs --tag
    #[arg(long, requires = "navigate", requires = "tag")]
    pub(crate) renotify: bool,
    /// A button and what it opens; may be repeated
    #[arg(long, requires = "navigate", value_name = "TITLE=URL", action = ArgAction::Append)]
    pub(crate) action: Vec<Button>,
    /// A small picture
    #[arg(long, requires = "navigate", value_name = "URL", value_parser = values::link)]
    pub(crate) icon: Option<Url>,
    /// A large picture
    #[arg(long, requires = "navigate", value_name = "URL", value_parser = values::link)]
    pub(crate) image: Option<Url>,
    /// A picture of one colour, for a status bar
    #[arg(long, requires = "navigate", value_name = "URL", value_parser = values::link)]
    pub(crate) badge: Option<Url>,
    /// Without a sound
    #[arg(long, requires = "navigate")]
    pub(crate) silent: bool,
    /// Vibrate and pause for so many milliseconds, in turn
    #[arg(
        long,
        requires = "navigate",
        conflicts_with = "silent",
        value_name = "MS,…",
        value_delimiter = ',',
        value_parser = values::milliseconds
    )]
    pub(crate) vibrate: Vec<u32>,
    /// Stay until somebody closes it
    #[arg(long, requires = "navigate")]
    pub(crate) require_interaction: bool,
    /// The language of its text, such as `de-CH`
    #[arg(long, requires = "navigate", value_name = "TAG")]
    pub(crate) lang: Option<String>,
    /// The direction of its text
    #[arg(long, requires = "navigate", value_enum, value_name = "DIRECTION")]
    pub(crate) dir: Option<TextDirection>,
    /// When it happened, such as 2026-11-25T10:00:00Z
    #[arg(long, requires = "navigate", value_name = "TIME")]
    pub(crate) timestamp: Option<Milliseconds>,
    /// The number on the application's icon; 0: none, true: a mark without a number
    #[arg(long, requires = "navigate", value_name = "N", value_parser = app_badge)]
    pub(crate) app_badge: Option<AppBadge>,
    /// Let a service worker change it first
    #[arg(long, requires = "navigate")]
    pub(crate) mutable: bool,
    /// JSON for the sender's own service worker
    #[arg(long, requires = "navigate", value_name = "JSON", value_parser = values::json)]
    pub(crate) data: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextDirection {
    Auto,
    Ltr,
    Rtl,
}

impl From<TextDirection> for Direction {
    fn from(direction: TextDirection) -> Self {
        match direction {
            TextDirection::Auto => Self::Auto,
            TextDirection::Ltr => Self::Ltr,
            TextDirection::Rtl => Self::Rtl,
        }
    }
}

/// A time, since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Milliseconds(pub(crate) u64);

impl FromStr for Milliseconds {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let time = text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
        let since_epoch = time.and_then(|time| u64::try_from(time).ok());
        since_epoch
            .map(Self)
            .ok_or_else(|| CommandError::invalid("give a time since 1970, such as 2026-11-25T10:00:00Z"))
    }
}

/// A button and what it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) title: String,
    pub(crate) navigate: Url,
}

impl FromStr for Button {
    type Err = CommandError;

    /// Either side may contain an equals sign: the first one with a URL after it counts.
    fn from_str(text: &str) -> Result<Self, CommandError> {
        let parts =
            text.match_indices('=').filter_map(|(at, _)| Some((text.get(..at)?, text.get(at + 1..)?)));
        let mut buttons = parts.filter_map(|(title, url)| {
            let navigate = url.parse().ok()?;
            (!title.trim().is_empty()).then(|| Self { title: title.to_owned(), navigate })
        });
        buttons
            .next()
            .ok_or_else(|| CommandError::invalid("write TITLE=URL, such as Log=https://example.org/log"))
    }
}

fn app_badge(text: &str) -> Result<AppBadge, CommandError> {
    match (text, text.parse()) {
        ("true", _) => Ok(AppBadge::Unspecified),
        ("false", _) | (_, Ok(0)) => Ok(AppBadge::Clear),
        (_, Ok(count)) => Ok(AppBadge::Count(count)),
        (_, Err(_)) => Err(CommandError::invalid("give a whole number such as 3, true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_is_cut_where_its_link_begins() {
        let button =
            |text: &str| text.parse::<Button>().map(|button| (button.title, button.navigate.to_string()));
        let cut = |title: &str, url: &str| Ok((title.to_owned(), url.to_owned()));
        assert_eq!(button("Log=https://a.example/?q=1=2"), cut("Log", "https://a.example/?q=1=2"));
        assert_eq!(button("a=b=https://a.example/"), cut("a=b", "https://a.example/"));
        for wrong in ["Log", "Log=", "Log=/path", "=https://a.example/", " =https://a.example/"] {
            assert!(button(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_badge_is_written_as_in_the_document() {
        assert_eq!(app_badge("3").unwrap(), AppBadge::Count(3));
        assert_eq!(
            (app_badge("0").unwrap(), app_badge("false").unwrap()),
            (AppBadge::Clear, AppBadge::Clear)
        );
        assert_eq!(app_badge("true").unwrap(), AppBadge::Unspecified);
        assert!(app_badge("-1").is_err() && app_badge("").is_err() && app_badge("many").is_err());
    }

    #[test]
    fn a_time_is_since_the_epoch() {
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Milliseconds(1_500)));
        assert!("1969-12-31T23:59:59Z".parse::<Milliseconds>().is_err());
        assert!("yesterday".parse::<Milliseconds>().is_err());
    }
}
