//! Firebase Cloud Messaging: `notification` for the service worker, `data` for the application.

use serde_json::{Map, Value};

use super::fields::{object, string};
use super::json::{self, Places};
use super::plaintext::Plaintext;
use super::{Context, Notification, Reading};

/// Told by what the service adds. The message itself is read as flat JSON, without the envelope: `from` is a number, and
/// `priority` and `collapse_key` are about delivery.
pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let message = plaintext.json()?.as_object()?;
    let is_stamped = message.contains_key("fcmMessageId");
    let is_from_a_sender = string(message, "from").is_some()
        && (message.contains_key("notification") || message.contains_key("data"));
    if !is_stamped && !is_from_a_sender {
        return None;
    }
    let written = ["notification", "data"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), message.get(*name)?.clone())));
    let written = written.collect();
    let notification = json::notification(&Places::of(&written)?, context)?;
    let link = ["fcmOptions", "fcm_options"].iter().find_map(|name| string(object(message, name)?, "link"));
    let navigate = link
        .and_then(|link| json::web_link(link, context.base))
        .or(notification.navigate)
        .or_else(|| context.base.filter(|_| is_from_the_console(message)).cloned());
    Some(Notification { navigate, ..notification }.into())
}

/// Campaigns of Firebase's console open the site where they name no page.
fn is_from_the_console(message: &Map<String, Value>) -> bool {
    object(message, "data").is_some_and(|data| data.contains_key("google.c.a.c_id"))
}
