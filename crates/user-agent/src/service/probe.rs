//! Whether a service answers, as far as somebody wants to know. An open socket proves nothing: a process that has been
//! stopped keeps it, as does one that is gone with its network. The session's own ping may be sent once a minute only; a
//! WebSocket Ping always.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use webpush::autopush::Moment;

use crate::api::CommandError;

/// How long the service may take to answer a WebSocket Ping: as long as any other answer.
const PONG_LIMIT: Duration = Duration::from_secs(10);

/// Whether the service answers; why not, where that is known and no matter of patience.
pub(crate) type Answered = Result<(), CommandError>;

/// Who wants to know, and what was asked for them.
#[derive(Default)]
pub(super) struct Probe {
    waiting: Vec<oneshot::Sender<Answered>>,
    /// Whether a Ping is still to be sent.
    due: bool,
    /// Pings sent so far: what the last one says.
    sent: u64,
    /// The last one before those that wait for an answer: what answers it proves nothing any more.
    answered: u64,
    /// When the first of those has to be answered.
    pub(super) deadline: Option<Moment>,
}

impl Probe {
    pub(super) fn add(&mut self, probes: Vec<oneshot::Sender<Answered>>) {
        self.due |= !probes.is_empty();
        self.waiting.retain(|waiting| !waiting.is_closed());
        self.waiting.extend(probes);
    }

    /// The next Ping, if one is due.
    pub(super) fn ping(&mut self, now: Moment) -> Option<Message> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        self.sent = self.sent.wrapping_add(1);
        self.deadline.get_or_insert(now + PONG_LIMIT);
        Some(Message::Ping(self.sent.to_be_bytes().to_vec().into()))
    }

    pub(super) fn pong(&mut self, payload: &[u8]) {
        let number = payload.try_into().map(u64::from_be_bytes);
        if number.is_ok_and(|number| number > self.answered && number <= self.sent) {
            self.answer(&Ok(()));
        }
    }

    pub(super) fn answer(&mut self, answer: &Answered) {
        self.lost();
        for waiting in self.waiting.drain(..) {
            // It may have given up waiting.
            let _ = waiting.send(answer.clone());
        }
    }

    /// The connection is gone: the hello on the next one is an answer.
    pub(super) fn lost(&mut self) {
        (self.due, self.deadline, self.answered) = (false, None, self.sent);
    }
}
