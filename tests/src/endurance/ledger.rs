//! What was posted, what the push service has said about it, and what came of it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

/// Messages by number.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sent: Vec<Sent>,
    /// How many the push service owes to each user agent.
    owed: BTreeMap<usize, usize>,
}

#[derive(Debug)]
struct Sent {
    /// For whom.
    user_agent: usize,
    /// With a TTL above zero.
    stored: bool,
    /// The push service has answered 201.
    accepted: bool,
    /// What it calls the message: to the sender, and with every delivery.
    version: Option<String>,
    deliveries: u32,
}

impl Ledger {
    /// A message is about to be posted; returns its number.
    pub(super) fn post(&mut self, user_agent: usize, stored: bool) -> usize {
        self.sent.push(Sent { user_agent, stored, accepted: false, version: None, deliveries: 0 });
        self.sent.len() - 1
    }

    /// The push service has answered 201.
    pub(super) fn accept(&mut self, number: usize, version: &str) -> Result<()> {
        let sent = self.sent.get_mut(number).context("a number nobody has posted")?;
        sent.accepted = true;
        if sent.stored && sent.deliveries == 0 {
            *self.owed.entry(sent.user_agent).or_default() += 1;
        }
        sent.call(version)
    }

    /// It has been delivered, perhaps before the sender was answered.
    pub(super) fn deliver(&mut self, user_agent: usize, number: usize, version: &str) -> Result<()> {
        let sent = self.sent.get_mut(number).context("a number nobody has posted")?;
        ensure!(sent.user_agent == user_agent, "message {number} came to the wrong user agent");
        if sent.stored
            && sent.accepted
            && sent.deliveries == 0
            && let Some(owed) = self.owed.get_mut(&user_agent)
        {
            *owed -= 1;
        }
        sent.deliveries += 1;
        ensure!(sent.stored || sent.deliveries == 1, "message {number} came again, with TTL 0");
        sent.call(version)
    }

    /// How many were accepted.
    pub(super) fn accepted(&self) -> usize {
        self.sent.iter().filter(|sent| sent.accepted).count()
    }

    /// How many were not answered.
    pub(super) fn unanswered(&self) -> usize {
        self.sent.len() - self.accepted()
    }

    /// How many were delivered again.
    pub(super) fn redelivered(&self) -> usize {
        self.sent.iter().filter(|sent| sent.deliveries > 1).count()
    }

    /// How many the push service owes this user agent.
    pub(super) fn owed(&self, user_agent: usize) -> usize {
        self.owed.get(&user_agent).copied().unwrap_or_default()
    }
}

impl Sent {
    fn call(&mut self, version: &str) -> Result<()> {
        let known = self.version.get_or_insert_with(|| version.to_owned());
        ensure!(known == version, "a message with two versions");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_is_owed_until_it_is_delivered() {
        let mut ledger = Ledger::default();
        let (stored, passing) = (ledger.post(0, true), ledger.post(0, false));
        assert_eq!(ledger.owed(0), 0);
        ledger.accept(stored, "a").unwrap();
        ledger.accept(passing, "b").unwrap();
        assert_eq!((ledger.owed(0), ledger.owed(1)), (1, 0));
        ledger.deliver(0, stored, "a").unwrap();
        ledger.deliver(0, stored, "a").unwrap();
        assert_eq!((ledger.owed(0), ledger.redelivered(), ledger.accepted()), (0, 1, 2));
    }

    #[test]
    fn a_second_version_another_user_agent_and_ttl_zero_twice_are_complained_of() {
        let mut ledger = Ledger::default();
        let (stored, passing) = (ledger.post(0, true), ledger.post(0, false));
        ledger.deliver(0, stored, "a").unwrap();
        assert!(ledger.accept(stored, "b").is_err());
        assert!(ledger.deliver(0, stored, "b").is_err());
        assert!(ledger.deliver(1, stored, "a").is_err());
        ledger.deliver(0, passing, "c").unwrap();
        assert!(ledger.deliver(0, passing, "c").is_err());
        assert!(ledger.deliver(0, 2, "c").is_err(), "nobody posted it");
    }
}
