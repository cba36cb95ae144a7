//! Which of our notifications are on screen, and what a click on each means.

use std::collections::VecDeque;

use crate::api::EntryId;
use crate::notifier::Activation;

/// More than a desktop's history holds. The oldest are forgotten first.
const LIVE_LIMIT: usize = 1_000;

/// Servers differ in whether a click or the closing that goes with it is reported first: clicks on the last closed
/// ones still count.
const CLOSED_LIMIT: usize = 64;

/// Longer ones are not activation tokens. Servers' tokens have some 40 to 150 characters.
const TOKEN_LIMIT: usize = 1_024;

/// The key of a click on the notification itself, by the specification.
pub(super) const DEFAULT_KEY: &str = "default";

/// A notification that the server has, or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) entry: Option<EntryId>,
    pub(super) site_id: String,
    /// Empty: it has none.
    pub(super) tag: String,
    /// The action keys it was sent with; the index of the button, `None` for the notification itself.
    pub(super) keys: Vec<(String, Option<usize>)>,
}

/// Notifications by the id the server gave them.
#[derive(Debug, Default)]
pub(super) struct Shown {
    live: VecDeque<Entry>,
    closed: VecDeque<Entry>,
    keys_given: u64,
}

#[derive(Debug)]
struct Entry {
    id: u32,
    card: Card,
    token: Option<String>,
}

impl Shown {
    /// A key for a button. No two are ever equal, so a late click on a notification that has been replaced never meets
    /// a button of its successor.
    pub(super) fn next_key(&mut self) -> String {
        self.keys_given += 1;
        format!("a{}", self.keys_given)
    }

    /// The server has shown it under this id, in place of what had that id before.
    pub(super) fn insert(&mut self, id: u32, card: Card) {
        self.live.retain(|entry| entry.id != id);
        self.closed.retain(|entry| entry.id != id);
        if self.live.len() >= LIVE_LIMIT {
            self.live.pop_front();
        }
        self.live.push_back(Entry { id, card, token: None });
    }

    /// Whether it is on screen or was lately.
    pub(super) fn knows(&self, id: u32) -> bool {
        self.live.iter().chain(&self.closed).any(|entry| entry.id == id)
    }

    /// What a new notification of this site with this tag replaces.
    pub(super) fn tagged(&self, site_id: &str, tag: &str) -> Option<u32> {
        let same = |card: &Card| !tag.is_empty() && card.tag == tag && card.site_id == site_id;
        self.live.iter().rev().find(|entry| same(&entry.card)).map(|entry| entry.id)
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
        let (_, action) = entry.card.keys.iter().find(|(known, _)| known == key)?;
        let activation = Activation { entry: entry.card.entry, action: *action, token };
        self.closed.retain(|entry| entry.id != id);
        Some(activation)
    }

    pub(super) fn on_closed(&mut self, id: u32) {
        let Some(index) = self.live.iter().position(|entry| entry.id == id) else { return };
        if self.closed.len() >= CLOSED_LIMIT {
            self.closed.pop_front();
        }
        self.closed.extend(self.live.remove(index));
    }

    /// Forgets a site's notifications, so that clicks on them mean nothing any more. Returns those to close.
    pub(super) fn take_site(&mut self, site_id: &str) -> Vec<u32> {
        let of_site = |entry: &Entry| entry.card.site_id == site_id;
        let ids = self.live.iter().filter(|entry| of_site(entry)).map(|entry| entry.id).collect();
        self.live.retain(|entry| !of_site(entry));
        self.closed.retain(|entry| !of_site(entry));
        ids
    }

    /// Forgets all: another server counts from the start again. Keys go on counting.
    pub(super) fn clear(&mut self) {
        self.live.clear();
        self.closed.clear();
    }

    fn find(&mut self, id: u32) -> Option<&mut Entry> {
        self.live.iter_mut().chain(&mut self.closed).find(|entry| entry.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(entry: i64, site: &str, tag: &str, keys: &[(&str, Option<usize>)]) -> Card {
        let keys = keys.iter().map(|(key, action)| ((*key).to_owned(), *action)).collect();
        Card { entry: Some(EntryId(entry)), site_id: site.into(), tag: tag.into(), keys }
    }

    fn click(entry: i64, action: Option<usize>, token: Option<&str>) -> Option<Activation> {
        Some(Activation { entry: Some(EntryId(entry)), action, token: token.map(str::to_owned) })
    }

    #[test]
    fn a_token_goes_with_one_click() {
        let mut shown = Shown::default();
        shown.insert(7, card(1, "s", "", &[(DEFAULT_KEY, None), ("a1", Some(0))]));
        shown.on_token(7, "old".into());
        shown.on_token(7, "t".into());
        assert_eq!(shown.on_action(7, "a1"), click(1, Some(0), Some("t")));
        assert_eq!(shown.on_action(7, DEFAULT_KEY), click(1, None, None));
        shown.on_token(7, "a\0b".into());
        shown.on_token(7, "x".repeat(2_000));
        assert_eq!(shown.on_action(7, DEFAULT_KEY), click(1, None, None));
    }

    #[test]
    fn a_click_reported_after_the_closing_counts_once() {
        let mut shown = Shown::default();
        shown.insert(7, card(1, "s", "t", &[(DEFAULT_KEY, None)]));
        shown.on_closed(7);
        assert_eq!(shown.tagged("s", "t"), None);
        shown.on_token(7, "t".into());
        assert_eq!(shown.on_action(7, DEFAULT_KEY), click(1, None, Some("t")));
        assert_eq!(shown.on_action(7, DEFAULT_KEY), None);
    }

    #[test]
    fn unknown_ids_and_keys_mean_nothing() {
        let mut shown = Shown::default();
        shown.insert(7, card(1, "s", "", &[("a1", Some(0))]));
        assert_eq!(shown.on_action(8, "a1"), None);
        assert_eq!(shown.on_action(7, DEFAULT_KEY), None);
        shown.insert(7, card(2, "s", "", &[("a2", Some(0))]));
        assert_eq!(shown.on_action(7, "a1"), None);
        assert_eq!(shown.on_action(7, "a2"), click(2, Some(0), None));
        shown.clear();
        assert_eq!(shown.on_action(7, "a2"), None);
    }

    #[test]
    fn tags_are_a_sites_own_and_an_empty_one_is_none() {
        let mut shown = Shown::default();
        shown.insert(1, card(1, "a", "t", &[]));
        shown.insert(2, card(2, "b", "t", &[]));
        shown.insert(3, card(3, "a", "", &[]));
        assert_eq!(
            (shown.tagged("a", "t"), shown.tagged("b", "t"), shown.tagged("a", "")),
            (Some(1), Some(2), None)
        );
        assert_eq!(shown.take_site("a"), [1, 3]);
        assert_eq!((shown.tagged("a", "t"), shown.tagged("b", "t")), (None, Some(2)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut shown = Shown::default();
        for id in 0..2_000 {
            shown.insert(id, card(i64::from(id), "s", "", &[(DEFAULT_KEY, None)]));
        }
        assert_eq!(shown.live.len(), LIVE_LIMIT);
        assert_eq!(shown.on_action(999, DEFAULT_KEY), None);
        assert_eq!(shown.on_action(1_000, DEFAULT_KEY), click(1_000, None, None));
        for id in 1_000..2_000 {
            shown.on_closed(id);
        }
        assert_eq!((shown.live.len(), shown.closed.len()), (0, CLOSED_LIMIT));
    }
}
