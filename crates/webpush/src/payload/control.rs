//! Frames that change what is shown, and say nothing by themselves.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use super::fields::{as_text, is_blank, is_true, string};
use super::json::{Places, plain, words_of};
use super::plaintext::Plaintext;
use super::{Context, Notification, Reading, bounds};

/// What a sender wants done. Tags are those of [`Notification::tag`]. `Debug` shows nothing a sender wrote.
#[derive(Clone, PartialEq, Eq)]
pub enum Control {
    /// Take the site's notifications with these tags off the screen: they were seen or revoked elsewhere.
    Withdraw(Vec<String>),
    /// The same for all of the site's notifications.
    WithdrawAll,
    /// Nextcloud wants this token back, through its own interface, before it sends anything else.
    Activate {
        /// Letters, digits, `-` and `_`: harmless in a command.
        token: String,
    },
    /// The sender is about to forget the subscription unless it is renewed there.
    SubscriptionExpiring,
    /// Nothing but a new count for the application's icon: [`super::Payload::app_badge`].
    Badge,
}

/// The longest token that is believed; Nextcloud's has 36 characters.
const LONGEST_TOKEN: usize = 128;

/// In bytes; more is no name of a kind.
const LONGEST_KIND: usize = 64;

/// Names under which an object says what it is.
const KIND: &[&str] = &["event", "type", "action", "operation", "command", "method", "kind"];

/// Words for "take it off the screen", without what surrounds them.
const WITHDRAW: [&str; 14] = [
    "dismiss",
    "dismissed",
    "close",
    "clear",
    "cleared",
    "delete",
    "deleted",
    "remove",
    "removed",
    "withdraw",
    "revoke",
    "cancel",
    "canceled",
    "cancelled",
];

/// What a notification's tag may be called.
const TAGS: [&str; 3] = ["tag", "nid", "notificationid"];

/// Nextcloud's and Home Assistant's frames, ntfy's expiry, and what others write in their manner.
pub(super) fn read(plaintext: &Plaintext, _: Context<'_>) -> Option<Reading> {
    let document = plaintext.json()?;
    let frame = document.as_object()?;
    let places = Places::of(document)?;
    if places.has_text() {
        return None;
    }
    let control = activation(frame).or_else(|| expiry(frame)).or_else(|| withdrawal(frame, &places))?;
    Some(Reading::from(control.bounded()))
}

fn activation(frame: &Map<String, Value>) -> Option<Control> {
    let token = string(frame, "activationToken")?;
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let valid = !token.is_empty() && token.len() <= LONGEST_TOKEN && token.chars().all(harmless);
    valid.then(|| Control::Activate { token: token.to_owned() })
}

fn expiry(frame: &Map<String, Value>) -> Option<Control> {
    let kind = KIND.iter().find_map(|name| string(frame, name))?;
    (kind == "subscription_expiring").then_some(Control::SubscriptionExpiring)
}

fn withdrawal(frame: &Map<String, Value>, places: &Places<'_>) -> Option<Control> {
    if is_true(frame, "delete-all") {
        return Some(Control::WithdrawAll);
    }
    if is_true(frame, "delete-multiple") {
        let tags = frame.get("nids")?.as_array()?;
        return Some(Control::Withdraw(tags.iter().filter_map(as_text).collect()));
    }
    // Whoever names a notification and says nothing at all of it has nothing to show any more. Not by an id: that may as well
    // be one to fetch the news by.
    let is_name_alone = |(name, value): (&String, &Value)| plain(name) == "tag" || is_blank(value);
    let says_nothing = frame.iter().all(is_name_alone);
    let tag = places.tag(&TAGS);
    // Without a tag, Home Assistant's page closes all.
    if is_true(frame, "dismiss") {
        return Some(tag.map_or(Control::WithdrawAll, |tag| Control::Withdraw(vec![tag])));
    }
    let says_so = WITHDRAW.iter().any(|word| is_true(frame, word));
    let is_called_so = || places.kinds(KIND).any(means_withdraw);
    let said = says_so || is_called_so() || says_nothing;
    said.then_some(Control::Withdraw(vec![tag?]))
}

/// `dismiss`, `notification.dismiss`, `CLEAR_NOTIFICATION`, `notificationDeleted`; but not `file_deleted`, which is news.
fn means_withdraw(kind: &str) -> bool {
    if kind.len() > LONGEST_KIND {
        return false;
    }
    let mut words = words_of(kind);
    words.retain(|word| !matches!(word.as_str(), "" | "notification" | "notifications" | "push" | "message"));
    matches!(words.as_slice(), [word] if WITHDRAW.contains(&word.as_str()))
}

impl Control {
    /// For the person, where something is left to do that only a person can.
    pub fn notification(&self, context: Context<'_>) -> Option<Notification> {
        let said = match self {
            Self::Activate { token } => Notification {
                title: format!("{} asks to confirm the subscription", context.site),
                body: "Nothing arrives before it has its token back. Copy the command from Belfry's inbox, put your name and \
                       the app password that you subscribed with into it, and run it in a terminal."
                    .into(),
                command: Some(format!(
                    "curl -u NAME:APP_PASSWORD -H 'OCS-APIRequest: true' -d 'activationToken={token}' '{}'",
                    activation_url(context.base)
                )),
                ..Notification::default()
            },
            Self::SubscriptionExpiring => Notification {
                title: format!("{} is about to stop sending", context.site),
                body: "Its subscription expires. Open the site, or give it the subscription again, to go on receiving."
                    .into(),
                navigate: context.base.cloned(),
                ..Notification::default()
            },
            Self::Withdraw(_) | Self::WithdrawAll | Self::Badge => return None,
        };
        Some(said.bounded())
    }

    fn bounded(self) -> Self {
        match self {
            Self::Withdraw(tags) => {
                let tags = tags.iter().take(bounds::WITHDRAWN).map(|tag| bounds::key(tag, bounds::NAME));
                Self::Withdraw(tags.filter(|tag| !tag.is_empty()).collect())
            }
            Self::WithdrawAll | Self::Activate { .. } | Self::SubscriptionExpiring | Self::Badge => self,
        }
    }
}

/// A single quote would end the command's argument.
fn activation_url(base: Option<&Url>) -> String {
    let path = "ocs/v2.php/apps/notifications/api/v2/webpush/activate";
    let url = base.and_then(|base| base.join(path).ok()).map(String::from);
    url.unwrap_or_else(|| format!("https://YOUR-NEXTCLOUD/{path}")).replace('\'', "%27")
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withdraw(tags) => write!(f, "Withdraw({} tags)", tags.len()),
            Self::WithdrawAll => f.write_str("WithdrawAll"),
            Self::Activate { .. } => f.write_str("Activate(…)"),
            Self::SubscriptionExpiring => f.write_str("SubscriptionExpiring"),
            Self::Badge => f.write_str("Badge"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_withdrawing_are_told_from_news_of_deletions() {
        for kind in ["dismiss", "notification.dismiss", "CLEAR_NOTIFICATION", "notificationDeleted", "Close"]
        {
            assert!(means_withdraw(kind), "{kind}");
        }
        for kind in ["file_deleted", "clear_sky", "deleteAccount", "disclose", "", "notification"] {
            assert!(!means_withdraw(kind), "{kind}");
        }
    }

    #[test]
    fn debug_shows_nothing_a_sender_wrote() {
        let (token, tags) = ("Ada".to_owned(), vec!["Ada".to_owned()]);
        assert_eq!(
            format!("{:?} {:?}", Control::Activate { token }, Control::Withdraw(tags)),
            "Activate(…) Withdraw(1 tags)"
        );
    }
}
