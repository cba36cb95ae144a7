//! Mastodon and compatible servers: text only. There is no link; the person's own server lists its notifications.

use super::fields::{string, text, url};
use super::plaintext::Plaintext;
use super::{Context, Notification, Reading};

/// Where every server of the family's web client has the list.
const LIST: &str = "/notifications";

pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Option<Reading> {
    let message = plaintext.json()?.as_object()?;
    let kind = string(message, "notification_type")?;
    let tag = text(message, "notification_id")?;
    let notification = Notification {
        title: text(message, "title").unwrap_or_else(|| title_of(kind)),
        body: text(message, "body").unwrap_or_default(),
        navigate: context.base.and_then(|base| base.join(LIST).ok()),
        lang: string(message, "preferred_locale").unwrap_or_default().to_owned(),
        tag,
        icon: url(message, "icon", context.base),
        ..Notification::default()
    };
    Some(notification.into())
}

/// For Pleroma, which may leave the title out.
fn title_of(kind: &str) -> String {
    match kind {
        "mention" => "You were mentioned",
        "status" => "New post",
        "reblog" => "Your post was boosted",
        "favourite" => "Your post was favourited",
        "follow" => "New follower",
        "follow_request" => "New follow request",
        "poll" => "A poll has ended",
        "update" => "A post was edited",
        "quote" => "Your post was quoted",
        "admin.sign_up" => "New sign-up",
        "admin.report" => "New report",
        "pleroma:chat_mention" => "New chat message",
        "pleroma:emoji_reaction" => "New reaction",
        _ => "New notification",
    }
    .to_owned()
}
