//! `belfry config …`: everything the settings page has.

use std::path;

use user_agent::api::{CommandError, Request, Response, SettingKey};
use user_agent::config::Mode;

use super::{ask, mixed_up};
use crate::args::{ConfigCommand, Global};
use crate::exit::Failure;
use crate::output::{Output, plain};

pub(crate) async fn run(global: &Global, command: ConfigCommand, output: Output) -> Result<(), Failure> {
    let (wanted, request) = match command {
        ConfigCommand::Get { key } => (key, Request::ListSettings),
        ConfigCommand::Set { key, value } => {
            let value = value.map(|value| complete(key, value)).transpose()?;
            (key, Request::SetSetting { key, value })
        }
    };
    let Response::Settings(settings) = ask(global, Mode::Offline, request).await? else {
        return Err(mixed_up());
    };
    let setting = settings.into_iter().find(|setting| setting.key == wanted).ok_or_else(mixed_up)?;
    output.print(&setting, || plain(&setting.value))
}

/// What is relative to this folder would be something else to the process that has the profile.
fn complete(key: SettingKey, value: String) -> Result<String, CommandError> {
    if key != SettingKey::CaFile || value == "off" {
        return Ok(value);
    }
    let path = path::absolute(&value).map_err(|error| CommandError::invalid(format!("{value}: {error}")))?;
    Ok(path.display().to_string())
}
