//! What the settings page has.

use std::path::PathBuf;

use super::{Shared, services, silence_changed};
use crate::api::{CommandError, ErrorCode, Event, OFF, Response, Setting, SettingKey};
use crate::config::{ConfigFile, MOZILLA};
use crate::permission::Schedule;
use crate::store::{StoreError, sites};

const HISTORY_DAYS: &str = "history_days";
const HISTORY_PER_SITE: &str = "history_per_site";

/// How much of the history is kept. `None`: all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HistoryLimits {
    pub(crate) days: Option<u32>,
    pub(crate) per_site: Option<u32>,
}

impl Default for HistoryLimits {
    fn default() -> Self {
        Self { days: Some(90), per_site: Some(10_000) }
    }
}

pub(super) async fn list(shared: &Shared) -> Result<Response, CommandError> {
    let default = HistoryLimits::default();
    let stored = shared.store.read(|c| {
        Ok((
            sites::setting(c, super::DEFAULT_PUSH_SERVICE)?,
            sites::setting(c, sites::DND_SCHEDULE)?,
            sites::setting(c, HISTORY_DAYS)?,
            sites::setting(c, HISTORY_PER_SITE)?,
        ))
    });
    let (push_service, dnd_schedule, history_days, history_per_site) = stored.await?;
    let profile = shared.profile.clone();
    let file = blocking(move || ConfigFile::read(&profile)).await?;
    let setting = |key: SettingKey| {
        let (stored, default) = match key {
            SettingKey::PushService => (push_service.clone(), MOZILLA.to_owned()),
            SettingKey::DndSchedule => (dnd_schedule.clone(), OFF.to_owned()),
            SettingKey::HistoryDays => (history_days.clone(), written(default.days)),
            SettingKey::HistoryPerSite => (history_per_site.clone(), written(default.per_site)),
            SettingKey::CaFile => {
                (file.ca_file.as_ref().map(|path| path.display().to_string()), OFF.to_owned())
            }
        };
        Setting { key, is_default: stored.is_none(), value: stored.unwrap_or(default) }
    };
    Ok(Response::Settings(SettingKey::ALL.map(setting).into()))
}

pub(super) async fn set(
    shared: &Shared,
    key: SettingKey,
    value: Option<String>,
) -> Result<Response, CommandError> {
    if let Some(value) = &value {
        key.check(value)?;
    }
    match key {
        SettingKey::PushService => match value {
            Some(text) => services::set_default(shared, text.parse()?).await?,
            None => store(shared, super::DEFAULT_PUSH_SERVICE, None).await?,
        },
        SettingKey::DndSchedule => {
            let schedule =
                value.filter(|text| text != OFF).map(|text| text.parse::<Schedule>()).transpose()?;
            store(shared, sites::DND_SCHEDULE, schedule.map(|schedule| schedule.to_string())).await?;
            // What a person ended were the hours of the former one.
            store(shared, sites::SCHEDULE_LIFTED_UNTIL, None).await?;
            silence_changed(shared);
        }
        SettingKey::HistoryDays => store_limit(shared, HISTORY_DAYS, value).await?,
        SettingKey::HistoryPerSite => store_limit(shared, HISTORY_PER_SITE, value).await?,
        SettingKey::CaFile => {
            let path = value.filter(|text| text != OFF).map(PathBuf::from);
            let profile = shared.profile.clone();
            blocking(move || ConfigFile::set_ca_file(&profile, path.as_deref())).await?;
        }
    }
    shared.tell(Event::Changed);
    list(shared).await
}

/// The limits in force. One that cannot be read is the default.
pub(crate) async fn history_limits(shared: &Shared) -> Result<HistoryLimits, StoreError> {
    let stored =
        shared.store.read(|c| Ok((sites::setting(c, HISTORY_DAYS)?, sites::setting(c, HISTORY_PER_SITE)?)));
    let (days, per_site) = stored.await?;
    let default = HistoryLimits::default();
    Ok(HistoryLimits {
        days: days.map_or(default.days, |text| limit(&text).unwrap_or(default.days)),
        per_site: per_site.map_or(default.per_site, |text| limit(&text).unwrap_or(default.per_site)),
    })
}

async fn store_limit(shared: &Shared, key: &'static str, value: Option<String>) -> Result<(), CommandError> {
    store(shared, key, value).await?;
    shared.signals.tidy.notify_one();
    Ok(())
}

async fn store(shared: &Shared, key: &'static str, value: Option<String>) -> Result<(), CommandError> {
    let stored = shared.store.write(move |tx| {
        match value {
            Some(value) => sites::set_setting(tx, key, &value)?,
            None => sites::delete_setting(tx, key)?,
        }
        Ok(())
    });
    Ok(stored.await?)
}

/// `None`: it is no limit. `Some(None)`: there is none.
fn limit(text: &str) -> Option<Option<u32>> {
    if text == OFF { Some(None) } else { text.parse().ok().map(Some) }
}

fn written(limit: Option<u32>) -> String {
    limit.map_or_else(|| OFF.to_owned(), |count| count.to_string())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(CommandError::new(ErrorCode::Internal, error.to_string())))
}
