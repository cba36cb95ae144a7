//! Which of our notifications are on screen, and what a click on each means.

use std::collections::VecDeque;

use crate::api::EntryId;
use crate::notifier::{Activation, Card, Withdrawal};

/// More than a desktop's history holds. The oldest are forgotten first.
pub(crate) const LIVE_LIMIT: usize = 1_000;

/// Servers differ in whether a click or the closing that goes with it is reported first: clicks on the last closed
/// ones still count.
const CLOSED_LIMIT: usize = 64;

/// Longer ones are not activation tokens. Servers' tokens have some 40 to 150 characters.
const TOKEN_LIMIT: usize = 1_024;

/// Notifications by the id the server gave them.
#[derive(Debug, Default)]
pub(super) struct Shown {
    live: VecDeque<Entry>,
    closed: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    card: Card,
    token: Option<String>,
}

impl Shown {
    /// The server has shown it, in place of what had its id before.
    pub(super) fn insert(&mut self, card: Card) {
        self.live.retain(|entry| entry.card.id != card.id);
        self.closed.retain(|entry| entry.card.id != card.id);
        if self.live.len() >= LIVE_LIMIT {
            self.live.pop_front();
        }
        self.live.push_back(Entry { card, token: None });
    }

    /// The server has these from before, oldest first. Where it has given an id anew since, that counts.
    pub(super) fn restore(&mut self, cards: Vec<Card>) {
        for card in cards.into_iter().rev() {
            if self.live.len() < LIVE_LIMIT && !self.knows(card.id) {
                self.live.push_front(Entry { card, token: None });
            }
        }
    }

    /// Whether it is on screen or was lately.
    pub(super) fn knows(&self, id: u32) -> bool {
        self.live.iter().chain(&self.closed).any(|entry| entry.card.id == id)
    }

    /// Whether it is on screen.
    pub(super) fn is_live(&self, id: u32) -> bool {
        self.live.iter().any(|entry| entry.card.id == id)
    }

    /// What a new notification of this site with this tag replaces.
    pub(super) fn tagged(&self, site_id: &str, tag: &str) -> Option<u32> {
        let same = |card: &Card| !tag.is_empty() && card.tag == tag && card.site_id == site_id;
        self.live.iter().rev().find(|entry| same(&entry.card)).map(|entry| entry.card.id)
    }

    /// The notification of this entry, if it is on screen.
    pub(super) fn of_entry(&self, entry: EntryId) -> Option<u32> {
        self.live.iter().find(|live| live.card.entry == Some(entry)).map(|live| live.card.id)
    }

    /// Kept until the next click on this notification.
    pub(super) fn on_token(&mut self, id: u32, token: String) {
        if token.len() > TOKEN_LIMIT || token.chars().any(char::is_control) {
            return;
        }
        if let Some(entry) = self.find(id) {
            entry.token = Some(token);
        }
    }

    /// `None`: not ours, or not a key it was sent with.
    pub(super) fn on_action(&mut self, id: u32, key: &str) -> Option<Activation> {
        let entry = self.find(id)?;
        let token = entry.token.take();
        let action = entry.card.clicked(key)?;
        let activation = Activation { entry: entry.card.entry, action, token };
        self.closed.retain(|entry| entry.card.id != id);
        Some(activation)
    }

    /// Whether it was on screen.
    pub(super) fn on_closed(&mut self, id: u32) -> bool {
        let Some(index) = self.live.iter().position(|entry| entry.card.id == id) else { return false };
        if self.closed.len() >= CLOSED_LIMIT {
            self.closed.pop_front();
        }
        self.closed.extend(self.live.remove(index));
        true
    }

    /// Forgets these, so that clicks on them mean nothing any more. Returns those to close.
    pub(super) fn take(&mut self, which: &Withdrawal) -> Vec<u32> {
        let covered = |entry: &Entry| which.covers(&entry.card);
        let ids = self.live.iter().filter(|entry| covered(entry)).map(|entry| entry.card.id).collect();
        self.live.retain(|entry| !covered(entry));
        self.closed.retain(|entry| !covered(entry));
        ids
    }

    /// Forgets all: another server counts from the start again.
    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.closed.clear();
    }

    fn find(&mut self, id: u32) -> Option<&mut Entry> {
        self.live.iter_mut().chain(&mut self.closed).find(|entry| entry.card.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notifier::card::DEFAULT_KEY;

    /// With a link and a button.
    fn card(id: u32, entry: i64, site: &str, tag: &str) -> Card {
        Card {
            server: "s".into(),
            id,
            entry: Some(EntryId(entry)),
            site_id: site.into(),
            tag: tag.into(),
            clickable: true,
            buttons: 1,
        }
    }

    fn click(entry: i64, action: Option<usize>, token: Option<&str>) -> Option<Activation> {
        Some(Activation { entry: Some(EntryId(entry)), action, token: token.map(str::to_owned) })
    }

    #[test]
    fn a_token_goes_with_one_click() {
        let mut shown = Shown::default();
        shown.insert(card(7, 1, "s", ""));
        shown.on_token(7, "old".into());
        shown.on_token(7, "t".into());
        assert_eq!(shown.on_action(7, "a1.0"), click(1, Some(0), Some("t")));
        assert_eq!(shown.on_action(7, DEFAULT_KEY), click(1, None, None));
        shown.on_token(7, "a\0b".into());
        shown.on_token(7, "x".repeat(2_000));
        assert_eq!(shown.on_action(7, DEFAULT_KEY), click(1, None, None));
    }

    #[test]
    fn a_click_reported_after_the_closing_counts_once() {
        let mut shown = Shown::default();
        shown.insert(card(7, 1, "s", "t"));
        assert!(shown.on_closed(7));
        assert!(!shown.on_closed(7));
        assert_eq!(shown.tagged("s", "t"), None);
        shown.on_token(7, "t".into());
        assert_eq!(shown.on_action(7, DEFAULT_KEY), click(1, None, Some("t")));
        assert_eq!(shown.on_action(7, DEFAULT_KEY), None);
    }

    #[test]
    fn unknown_ids_and_keys_mean_nothing() {
        let mut shown = Shown::default();
        shown.insert(Card { clickable: false, ..card(7, 1, "s", "") });
        assert_eq!(shown.on_action(8, "a1.0"), None);
        for key in [DEFAULT_KEY, "a1.1", "a1.00", "a2.0", "", "a1."] {
            assert_eq!(shown.on_action(7, key), None, "{key}");
        }
        shown.insert(card(7, 2, "s", ""));
        assert_eq!(shown.on_action(7, "a1.0"), None);
        assert_eq!(shown.on_action(7, "a2.0"), click(2, Some(0), None));
        shown.clear();
        assert_eq!(shown.on_action(7, "a2.0"), None);
    }

    #[test]
    fn what_is_restored_is_older_than_what_is_there() {
        let mut shown = Shown::default();
        shown.insert(card(2, 20, "s", "t"));
        shown.restore(vec![card(1, 1, "s", "t"), card(2, 2, "s", "t"), card(3, 3, "s", "u")]);
        assert_eq!((shown.tagged("s", "t"), shown.tagged("s", "u")), (Some(2), Some(3)));
        assert_eq!(shown.on_action(2, DEFAULT_KEY), click(20, None, None));
        assert_eq!(shown.on_action(1, "a1.0"), click(1, Some(0), None));
    }

    #[test]
    fn only_what_is_meant_is_taken() {
        let mut shown = Shown::default();
        let cards = [card(1, 1, "a", "t"), card(2, 2, "b", "t"), card(3, 3, "a", ""), card(4, 4, "a", "u")];
        for card in cards {
            shown.insert(card);
        }
        assert_eq!(
            (shown.tagged("a", "t"), shown.tagged("b", "t"), shown.tagged("a", "")),
            (Some(1), Some(2), None)
        );
        let tagged = |tags: &[&str]| Withdrawal::Sent {
            site_id: "a".into(),
            tags: Some(tags.iter().map(|&tag| tag.to_owned()).collect()),
            last: EntryId(i64::MAX),
        };
        assert_eq!(shown.take(&tagged(&["", "x"])), [0_u32; 0]);
        assert_eq!(shown.take(&tagged(&["x", "t"])), [1]);
        assert_eq!(shown.on_action(1, DEFAULT_KEY), None);
        assert_eq!(shown.take(&Withdrawal::Entries(vec![EntryId(9), EntryId(3)])), [3]);
        assert_eq!(shown.take(&Withdrawal::Site("a".into())), [4]);
        assert_eq!(shown.tagged("b", "t"), Some(2));
    }

    #[test]
    fn memory_is_bounded() {
        let mut shown = Shown::default();
        for id in 0..2_000 {
            shown.insert(card(id, i64::from(id), "s", ""));
        }
        shown.restore((3_000..5_000).map(|id| card(id, 1, "s", "")).collect());
        assert_eq!(shown.live.len(), LIVE_LIMIT);
        assert_eq!(shown.on_action(999, DEFAULT_KEY), None);
        assert_eq!(shown.on_action(1_000, DEFAULT_KEY), click(1_000, None, None));
        for id in 1_000..2_000 {
            shown.on_closed(id);
        }
        assert_eq!((shown.live.len(), shown.closed.len()), (0, CLOSED_LIMIT));
    }
}
