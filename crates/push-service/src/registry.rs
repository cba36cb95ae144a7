//! Who is connected, and the way to hand a message over to their connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::id::Uaid;
use crate::mailbox::Delivery;

/// Messages that wait for one connection before it has to read them from the store. autopush-websocket.md §7.6.
const QUEUE: usize = 128;

/// The connections of this process, at most one per user agent.
#[derive(Default)]
pub(crate) struct Registry {
    lines: Mutex<HashMap<Uaid, Line>>,
}

struct Line {
    queue: mpsc::Sender<Box<Delivery>>,
    behind: Arc<AtomicBool>,
}

/// One connection's place in the registry, given up when dropped.
pub(crate) struct Connected {
    registry: Arc<Registry>,
    uaid: Uaid,
    queue: mpsc::Receiver<Box<Delivery>>,
    behind: Arc<AtomicBool>,
}

impl Registry {
    /// Enters a connection. An older one of the same user agent learns of it by [`Connected::next`] returning `None`.
    pub(crate) fn connect(self: &Arc<Self>, uaid: Uaid) -> Connected {
        let (sender, queue) = mpsc::channel(QUEUE);
        let behind = Arc::new(AtomicBool::new(false));
        self.lines().insert(uaid, Line { queue: sender, behind: Arc::clone(&behind) });
        Connected { registry: Arc::clone(self), uaid, queue, behind }
    }

    /// The user agents that are connected now.
    pub(crate) fn connected(&self) -> Vec<Uaid> {
        self.lines().keys().copied().collect()
    }

    /// Hands a message to the user agent's connection, if there is one. Never waits: a stored message that finds the
    /// queue full is left in the store, and the connection told to look there; any other is dropped.
    pub(crate) fn hand_over(&self, uaid: Uaid, delivery: Delivery) {
        let lines = self.lines();
        let Some(line) = lines.get(&uaid) else { return };
        if let Err(mpsc::error::TrySendError::Full(delivery)) = line.queue.try_send(Box::new(delivery))
            && delivery.stored.is_some()
        {
            line.behind.store(true, Ordering::Release);
            // Tried again with the mark set: if the queue is still full, the mark is seen when it is next read.
            let _ = line.queue.try_send(delivery);
        }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<Uaid, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected {
    /// The next message handed over; `None`: a newer connection has taken this one's place.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        self.queue.recv().await.map(|delivery| *delivery)
    }

    /// Whether messages could not be handed over since this was last asked.
    pub(crate) fn fell_behind(&self) -> bool {
        self.behind.swap(false, Ordering::Acquire)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Entry::Occupied(line) = self.registry.lines().entry(self.uaid)
            && Arc::ptr_eq(&line.get().behind, &self.behind)
        {
            line.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use webpush::PushMessage;

    use super::*;
    use crate::mailbox::{Position, Stored};

    fn delivery(stored: bool) -> Delivery {
        let channel_id = "decafbad-0000-4000-8000-0123456789ab".parse().unwrap();
        let push = PushMessage { channel_id, version: "v".to_owned().try_into().unwrap(), content: None };
        Delivery { push, stored: stored.then_some(Stored { position: Position(1), expires_at: 1 }) }
    }

    #[tokio::test]
    async fn the_newest_connection_of_a_user_agent_gets_its_messages() {
        let (registry, uaid) = (Arc::new(Registry::default()), Uaid::random().unwrap());
        let mut old = registry.connect(uaid);
        let mut new = registry.connect(uaid);
        assert_eq!(old.next().await, None);
        drop(old);
        registry.hand_over(uaid, delivery(true));
        assert_eq!(new.next().await, Some(delivery(true)));
        assert_eq!(registry.connected(), [uaid]);
        registry.hand_over(Uaid::random().unwrap(), delivery(true));
        drop(new);
        assert!(registry.connected().is_empty());
    }

    #[tokio::test]
    async fn a_full_queue_leaves_stored_messages_to_the_store() {
        let (registry, uaid) = (Arc::new(Registry::default()), Uaid::random().unwrap());
        let connected = registry.connect(uaid);
        for _ in 0..QUEUE {
            registry.hand_over(uaid, delivery(true));
        }
        assert!(!connected.fell_behind());
        registry.hand_over(uaid, delivery(false));
        assert!(!connected.fell_behind());
        registry.hand_over(uaid, delivery(true));
        assert!(connected.fell_behind());
        assert!(!connected.fell_behind());
    }
}
