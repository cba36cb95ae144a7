//! What the actor wants of a driver that the driver has not taken yet. The actor never waits for a driver: it may be
//! waiting for the actor.
//!
//! It needs no limit of its own: requests are one per channel, and acks answer messages of which the driver hands over
//! no more than the actor takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use webpush::autopush::{AckCode, UnregisterCode};
use webpush::{ApplicationServerKey, ChannelId, MessageVersion};

use super::probe::Answered;

/// Everything wanted, in no order but that of the acks.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// The latest for each channel.
    pub(super) requests: BTreeMap<ChannelId, Request>,
    pub(super) acks: Vec<(ChannelId, MessageVersion, AckCode)>,
    /// The network changed or the machine woke.
    pub(super) reconnect: bool,
    /// Close, for this reason, and come back after this time: what was said could not be stored.
    pub(super) drop: Option<(String, Duration)>,
    /// Somebody waits: an attempt to connect that is to be made later is made now.
    pub(super) attempt: bool,
    /// Who wants to know whether the service answers.
    pub(super) probes: Vec<oneshot::Sender<Answered>>,
}

impl Wishes {
    pub(super) fn request(&mut self, channel: ChannelId, request: Request) {
        self.requests.insert(channel, request);
    }
}

#[derive(Debug)]
pub(super) enum Request {
    Register(Option<ApplicationServerKey>),
    Unregister(UnregisterCode),
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// `None`: nothing new.
    wishes: Option<Wishes>,
    closed: bool,
}

/// The actor's end.
#[derive(Debug)]
pub(super) struct Sender(Arc<Shared>);

/// The driver's end.
#[derive(Debug)]
pub(super) struct Receiver(Arc<Shared>);

pub(super) fn mailbox() -> (Sender, Receiver) {
    let shared = Arc::<Shared>::default();
    (Sender(shared.clone()), Receiver(shared))
}

impl Sender {
    pub(super) fn put(&self, wish: impl FnOnce(&mut Wishes)) {
        self.0.change(|state| wish(state.wishes.get_or_insert_default()));
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.change(|state| state.closed = true);
    }
}

impl Receiver {
    /// What has been put in since the last time, once there is something. `None`: the actor's end is gone, and all it
    /// put in has been taken.
    pub(super) async fn take(&mut self) -> Option<Wishes> {
        loop {
            let (wishes, closed) = self.0.change_silently(|state| (state.wishes.take(), state.closed));
            if wishes.is_some() || closed {
                return wishes;
            }
            self.0.changed.notified().await;
        }
    }

    /// What is there by now.
    pub(super) fn rest(&mut self) -> Wishes {
        self.0.change_silently(|state| state.wishes.take()).unwrap_or_default()
    }
}

impl Shared {
    fn change_silently<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.change_silently(change);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_put_in_is_taken_together_and_the_latest_request_for_a_channel_counts() {
        let (sender, mut receiver) = mailbox();
        let channel = ChannelId::from_random_bytes([1; 16]);
        sender.put(|wishes| wishes.request(channel, Request::Register(None)));
        sender.put(|wishes| wishes.reconnect = true);
        sender.put(|wishes| wishes.request(channel, Request::Unregister(UnregisterCode::UserRequest)));
        let wishes = receiver.take().await.unwrap();
        assert!(wishes.reconnect && wishes.acks.is_empty());
        assert!(matches!(wishes.requests.values().collect::<Vec<_>>()[..], [Request::Unregister(_)]));
    }

    #[tokio::test]
    async fn the_last_wishes_are_taken_after_the_actors_end_is_gone() {
        let (sender, mut receiver) = mailbox();
        let waiting = tokio::spawn(async move {
            let first = receiver.take().await.is_some();
            (first, receiver.take().await.is_some())
        });
        tokio::task::yield_now().await;
        sender.put(|wishes| wishes.reconnect = true);
        drop(sender);
        assert_eq!(waiting.await.unwrap(), (true, false));
    }
}
