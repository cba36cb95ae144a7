//! What the window may call. Anything else it cannot reach: see `capabilities/`.

use std::sync::Arc;

use serde_json::Value;
use tauri::{State, WebviewWindow};
use user_agent::api::{CommandError, ErrorCode, FilePassphrase, ImportedSite, Request, Response};
use user_agent::config::PushServiceUrl;

use crate::clipboard::Clipboard;
use crate::receiver::Receiver;
use crate::transfer::{self, Chosen, SitesFile, Written};
use crate::{file_dialog, local};

/// Asks the engine.
#[tauri::command]
pub(crate) async fn request(
    request: Value,
    receiver: State<'_, Arc<Receiver>>,
) -> Result<Response, CommandError> {
    let request = parse(request)?;
    let removed = request.removed_push_service().cloned();
    let response = receiver.client().await?.request(request).await?;
    if let Some(url) = removed {
        push_service::local::release(url.url()).await;
    }
    Ok(response)
}

/// Puts text on the clipboard.
#[tauri::command(async)]
pub(crate) fn copy_text(text: String, clipboard: State<'_, Clipboard>) -> Result<(), CommandError> {
    clipboard.set(text)
}

/// The URL of this user's own push service, whether it runs or not; nothing before its first start.
#[tauri::command(async)]
pub(crate) fn local_push_service() -> Result<Option<PushServiceUrl>, CommandError> {
    local::known()
}

/// The same, and it runs when this returns.
#[tauri::command]
pub(crate) async fn start_local_push_service() -> Result<PushServiceUrl, CommandError> {
    local::url().await
}

/// Writes all sites to a file that a person chooses, with their subscriptions where there is a passphrase. Nothing when
/// none was chosen.
#[tauri::command]
pub(crate) async fn export_sites(
    passphrase: Option<FilePassphrase>,
    window: WebviewWindow,
    receiver: State<'_, Arc<Receiver>>,
) -> Result<Option<Written>, CommandError> {
    let Some(file) = file_dialog::to_save(&window, transfer::FILE_NAME).await? else { return Ok(None) };
    transfer::export(&receiver.client().await?, passphrase, file).await.map(Some)
}

/// Reads a file of sites that a person chooses, for [`import_sites`]. Nothing when none was chosen.
#[tauri::command]
pub(crate) async fn choose_sites_file(
    window: WebviewWindow,
    chosen: State<'_, Chosen>,
) -> Result<Option<SitesFile>, CommandError> {
    let Some(file) = file_dialog::to_open(&window).await? else { return Ok(None) };
    chosen.read(file).await.map(Some)
}

/// Makes the sites of the file that was chosen last.
#[tauri::command]
pub(crate) async fn import_sites(
    passphrase: Option<FilePassphrase>,
    chosen: State<'_, Chosen>,
    receiver: State<'_, Arc<Receiver>>,
) -> Result<Vec<ImportedSite>, CommandError> {
    chosen.import(&receiver.client().await?, passphrase).await
}

/// A request of the window's. Its reasons for not being one are for people, so they do not come from Tauri.
fn parse(request: Value) -> Result<Request, CommandError> {
    let request =
        serde_json::from_value(request).map_err(|error| CommandError::invalid(error.to_string()))?;
    if allowed(&request) {
        Ok(request)
    } else {
        Err(CommandError::new(ErrorCode::Unsupported, "the window may not ask for that"))
    }
}

/// Whether the window has a use for it. A new request does not compile until that is decided.
fn allowed(request: &Request) -> bool {
    match request {
        Request::Status
        | Request::AddSite(_)
        | Request::ListSites
        | Request::ShowSite { .. }
        | Request::SetSite { .. }
        | Request::DisconnectSite { .. }
        | Request::RemoveSite { .. }
        | Request::ListEntries(_)
        | Request::ShowEntry { .. }
        | Request::ListPayloads { .. }
        | Request::PreviewMapping { .. }
        | Request::ShowPicture { .. }
        | Request::MarkRead { .. }
        | Request::DeleteEntries { .. }
        | Request::RestoreEntries { .. }
        | Request::OpenEntry { .. }
        | Request::SetDoNotDisturb { .. }
        | Request::SetDefaultPushService { .. }
        | Request::Unlock
        | Request::ListPushServices
        | Request::AddPushService { .. }
        | Request::RemovePushService { .. }
        | Request::ListSettings
        | Request::SetSetting { .. }
        | Request::Diagnose => true,
        // Only by way of a file that a person chooses: what is in it stays out of the page.
        Request::ExportSites { .. } | Request::ImportSites { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_window_asks_for_what_it_shows() {
        assert_eq!(parse(json!({"request": "status"})), Ok(Request::Status));
        let shown = parse(json!({"request": "show_site", "site": "Backups"}));
        assert_eq!(shown, Ok(Request::ShowSite { site: "Backups".into() }));
    }

    #[test]
    fn the_window_is_refused_the_rest() {
        let code = |request| parse(request).unwrap_err().code;
        assert_eq!(code(json!({"request": "format_disk"})), ErrorCode::Invalid);
        assert_eq!(code(json!("status")), ErrorCode::Invalid);
        let export = json!({"request": "export_sites", "passphrase": "p"});
        assert_eq!(code(export), ErrorCode::Unsupported);
    }

    #[test]
    fn a_push_service_that_is_none_is_refused_with_the_reason() {
        let error = parse(json!({"request": "set_default_push_service", "url": "https://push.example/"}));
        let error = error.unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid);
        assert!(error.message.contains("wss://"), "{error}");
    }
}
