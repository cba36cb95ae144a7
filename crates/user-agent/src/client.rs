//! The one type every front end speaks to the engine with, in-process or over the owner's control socket.

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::api::{CommandError, ErrorCode, Event, Request, Response};

/// A way to the engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    requests: mpsc::Sender<Command>,
    events: broadcast::Sender<Event>,
}

/// A request on its way to the actor.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Result<Response, CommandError>>,
}

impl Client {
    pub(crate) fn in_process(requests: mpsc::Sender<Command>, events: broadcast::Sender<Event>) -> Self {
        Self { requests, events }
    }

    /// Asks the engine.
    pub async fn request(&self, request: Request) -> Result<Response, CommandError> {
        let gone = || CommandError::new(ErrorCode::Internal, "the receiver has stopped");
        let (reply, answer) = oneshot::channel();
        self.requests.send(Command { request, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Events from now on. A listener that falls behind by more than 1,024 misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}
