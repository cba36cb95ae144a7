//! Who is connected, and the way to hand a message over to their connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use webpush::PushMessage;

use crate::id::Uaid;
use crate::mailbox::{Delivery, Stored};

/// Messages that wait for one connection before it has to read them from the store. autopush-websocket.md §7.6.
const QUEUE: usize = 128;

/// How long "now" is for a message with TTL 0.
const CATCH_UP: Duration = Duration::from_secs(1);

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

    /// Hands a stored message to the user agent's connection, if there is one. Never waits: one that finds the queue full
    /// is left to the store, and the connection told to look there.
    pub(crate) fn hand_over(&self, uaid: Uaid, push: PushMessage, stored: Stored) {
        let lines = self.lines();
        let Some(line) = lines.get(&uaid) else { return };
        let delivery = Box::new(Delivery { push, stored: Some(stored) });
        if let Err(mpsc::error::TrySendError::Full(delivery)) = line.queue.try_send(delivery) {
            line.behind.store(true, Ordering::Release);
            // Tried again with the mark set: if the queue is still full, the mark is seen when it is next read.
            let _ = line.queue.try_send(delivery);
        }
    }

    /// Hands over a message that is not stored. If the queue is full, its sender waits a moment for the connection to catch
    /// up; then the message is dropped, as it is when nobody is connected.
    pub(crate) async fn hand_over_now(&self, uaid: Uaid, push: PushMessage) {
        let queue = self.lines().get(&uaid).map(|line| line.queue.clone());
        if let Some(queue) = queue {
            let delivery = Box::new(Delivery { push, stored: None });
            let _ = queue.send_timeout(delivery, CATCH_UP).await;
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
    use futures_util::future::poll_immediate;

    use super::*;
    use crate::mailbox::Position;

    const STORED: Stored = Stored { position: Position(1), expires_at: 1 };

    fn push() -> PushMessage {
        let channel_id = "decafbad-0000-4000-8000-0123456789ab".parse().unwrap();
        PushMessage { channel_id, version: "v".to_owned().try_into().unwrap(), content: None }
    }

    #[tokio::test]
    async fn the_newest_connection_of_a_user_agent_gets_its_messages() {
        let (registry, uaid) = (Arc::new(Registry::default()), Uaid::random().unwrap());
        let mut old = registry.connect(uaid);
        let mut new = registry.connect(uaid);
        assert_eq!(old.next().await, None);
        drop(old);
        registry.hand_over(uaid, push(), STORED);
        registry.hand_over_now(uaid, push()).await;
        assert_eq!(new.next().await, Some(Delivery { push: push(), stored: Some(STORED) }));
        assert_eq!(new.next().await, Some(Delivery { push: push(), stored: None }));
        assert_eq!(registry.connected(), [uaid]);
        registry.hand_over(Uaid::random().unwrap(), push(), STORED);
        drop(new);
        assert!(registry.connected().is_empty());
        registry.hand_over_now(uaid, push()).await;
    }

    #[tokio::test]
    async fn a_full_queue_leaves_stored_messages_to_the_store() {
        let (registry, uaid) = (Arc::new(Registry::default()), Uaid::random().unwrap());
        let connected = registry.connect(uaid);
        for _ in 0..QUEUE {
            registry.hand_over(uaid, push(), STORED);
        }
        assert!(!connected.fell_behind());
        registry.hand_over(uaid, push(), STORED);
        assert!(connected.fell_behind());
        assert!(!connected.fell_behind());
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_sender_of_a_message_with_ttl_zero_wait_until_there_is_room() {
        let (registry, uaid) = (Arc::new(Registry::default()), Uaid::random().unwrap());
        let mut connected = registry.connect(uaid);
        for _ in 0..QUEUE {
            registry.hand_over_now(uaid, push()).await;
        }
        let waiting = registry.hand_over_now(uaid, push());
        tokio::pin!(waiting);
        assert!(poll_immediate(waiting.as_mut()).await.is_none());
        connected.next().await.unwrap();
        waiting.await;
        for _ in 0..QUEUE {
            connected.next().await.unwrap();
        }
        assert!(!connected.fell_behind());
    }
}
