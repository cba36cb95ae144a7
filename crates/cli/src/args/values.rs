//! Values that are more than one word to clap.

use std::io::{self, Read};
use std::path::PathBuf;
use std::str::FromStr;

use jiff::ZonedDateTime;
use url::Url;
use user_agent::api::{CommandError, ErrorCode, SiteChange};
use user_agent::config::PushServiceName;
use webpush::payload::{JsonPointer, MappedField};

use super::until;

/// A file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Written `-`.
    Stdin,
    File(PathBuf),
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Self::Stdin } else { Self::File(text.into()) })
    }
}

impl Source {
    /// At most `limit` bytes; more is an error.
    pub(crate) fn read(&self, limit: usize) -> Result<Vec<u8>, CommandError> {
        let (name, result) = match self {
            Self::Stdin => ("standard input".to_owned(), read_limited(io::stdin().lock(), limit)),
            Self::File(path) => {
                let read = std::fs::File::open(path).and_then(|file| read_limited(file, limit));
                (path.display().to_string(), read)
            }
        };
        match result {
            Ok(bytes) if bytes.len() > limit => {
                Err(CommandError::invalid(format!("{name} is too large: more than {limit} bytes")))
            }
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(CommandError::new(ErrorCode::Storage, format!("cannot read {name}: {error}"))),
        }
    }
}

fn read_limited(source: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source.take(one_more).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One `KEY=VALUE` of `site set`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Known(SiteChange),
    /// The local one has to be running before its URL is known.
    PushService(PushServiceName),
}

impl FromStr for Change {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let (key, value) = text.split_once('=').ok_or_else(|| CommandError::invalid("write KEY=VALUE"))?;
        Ok(Self::Known(match key {
            "name" => SiteChange::Name(value.to_owned()),
            "url" => {
                let url = |text| Url::parse(text).map_err(|_| CommandError::invalid("url is not a URL"));
                SiteChange::Url(some(value).map(url).transpose()?)
            }
            "state" => SiteChange::State(value.parse()?),
            "snooze" if value == "off" => SiteChange::Snooze(None),
            "snooze" => SiteChange::Snooze(Some(until(value, &ZonedDateTime::now())?)),
            "sound" => SiteChange::Sound(switch(value)?),
            "links" => SiteChange::Links(value.parse()?),
            "images" => SiteChange::Images(value.parse()?),
            "burst" => SiteChange::Burst(value.parse()?),
            "dnd-bypass" => SiteChange::DndBypass(switch(value)?),
            "vapid-key" => {
                let key = |text: &str| {
                    text.parse().map_err(|_| CommandError::invalid("vapid-key is not a VAPID public key"))
                };
                SiteChange::VapidKey(some(value).map(key).transpose()?)
            }
            "push-service" => return Ok(Self::PushService(value.parse()?)),
            key if key.starts_with("map.") => {
                let field = key.trim_start_matches("map.").parse::<MappedField>();
                let pointer = some(value).map(str::parse::<JsonPointer>).transpose();
                let invalid = |error: String| CommandError::invalid(format!("{key}: {error}"));
                SiteChange::Map {
                    field: field.map_err(|error| invalid(error.to_string()))?,
                    pointer: pointer.map_err(|error| invalid(error.to_string()))?,
                }
            }
            key => {
                let message = format!("there is no key {key:?}: see `belfry site set --help`");
                return Err(CommandError::invalid(message));
            }
        }))
    }
}

/// Nothing stands for none.
fn some(value: &str) -> Option<&str> {
    Some(value).filter(|value| !value.is_empty())
}

fn switch(value: &str) -> Result<bool, CommandError> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(CommandError::invalid("give on or off")),
    }
}
