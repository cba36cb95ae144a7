//! What the settings page has, and `belfry config`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::CommandError;
use crate::config::PushServiceUrl;
use crate::permission::Schedule;

/// The name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum SettingKey {
    /// Where new sites go.
    PushService,
    /// When it is quiet by itself: `22:00-07:00` or `22:00-07:00,mon-fri`; `off`.
    DndSchedule,
    /// Days that the history is kept; `off`: for ever.
    HistoryDays,
    /// Entries that are kept of a site; `off`: all of them.
    HistoryPerSite,
    /// A certificate authority to trust besides the platform's, in `config.toml`; in force from the next start. `off`:
    /// none.
    CaFile,
}

/// What stands for none.
pub(crate) const OFF: &str = "off";

impl SettingKey {
    /// Every setting, in the order of the page.
    pub const ALL: [Self; 5] =
        [Self::PushService, Self::DndSchedule, Self::HistoryDays, Self::HistoryPerSite, Self::CaFile];

    /// Refuses what it can be set to in no profile. A file that it names is not looked at.
    pub fn check(self, value: &str) -> Result<(), CommandError> {
        match self {
            Self::PushService => value.parse::<PushServiceUrl>().map(drop),
            Self::DndSchedule if value == OFF => Ok(()),
            Self::DndSchedule => value.parse::<Schedule>().map(drop),
            Self::HistoryDays => self.check_limit(value, 36_500, 90),
            Self::HistoryPerSite => self.check_limit(value, 1_000_000, 500),
            Self::CaFile => Ok(()),
        }
    }

    fn check_limit(self, value: &str, most: u32, example: u32) -> Result<(), CommandError> {
        if value == OFF || value.parse().is_ok_and(|count: u32| (1..=most).contains(&count)) {
            return Ok(());
        }
        let message = format!("{self} is a whole number from 1 to {most}, such as {example}, or off");
        Err(CommandError::invalid(message))
    }

    /// As it is written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PushService => "push-service",
            Self::DndSchedule => "dnd-schedule",
            Self::HistoryDays => "history-days",
            Self::HistoryPerSite => "history-per-site",
            Self::CaFile => "ca-file",
        }
    }
}

impl fmt::Display for SettingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SettingKey {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        Self::ALL.into_iter().find(|key| key.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            CommandError::invalid(format!("there is no setting {text:?}, only {names}"))
        })
    }
}

/// A setting and what it is set to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Setting {
    /// Its name.
    pub key: SettingKey,
    /// Its value, as it can be set.
    pub value: String,
    /// Whether nobody has set it.
    pub is_default: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_one_name_everywhere() {
        for key in SettingKey::ALL {
            assert_eq!(key.as_str().parse(), Ok(key));
            assert_eq!(serde_json::to_value(key).unwrap(), key.as_str());
        }
        for (key, good, bad) in [
            (SettingKey::PushService, "wss://push.example/", "https://push.example/"),
            (SettingKey::DndSchedule, "22:00-07:00,mon-fri", "noon"),
            (SettingKey::HistoryDays, "90", "0"),
            (SettingKey::HistoryPerSite, "1000000", "1000001"),
        ] {
            assert_eq!(key.check(good), Ok(()));
            let message = key.check(bad).unwrap_err().message;
            assert!(message.contains("such as"), "{message}");
        }
        assert_eq!(SettingKey::HistoryDays.check("off"), Ok(()));
        assert_eq!(SettingKey::DndSchedule.check("off"), Ok(()));
        assert!("colour".parse::<SettingKey>().unwrap_err().message.contains("history-days"));
    }
}
