//! Values that are more than one word to clap.

use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use jiff::ZonedDateTime;
use serde_json::Value;
use url::Url;
use user_agent::api::{self, CommandError, DoNotDisturb, ErrorCode, SiteChange};
use user_agent::config::PushServiceName;
use webpush::Topic;
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

/// What `belfry dnd` switches to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Silence(pub(crate) DoNotDisturb);

impl FromStr for Silence {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        Ok(Self(match text {
            "on" => DoNotDisturb::On,
            "off" => DoNotDisturb::Off,
            lasting => DoNotDisturb::Until(until(lasting, &ZonedDateTime::now()).map_err(|_| {
                CommandError::invalid("give on, off, until-tomorrow, or a duration such as 45m or 2h")
            })?),
        }))
    }
}

/// A value, or what was expected in words of ours: those of the parsers are not for people.
fn parsed<T: FromStr>(text: &str, expected: &str) -> Result<T, CommandError> {
    text.parse().map_err(|_| CommandError::invalid(expected))
}

pub(super) fn address(text: &str) -> Result<SocketAddr, CommandError> {
    parsed(text, "give an IP address and a port, such as 127.0.0.1:8030 or [::1]:8030")
}

pub(super) fn ip(text: &str) -> Result<IpAddr, CommandError> {
    parsed(text, "give an IP address, such as 127.0.0.1 or ::1")
}

pub(super) fn seconds(text: &str) -> Result<u32, CommandError> {
    parsed(text, "give a whole number of seconds, such as 3600")
}

pub(super) fn milliseconds(text: &str) -> Result<u32, CommandError> {
    parsed(text, "give whole milliseconds, such as 200,100,200")
}

pub(super) fn count(text: &str) -> Result<u32, CommandError> {
    parsed(text, "give a whole number, such as 20")
}

pub(super) fn topic(text: &str) -> Result<Topic, CommandError> {
    parsed(text, "give 1 to 32 of A-Z a-z 0-9 - _, such as build-7")
}

/// What a click opens, or a picture.
pub(super) fn link(text: &str) -> Result<Url, CommandError> {
    parsed(text, "give a whole address, such as https://example.org/log")
}

pub(super) fn public_url(text: &str) -> Result<Url, CommandError> {
    let invalid = "give an http or https address without a query, such as https://push.example.org/";
    let url = parsed(text, invalid)?;
    push_service::check_public_url(&url).map(|()| url).map_err(|_| CommandError::invalid(invalid))
}

pub(super) fn json(text: &str) -> Result<Value, CommandError> {
    serde_json::from_str(text).map_err(|error| {
        let column = error.column();
        CommandError::invalid(format!("give JSON, such as {{\"id\":7}}: this is none, at character {column}"))
    })
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
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| CommandError::invalid("write KEY=VALUE, such as state=quiet"))?;
        Ok(Self::Known(match key {
            "name" => SiteChange::Name(api::site_name(value)?),
            "url" => SiteChange::Url(some(value).map(api::site_origin).transpose()?),
            "state" => SiteChange::State(value.parse()?),
            "snooze" if value == "off" => SiteChange::Snooze(None),
            "snooze" => SiteChange::Snooze(Some(until(value, &ZonedDateTime::now())?)),
            "sound" => SiteChange::Sound(switch(value)?),
            "links" => SiteChange::Links(value.parse()?),
            "images" => SiteChange::Images(value.parse()?),
            "burst" => SiteChange::Burst(value.parse()?),
            "dnd-bypass" => SiteChange::DndBypass(switch(value)?),
            "vapid-key" => SiteChange::VapidKey(some(value).map(api::vapid_key).transpose()?),
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
