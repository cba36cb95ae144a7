//! What the push service has promised, and whether it was kept.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;

/// The title of the push that ends a soak.
pub(super) const FAREWELL: &str = "That was all";

/// What every other title begins with.
pub(super) const PREFIX: &str = "Push ";

/// Pushes by number.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accepted: BTreeSet<u32>,
    unanswered: BTreeSet<u32>,
}

/// The title of a push, by which it is known everywhere.
pub(super) fn title(number: u32) -> String {
    format!("{PREFIX}{number:06}")
}

/// Which push has this title.
pub(super) fn number(title: &str) -> Option<u32> {
    title.strip_prefix(PREFIX)?.parse().ok()
}

impl Ledger {
    /// The push service has answered 201.
    pub(super) fn accept(&mut self, number: u32) {
        self.accepted.insert(number);
    }

    /// It has not answered: the push may arrive or not, but not twice.
    pub(super) fn leave_open(&mut self, number: u32) {
        self.unanswered.insert(number);
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.len()
    }

    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// What was accepted and is not among these.
    pub(super) fn missing(&self, present: &BTreeSet<u32>) -> BTreeSet<u32> {
        self.accepted.difference(present).copied().collect()
    }

    /// Everything accepted is in the history once and was shown, everything else at most once, and no more notifications
    /// were repeated than the receiver was killed. Returns how many were.
    pub(super) fn judge(&self, history: &[Value], shown: &[String], kills: u32) -> Result<u32> {
        let mut complaints = Vec::new();
        let mut entries: BTreeMap<u32, u32> = BTreeMap::new();
        for entry in history {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let is_failure = entry.get("failure").is_none_or(|failure| !failure.is_null());
            if is_failure || text("disposition") != "shown" {
                complaints.push(format!(
                    "an entry that was not shown: {} {}",
                    text("title"),
                    text("disposition")
                ));
            }
            match number(text("title")) {
                Some(number) if self.accepted.contains(&number) || self.unanswered.contains(&number) => {
                    *entries.entry(number).or_default() += 1;
                }
                None if text("title") == FAREWELL => {}
                Some(_) | None => complaints.push(format!("an entry nobody sent: {:?}", text("title"))),
            }
        }
        let mut notifications: BTreeMap<u32, u32> = BTreeMap::new();
        for title in shown {
            match number(title) {
                Some(number) => *notifications.entry(number).or_default() += 1,
                None if title == FAREWELL => {}
                None => complaints.push(format!("a notification nobody sent: {title:?}")),
            }
        }

        let lost = self.accepted.iter().filter(|number| !entries.contains_key(number));
        complaints
            .extend(lost.map(|number| format!("{} was accepted and is not in the history", title(*number))));
        let doubled = entries.iter().filter(|&(_, &count)| count > 1);
        complaints.extend(
            doubled.map(|(number, count)| format!("{} is in the history {count} times", title(*number))),
        );
        // One that was not answered may have come last of all: it is shown at the next start.
        let unshown = entries.keys().filter(|number| self.accepted.contains(number));
        let unshown = unshown.filter(|number| !notifications.contains_key(number));
        complaints
            .extend(unshown.map(|number| format!("{} is in the history and was not shown", title(*number))));
        let unknown = notifications.keys().filter(|number| !entries.contains_key(number));
        complaints
            .extend(unknown.map(|number| format!("{} was shown and is not in the history", title(*number))));
        let repeated = notifications.values().map(|count| count - 1).sum();
        if repeated > kills {
            complaints.push(format!("{repeated} notifications were repeated, with {kills} kills"));
        }
        if complaints.is_empty() {
            return Ok(repeated);
        }
        let count = complaints.len();
        complaints.truncate(20);
        bail!("{count} complaints:\n{}", complaints.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(title: &str) -> Value {
        json!({ "title": title, "failure": null, "disposition": "shown" })
    }

    /// One and two were accepted, three got no answer.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.accept(1);
        ledger.accept(2);
        ledger.leave_open(3);
        ledger
    }

    fn judge(history: &[u32], shown: &[u32], kills: u32) -> Result<u32, String> {
        let history: Vec<_> = history.iter().map(|number| entry(&title(*number))).collect();
        let shown: Vec<_> = shown.iter().map(|number| title(*number)).collect();
        ledger().judge(&history, &shown, kills).map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_accepted_must_be_there_and_what_was_not_answered_may() {
        assert_eq!(judge(&[2, 1], &[1, 2], 0), Ok(0));
        assert_eq!(judge(&[3, 2, 1], &[1, 2, 3], 0), Ok(0));
        assert_eq!(judge(&[3, 2, 1], &[1, 2], 0), Ok(0));
        assert_eq!(judge(&[2, 1], &[1, 2, 2, 1], 2), Ok(2));
        let mut farewell = vec![entry(FAREWELL), entry(&title(1)), entry(&title(2))];
        let shown = [title(1), title(2), FAREWELL.to_owned()];
        assert_eq!(ledger().judge(&farewell, &shown, 0).unwrap(), 0);
        farewell.push(json!({ "title": "Backups", "failure": "no key", "disposition": "recorded" }));
        assert!(ledger().judge(&farewell, &shown, 0).is_err());
    }

    #[test]
    fn whatever_is_lost_doubled_or_unshown_is_complained_of() {
        for (history, shown, kills, complaint) in [
            (&[1][..], &[1][..], 0, "Push 000002 was accepted and is not in the history"),
            (&[1, 2, 2], &[1, 2], 9, "Push 000002 is in the history 2 times"),
            (&[1, 2, 3, 3], &[1, 2, 3], 9, "Push 000003 is in the history 2 times"),
            (&[1, 2], &[1], 9, "Push 000002 is in the history and was not shown"),
            (&[1, 2], &[1, 2, 3], 9, "Push 000003 was shown and is not in the history"),
            (&[1, 2, 4], &[1, 2, 4], 9, "an entry nobody sent: \"Push 000004\""),
            (&[1, 2], &[1, 2, 2, 1, 1], 2, "3 notifications were repeated, with 2 kills"),
        ] {
            let error = judge(history, shown, kills).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
