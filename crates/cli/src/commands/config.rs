//! `belfry config …`: everything the settings page has.

use std::path;

use user_agent::api::{CommandError, Request, Response, SettingKey};
use user_agent::config::Mode;

use super::{ask, mixed_up, push_service_at};
use crate::args::{ConfigCommand, Global};
use crate::exit::Failure;
use crate::output::{Output, plain};

pub(crate) async fn run(global: &Global, command: ConfigCommand, output: Output) -> Result<(), Failure> {
    let (wanted, request) = match command {
        ConfigCommand::Get { key } => (key, Request::ListSettings),
        ConfigCommand::Set { key, value } => {
            let value = match value {
                Some(value) => Some(complete(key, value).await?),
                None => None,
            };
            (key, Request::SetSetting { key, value })
        }
    };
    let Response::Settings(settings) = ask(global, Mode::Offline, request).await? else {
        return Err(mixed_up());
    };
    let setting = settings.into_iter().find(|setting| setting.key == wanted).ok_or_else(mixed_up)?;
    output.print(&setting, || plain(&setting.value))
}

/// As the process that has the profile understands it, which is in another folder and starts no push service.
async fn complete(key: SettingKey, value: String) -> Result<String, Failure> {
    match key {
        SettingKey::PushService => Ok(push_service_at(value.parse()?).await?.to_string()),
        SettingKey::CaFile if value != "off" => {
            let invalid = |error| CommandError::invalid(format!("{value}: {error}"));
            Ok(path::absolute(&value).map_err(invalid)?.display().to_string())
        }
        SettingKey::CaFile
        | SettingKey::DndSchedule
        | SettingKey::HistoryDays
        | SettingKey::HistoryPerSite => Ok(value),
    }
}
