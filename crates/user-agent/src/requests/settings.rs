//! What the settings page has.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{Shared, services, silence_changed};
use crate::api::{CommandError, ErrorCode, Event, OFF, Response, Setting, SettingKey};
use crate::config::{ConfigFile, MOZILLA};
use crate::permission::Schedule;
use crate::store::entries::{self, HistoryLimits};
use crate::store::{StoreError, sites};

const HISTORY_DAYS: &str = "history_days";
const HISTORY_PER_SITE: &str = "history_per_site";

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
    confirmed: bool,
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
        SettingKey::HistoryDays => {
            set_limit(shared, key, HISTORY_DAYS, |limits| &mut limits.days, value, confirmed).await?;
        }
        SettingKey::HistoryPerSite => {
            set_limit(shared, key, HISTORY_PER_SITE, |limits| &mut limits.per_site, value, confirmed).await?;
        }
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
    shared.store.read(|c| Ok(stored_limits(c)?)).await
}

fn stored_limits(c: &Connection) -> rusqlite::Result<HistoryLimits> {
    let default = HistoryLimits::default();
    let stored = |key, default| {
        let text = sites::setting(c, key)?;
        Ok::<_, rusqlite::Error>(text.and_then(|text| limit(&text)).unwrap_or(default))
    };
    Ok(HistoryLimits {
        days: stored(HISTORY_DAYS, default.days)?,
        per_site: stored(HISTORY_PER_SITE, default.per_site)?,
    })
}

/// Nothing brings back what is beyond a limit: one that takes more away than those in force has to be confirmed.
async fn set_limit(
    shared: &Shared,
    key: SettingKey,
    stored_as: &'static str,
    of: fn(&mut HistoryLimits) -> &mut Option<u32>,
    value: Option<String>,
    confirmed: bool,
) -> Result<(), CommandError> {
    let default = *of(&mut HistoryLimits::default());
    let wanted = value.as_deref().and_then(limit).unwrap_or(default);
    let now = Timestamp::now();
    let deletes = shared.store.write(move |tx| {
        if !confirmed {
            let in_force = stored_limits(tx)?;
            let mut limits = in_force;
            *of(&mut limits) = wanted;
            // What goes anyway at the next tidying is not lost by this.
            let more = entries::beyond(tx, limits, now)?.saturating_sub(entries::beyond(tx, in_force, now)?);
            if more > 0 {
                return Ok(more);
            }
        }
        write_setting(tx, stored_as, value.as_deref())?;
        Ok(0)
    });
    match deletes.await? {
        0 => shared.signals.tidy.notify_one(),
        count => return Err(CommandError::deletes(count, format_args!("{key} {}", written(wanted)))),
    }
    Ok(())
}

async fn store(shared: &Shared, key: &'static str, value: Option<String>) -> Result<(), CommandError> {
    Ok(shared.store.write(move |tx| Ok(write_setting(tx, key, value.as_deref())?)).await?)
}

fn write_setting(c: &Connection, key: &str, value: Option<&str>) -> rusqlite::Result<()> {
    match value {
        Some(value) => sites::set_setting(c, key, value),
        None => sites::delete_setting(c, key),
    }
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
