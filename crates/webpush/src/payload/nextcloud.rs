//! Nextcloud: `{nid, app, subject, type, id}`. Its frames that withdraw or activate are [`super::control`]'s.

use super::fields::{string, text};
use super::plaintext::Plaintext;
use super::{Context, Notification, Reading};

pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let message = plaintext.json()?.as_object()?;
    let tag = text(message, "nid")?;
    string(message, "app")?;
    let subject = text(message, "subject")?;
    let (title, body) = subject.split_once('\n').unwrap_or((&subject, ""));
    let notification = Notification {
        title: title.trim().to_owned(),
        body: body.trim().to_owned(),
        // The page that lists what is new; the push says nothing of where it happened.
        navigate: context.base.cloned(),
        tag,
        ..Notification::default()
    };
    Some(notification.into())
}
