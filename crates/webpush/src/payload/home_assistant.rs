//! Home Assistant's HTML5 push: options of the Notifications API, and buttons that call back.

use super::fields::{self, object, text};
use super::json::{self, Places};
use super::plaintext::Plaintext;
use super::{Action, Context, Notification, Reading, Request};

/// Where Home Assistant's own pictures are.
const PICTURES: &str = "/static/";

/// Told by the callback token, which is gone by now, or by the pictures it sends where the automation names none.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let document = plaintext.json()?;
    let message = document.as_object()?;
    object(message, "data")?;
    text(message, "tag")?;
    let has_its_picture = || {
        fields::string(message, "badge")
            .is_some_and(|badge| badge.starts_with(PICTURES) && message.contains_key("timestamp"))
    };
    if !plaintext.had_callback_token() && !has_its_picture() {
        return None;
    }
    let notification = json::notification(&Places::of(document)?, context)?;
    let actions = notification.actions.into_iter().map(calling_back).collect();
    Some(Notification { actions, ..notification }.into())
}

/// The service worker tells Home Assistant which button was clicked; a button with a link of its own is an extension.
fn calling_back(action: Action) -> Action {
    let request = match (&action.navigate, action.request) {
        (None, None) => Some(Request::Callback),
        (_, request) => request,
    };
    Action { request, ..action }
}
