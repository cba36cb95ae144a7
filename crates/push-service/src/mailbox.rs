//! What becomes of a message: the TTL rules of RFC 8030 §5.2, and what one connected user agent has been sent. Pure:
//! times are arguments, in whole seconds since the Unix epoch.

use std::collections::HashSet;

use webpush::{MessageVersion, PushMessage, Topic, Ttl, Urgency};

/// How many stored messages are sent before the user agent must acknowledge. autopush-websocket.md §7.2.
pub(crate) const BATCH: usize = 10;

/// How many messages wait for one user agent: beyond them the oldest are dropped. Autopush forgets the user agent
/// instead, autopush-websocket.md §7.4, which costs it every endpoint.
pub(crate) const MAX_WAITING: usize = 1000;

/// Where a message stands in the order of acceptance; later ones are greater, and none is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position(pub(crate) i64);

/// A message as an application server posted it.
pub(crate) struct Posted {
    pub(crate) push: PushMessage,
    pub(crate) topic: Option<Topic>,
    pub(crate) urgency: Urgency,
    pub(crate) expires_at: u64,
}

/// A message on its way to a connected user agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) push: PushMessage,
    /// Where it is stored; `None`: it is not, as its TTL is zero.
    pub(crate) stored: Option<Stored>,
}

/// What matters about a message once it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) position: Position,
    pub(crate) expires_at: u64,
}

/// Stored messages read together, and everything that was stored at that moment.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<PushMessage>,
    /// The last position in use when the batch was read.
    pub(crate) read_to: Position,
}

/// When a message accepted at `now` expires; `None`: it is delivered now or dropped, never stored.
pub(crate) fn expiry(now: u64, ttl: Ttl) -> Option<u64> {
    (ttl != Ttl::from_seconds(0)).then(|| now.saturating_add(ttl.seconds().into()))
}

/// Whether a message is no longer to be delivered.
pub(crate) fn is_expired(expires_at: u64, now: u64) -> bool {
    now >= expires_at
}

/// What one connection has been sent and has not acknowledged.
///
/// Two lanes lead to a user agent: batches read from the store, and messages handed over as they are accepted. A batch
/// is read only while nothing is outstanding, so it holds only what was never sent here, and everything handed over
/// up to [`Batch::read_to`] is in it or in the batches after it.
#[derive(Debug)]
pub(crate) struct Mailbox {
    outstanding: HashSet<MessageVersion>,
    read_to: Position,
    more: bool,
}

impl Mailbox {
    /// Of a user agent that has just said hello. `known`: there may be messages stored for it.
    pub(crate) fn new(known: bool) -> Self {
        Self { outstanding: HashSet::new(), read_to: Position::default(), more: known }
    }

    /// Whether the next batch is to be read from the store.
    pub(crate) fn wants_batch(&self) -> bool {
        self.more && self.outstanding.is_empty()
    }

    /// Takes a batch; returns what to send.
    pub(crate) fn take_batch(&mut self, batch: Batch) -> Vec<PushMessage> {
        self.more = batch.messages.len() >= BATCH;
        self.read_to = self.read_to.max(batch.read_to);
        self.outstanding.extend(batch.messages.iter().map(|push| push.version.clone()));
        batch.messages
    }

    /// Takes a message handed over; returns it unless it comes out of the store or has expired.
    pub(crate) fn take_delivery(&mut self, delivery: Delivery, now: u64) -> Option<PushMessage> {
        if let Some(stored) = delivery.stored {
            if stored.position <= self.read_to || is_expired(stored.expires_at, now) {
                return None;
            }
            self.outstanding.insert(delivery.push.version.clone());
        }
        Some(delivery.push)
    }

    /// Some messages could not be handed over: they are to be read from the store.
    pub(crate) fn fell_behind(&mut self) {
        self.more = true;
    }

    /// Takes an acknowledgement; `true`: the message is to be removed from the store. Unknown versions are ignored.
    pub(crate) fn acknowledge(&mut self, version: &MessageVersion) -> bool {
        self.outstanding.remove(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(name: &str) -> PushMessage {
        let channel_id = "decafbad-0000-4000-8000-0123456789ab".parse().unwrap();
        PushMessage { channel_id, version: name.to_owned().try_into().unwrap(), content: None }
    }

    fn stored(name: &str, position: i64) -> Delivery {
        let stored = Stored { position: Position(position), expires_at: 100 };
        Delivery { push: push(name), stored: Some(stored) }
    }

    fn batch(names: &[&str], read_to: i64) -> Batch {
        Batch { messages: names.iter().copied().map(push).collect(), read_to: Position(read_to) }
    }

    #[test]
    fn expiry_counts_from_acceptance_and_ttl_zero_is_never_stored() {
        assert_eq!(expiry(1000, Ttl::from_seconds(60)), Some(1060));
        assert_eq!(expiry(1000, Ttl::from_seconds(0)), None);
        assert!(!is_expired(1060, 1059));
        assert!(is_expired(1060, 1060));
    }

    #[test]
    fn a_new_user_agent_has_nothing_to_read() {
        assert!(!Mailbox::new(false).wants_batch());
        assert!(Mailbox::new(true).wants_batch());
    }

    #[test]
    fn the_next_batch_waits_until_all_of_the_last_is_acknowledged() {
        let mut mailbox = Mailbox::new(true);
        let names: Vec<String> = (0..BATCH).map(|n| format!("v{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(mailbox.take_batch(batch(&names, 30)).len(), BATCH);
        for (left, name) in names.iter().enumerate().rev() {
            assert!(!mailbox.wants_batch(), "with {left} more to come");
            assert!(mailbox.acknowledge(&push(name).version));
        }
        assert!(mailbox.wants_batch());
        mailbox.take_batch(batch(&[], 30));
        assert!(!mailbox.wants_batch());
    }

    #[test]
    fn what_is_handed_over_and_also_read_from_the_store_is_sent_once() {
        let mut mailbox = Mailbox::new(true);
        mailbox.take_batch(batch(&["a", "b"], 7));
        assert_eq!(mailbox.take_delivery(stored("b", 7), 0), None);
        assert_eq!(mailbox.take_delivery(stored("c", 8), 0), Some(push("c")));
    }

    #[test]
    fn an_unsent_message_that_expired_is_skipped() {
        assert_eq!(Mailbox::new(false).take_delivery(stored("a", 1), 100), None);
        assert_eq!(Mailbox::new(false).take_delivery(stored("a", 1), 99), Some(push("a")));
    }

    #[test]
    fn a_message_with_ttl_zero_is_sent_and_not_tracked() {
        let mut mailbox = Mailbox::new(true);
        mailbox.take_batch(batch(&[], 5));
        assert_eq!(mailbox.take_delivery(Delivery { push: push("now"), stored: None }, 0), Some(push("now")));
        assert!(!mailbox.acknowledge(&push("now").version));
    }

    #[test]
    fn a_connection_that_fell_behind_reads_the_store_once_nothing_is_outstanding() {
        let mut mailbox = Mailbox::new(false);
        mailbox.take_delivery(stored("a", 1), 0);
        mailbox.fell_behind();
        assert!(!mailbox.wants_batch());
        mailbox.acknowledge(&push("a").version);
        assert!(mailbox.wants_batch());
    }

    #[test]
    fn an_unknown_version_is_not_acknowledged_and_none_twice() {
        let mut mailbox = Mailbox::new(false);
        mailbox.take_delivery(stored("a", 1), 0);
        assert!(!mailbox.acknowledge(&push("b").version));
        assert!(mailbox.acknowledge(&push("a").version));
        assert!(!mailbox.acknowledge(&push("a").version));
    }
}
