//! The clipboard. Written only, and only on a person's request.

use std::sync::{Mutex, PoisonError};

use user_agent::api::{CommandError, ErrorCode};

/// What is copied stays there as long as this does: on Linux the program that copied answers whoever pastes.
#[derive(Default)]
pub(crate) struct Clipboard(Mutex<Option<arboard::Clipboard>>);

impl Clipboard {
    /// Blocks for a moment; not for the main thread.
    pub(crate) fn set(&self, text: String) -> Result<(), CommandError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let clipboard = match open.take() {
            Some(clipboard) => open.insert(clipboard),
            None => open.insert(arboard::Clipboard::new().map_err(failed)?),
        };
        let result = clipboard.set_text(text).map_err(failed);
        if result.is_err() {
            // Its display may be gone: the next time starts anew.
            *open = None;
        }
        result
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: arboard::Error) -> CommandError {
    CommandError::new(ErrorCode::Internal, format!("the clipboard does not take it: {error}"))
}
