//! The desktop's own question for a file. A page cannot name one: what is written and read is what a person has chosen.

use std::path::PathBuf;

use tauri::WebviewWindow;
use user_agent::api::CommandError;

/// Where to write a file, by default with this name. The desktop has asked before another one is replaced. `None`: nowhere.
pub(crate) async fn to_save(window: &WebviewWindow, name: &str) -> Result<Option<PathBuf>, CommandError> {
    ask(window, Purpose::Save { name: name.to_owned() }).await
}

/// Which file to read. `None`: none.
pub(crate) async fn to_open(window: &WebviewWindow) -> Result<Option<PathBuf>, CommandError> {
    ask(window, Purpose::Open).await
}

enum Purpose {
    Save { name: String },
    Open,
}

impl Purpose {
    fn title(&self) -> &'static str {
        match self {
            Self::Save { .. } => "Export sites",
            Self::Open => "Import sites",
        }
    }
}

/// GTK's, which must be asked for in the thread that runs the window.
#[cfg(target_os = "linux")]
async fn ask(window: &WebviewWindow, purpose: Purpose) -> Result<Option<PathBuf>, CommandError> {
    use gtk::glib;
    use gtk::prelude::*;
    use gtk::{FileChooserAction, FileChooserNative, ResponseType};

    let (answer, answered) = tokio::sync::oneshot::channel();
    let parent = window.clone();
    let shown = window.run_on_main_thread(move || {
        let parent = parent.gtk_window().ok();
        let action = match purpose {
            Purpose::Save { .. } => FileChooserAction::Save,
            Purpose::Open => FileChooserAction::Open,
        };
        let dialog = FileChooserNative::new(Some(purpose.title()), parent.as_ref(), action, None, None);
        dialog.set_modal(true);
        // Not wherever the app was started.
        let folder = glib::user_special_dir(glib::UserDirectory::Documents).unwrap_or_else(glib::home_dir);
        dialog.set_current_folder(folder);
        if let Purpose::Save { name } = purpose {
            dialog.set_do_overwrite_confirmation(true);
            dialog.set_current_name(&name);
        }
        glib::MainContext::default().spawn_local(async move {
            let response = dialog.run_future().await;
            let file = dialog.filename().filter(|_| response == ResponseType::Accept);
            // Nobody waits any more when the app ends.
            let _ = answer.send(file);
        });
    });
    shown.map_err(|error| failed(&error))?;
    answered.await.map_err(|error| failed(&error))
}

#[cfg(target_os = "linux")]
fn failed(error: &dyn std::fmt::Display) -> CommandError {
    let message = format!("the desktop’s question for a file does not appear: {error}");
    CommandError::new(user_agent::api::ErrorCode::Internal, message)
}

#[cfg(not(target_os = "linux"))]
async fn ask(window: &WebviewWindow, purpose: Purpose) -> Result<Option<PathBuf>, CommandError> {
    let dialog = rfd::AsyncFileDialog::new().set_title(purpose.title()).set_parent(window);
    let file = match purpose {
        Purpose::Save { name } => dialog.set_file_name(name).save_file().await,
        Purpose::Open => dialog.pick_file().await,
    };
    Ok(file.map(|file| file.path().to_owned()))
}
