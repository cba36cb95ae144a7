//! A notification on screen: what a click on it means, and which of them are to be taken away.

use crate::api::EntryId;

/// The key of a click on the notification itself, by the specification.
#[cfg(target_os = "linux")]
pub(super) const DEFAULT_KEY: &str = "default";

/// A notification that a server has, or had. With this alone a click on it is understood and it can be replaced or taken
/// away, also by a later process of ours. `Debug` shows nothing a sender wrote.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Card {
    /// The run of the notification server: a later one gives the same ids to others.
    pub server: String,
    /// The id it was given.
    pub id: u32,
    /// The entry of its [`Popup`](super::Popup).
    pub entry: Option<EntryId>,
    /// The site of its [`Popup`](super::Popup).
    pub site_id: String,
    /// Empty: it has none.
    pub tag: String,
    /// Whether a click on the notification itself was offered.
    pub clickable: bool,
    /// Its buttons are among the first so many of its notification's actions.
    pub buttons: u32,
}

/// Which notifications to take off the screen. `Debug` shows no tags.
#[derive(Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// All of a site.
    Site(String),
    /// Those that a sender had sent when it took them back.
    Sent {
        /// Whose.
        site_id: String,
        /// None of them empty. `None`: all of them.
        tags: Option<Vec<String>>,
        /// The newest entry by then: what came after has not been taken back.
        last: EntryId,
    },
    /// Those of these entries.
    Entries(Vec<EntryId>),
}

impl Card {
    /// What the desktop calls a button. By the entry, so that a late click on a notification that has been replaced never
    /// meets a button of its successor, whichever process of ours sent either.
    pub(super) fn key(&self, button: usize) -> String {
        match self.entry {
            Some(entry) => format!("a{entry}.{button}"),
            None => format!("a.{button}"),
        }
    }

    /// What was clicked: the index of a button, `None` for the notification itself. Nothing for a key it was not sent with.
    #[cfg(target_os = "linux")]
    pub(super) fn clicked(&self, key: &str) -> Option<Option<usize>> {
        if key == DEFAULT_KEY {
            return self.clickable.then_some(None);
        }
        (0..usize::try_from(self.buttons).ok()?).find(|button| self.key(*button) == key).map(Some)
    }
}

impl Withdrawal {
    pub(super) fn covers(&self, card: &Card) -> bool {
        match self {
            Self::Site(site_id) => card.site_id == *site_id,
            Self::Sent { site_id, tags, last } => {
                let is_named = |tags: &Vec<String>| !card.tag.is_empty() && tags.contains(&card.tag);
                card.site_id == *site_id
                    && card.entry.is_none_or(|entry| entry <= *last)
                    && tags.as_ref().is_none_or(is_named)
            }
            Self::Entries(entries) => card.entry.is_some_and(|entry| entries.contains(&entry)),
        }
    }
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Card({} on {}, {:?})", self.id, self.server, self.entry)
    }
}

impl std::fmt::Debug for Withdrawal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Site(site_id) => write!(f, "Site({site_id})"),
            Self::Sent { site_id, tags, last } => {
                write!(f, "Sent({site_id}, {:?} tags, {last})", tags.as_ref().map(Vec::len))
            }
            Self::Entries(entries) => write!(f, "Entries({entries:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_a_sender_wrote() {
        let card = Card { tag: "wren".into(), ..Card::default() };
        let tagged = sent(Some("wren"), 1);
        assert!(!format!("{card:?} {tagged:?}").contains("wren"));
    }

    fn sent(tag: Option<&str>, last: i64) -> Withdrawal {
        let tags = tag.map(|tag| vec![tag.to_owned()]);
        Withdrawal::Sent { site_id: "s".into(), tags, last: EntryId(last) }
    }

    #[test]
    fn what_is_taken_back_is_what_had_been_sent_by_then() {
        let card = |entry| Card {
            entry: Some(EntryId(entry)),
            site_id: "s".into(),
            tag: "t".into(),
            ..Card::default()
        };
        for tag in [Some("t"), None] {
            assert!(sent(tag, 5).covers(&card(5)) && !sent(tag, 5).covers(&card(6)));
        }
        assert!(!sent(Some("other"), 5).covers(&card(5)));
        assert!(!sent(Some(""), 5).covers(&Card { tag: String::new(), ..card(5) }));
    }
}
