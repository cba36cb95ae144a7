//! The one type every front end speaks to the engine with, in-process or over the owner's control socket.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::api::{CommandError, ErrorCode, Event, Request, Response};

/// A way to the engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    requests: mpsc::Sender<Command>,
    /// Weak, so that listeners hear the end when whoever sends the events is gone.
    events: broadcast::WeakSender<Event>,
    first: Arc<Mutex<Option<broadcast::Receiver<Event>>>>,
}

/// What happens, as it happens.
#[derive(Debug)]
pub struct Events {
    receiver: Option<broadcast::Receiver<Event>>,
    /// A connection to another process lasts as long as someone listens.
    _requests: mpsc::Sender<Command>,
}

/// A request on its way to the actor.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Result<Response, CommandError>>,
}

impl Client {
    pub(crate) fn in_process(requests: mpsc::Sender<Command>, events: broadcast::Sender<Event>) -> Self {
        let first = Arc::new(Mutex::new(Some(events.subscribe())));
        Self { requests, events: events.downgrade(), first }
    }

    /// Asks the engine. Several requests may be under way at once. Fails with [`ErrorCode::Internal`] when the engine
    /// stops before it has answered.
    pub async fn request(&self, request: Request) -> Result<Response, CommandError> {
        let gone = || CommandError::new(ErrorCode::Internal, "the receiver has stopped");
        let (reply, answer) = oneshot::channel();
        self.requests.send(Command { request, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Events from now on.
    pub fn events(&self) -> Events {
        let receiver = self.events.upgrade().map(|events| events.subscribe());
        Events { receiver, _requests: self.requests.clone() }
    }

    /// Events since the engine started or was connected to: nothing of a start is missed. Only the first call gets the
    /// past; every later one is [`Client::events`].
    pub fn events_from_start(&self) -> Events {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(receiver) => Events { receiver: Some(receiver), _requests: self.requests.clone() },
            None => self.events(),
        }
    }
}

impl Events {
    /// The next event; `None` once the engine has stopped. A listener that falls behind by more than 1,024 misses the
    /// oldest: what arrived is in the history all the same.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.receiver.as_mut()?.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "a listener fell behind"),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listeners_hear_what_happened_since_the_start_and_then_the_end() {
        let (requests, _commands) = mpsc::channel(1);
        let (events, _) = broadcast::channel(4);
        let client = Client::in_process(requests, events.clone());
        events.send(Event::Changed).unwrap();
        let mut late = client.events();
        let mut first = client.events_from_start();
        assert_eq!(first.next().await, Some(Event::Changed));
        drop(events);
        assert_eq!(first.next().await, None);
        assert_eq!(late.next().await, None);
        assert_eq!(client.events().next().await, None);
    }

    #[tokio::test]
    async fn a_request_to_a_stopped_engine_fails() {
        let (requests, commands) = mpsc::channel(1);
        let (events, _) = broadcast::channel(4);
        let client = Client::in_process(requests, events);
        drop(commands);
        let error = client.request(Request::Status).await.unwrap_err();
        assert_eq!(error.message, "the receiver has stopped");
    }
}
