//! Matrix, through Sygnal: parts of an event, merged over an object of the client's choice.

use serde_json::{Map, Value};

use super::fields::{is_true, object, string, text, whole_number};
use super::json::{self, Places};
use super::plaintext::Plaintext;
use super::{AppBadge, Context, Control, Notification, Reading};

pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let document = plaintext.json()?;
    let event = document.as_object()?;
    let unread = event.get("unread").and_then(whole_number);
    let app_badge = unread.map(|count| if count == 0 { AppBadge::Clear } else { AppBadge::Count(count) });
    let Some(room) = text(event, "room_id") else {
        // Read elsewhere: a count, without an event.
        let counts_only =
            unread.is_some() && event.keys().all(|name| matches!(name.as_str(), "unread" | "missed_calls"));
        return counts_only.then(|| Reading { app_badge, ..Control::Badge.into() });
    };
    text(event, "event_id").or_else(|| text(event, "sender"))?;

    let names = ["room_name", "room_alias"].iter().find_map(|name| text(event, name));
    let sender = text(event, "sender_display_name").or_else(|| text(event, "sender"));
    let said = what_is_said(event);
    let body = match (&sender, said) {
        (Some(sender), Said::Words(words)) if names.is_some() => format!("{sender}: {words}"),
        (_, Said::Words(words)) => words,
        (Some(sender), Said::Done(deed)) => format!("{sender} {deed}"),
        (None, Said::Done(_) | Said::Nothing) | (Some(_), Said::Nothing) => "New message".into(),
    };
    // The client's own part may have a title, a picture and a link.
    let own =
        Places::of(document).and_then(|places| json::notification(&places, context)).unwrap_or_default();
    let title = names.or(sender).or_else(|| text(event, "title")).unwrap_or_else(|| context.site.to_owned());
    let notification = Notification { title, body, tag: room, ..own };
    Some(Reading { app_badge, ..notification.into() })
}

enum Said {
    /// A message's text.
    Words(String),
    /// What somebody did, after their name.
    Done(&'static str),
    /// Only that there is something.
    Nothing,
}

fn what_is_said(event: &Map<String, Value>) -> Said {
    if let Some(words) = object(event, "content").and_then(|content| text(content, "body")) {
        return Said::Words(words);
    }
    match (string(event, "type"), string(event, "membership")) {
        (Some("m.room.member") | None, Some("invite")) if is_true(event, "user_is_target") => {
            Said::Done("invited you")
        }
        (_, Some("invite")) => Said::Done("sent an invitation"),
        (Some("m.room.encrypted"), _) => Said::Done("sent an encrypted message"),
        (Some("m.call.invite"), _) => Said::Done("is calling"),
        (Some("m.reaction"), _) => Said::Done("reacted"),
        (Some("m.sticker"), _) => Said::Done("sent a sticker"),
        (Some("m.room.message"), _) => Said::Done("sent a message"),
        (Some(_) | None, _) => Said::Nothing,
    }
}
