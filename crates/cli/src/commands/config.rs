//! `belfry config …`: everything the settings page has.

use std::io::{self, IsTerminal as _};
use std::path;

use user_agent::Client;
use user_agent::api::{CommandError, ErrorCode, Request, Response, SettingKey};
use user_agent::config::Mode;

use super::{ask, confirmed, mixed_up, push_service_at, with_engine};
use crate::args::{ConfigCommand, Global};
use crate::exit::Failure;
use crate::output::{Output, plain};

pub(crate) async fn run(global: &Global, command: ConfigCommand, output: Output) -> Result<(), Failure> {
    let (wanted, answer) = match command {
        ConfigCommand::Get { key } => (key, ask(global, Mode::Offline, Request::ListSettings).await?),
        ConfigCommand::Set { key, value, yes } => {
            let value = match value {
                Some(value) => Some(complete(key, value).await?),
                None => None,
            };
            let set = async |client: &Client| set(client, key, value, yes).await;
            (key, with_engine(global, Mode::Offline, set).await?)
        }
    };
    let Response::Settings(settings) = answer else {
        return Err(mixed_up());
    };
    let setting = settings.into_iter().find(|setting| setting.key == wanted).ok_or_else(mixed_up)?;
    output.print(&setting, || plain(&setting.value))
}

/// What would delete messages is asked about, where there is somebody to ask.
async fn set(
    client: &Client,
    key: SettingKey,
    value: Option<String>,
    yes: bool,
) -> Result<Response, Failure> {
    let request = |confirmed| Request::SetSetting { key, value: value.clone(), confirmed };
    match client.request(request(yes)).await {
        Err(CommandError { code: ErrorCode::Unconfirmed, deletes: Some(count), .. })
            if io::stdin().is_terminal() =>
        {
            let messages = if count == 1 { "1 message".to_owned() } else { format!("{count} messages") };
            if confirmed(&format!("Delete {messages}? This cannot be undone."))? {
                return Ok(client.request(request(true)).await?);
            }
            Err(CommandError::new(ErrorCode::Unconfirmed, "nothing was changed").into())
        }
        answer => Ok(answer?),
    }
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
