//! Notices a dead connection. The service pings every 300 s, so our own ping is sent only after that failed.

use std::time::Duration;

use super::Moment;
use super::state::ANSWER_LIMIT;

/// Silence after which we ask: one ping of the service (300 s) may be late, not lost.
const SILENCE_LIMIT: Duration = Duration::from_secs(390);

/// autopush closes on a second ping within 45 s; its documentation asks for a minute.
const PING_SPACING: Duration = Duration::from_secs(60);

/// A deadline missed by this much: the machine slept, and the service, whose pings nobody answered, has left.
const SLEPT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct KeepAlive {
    heard: Moment,
    pinged: Option<Moment>,
    awaiting_answer: bool,
    doubted: Option<Moment>,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing yet.
    Wait,
    /// A ping must be sent; it counts as sent.
    Ping,
    /// The ping was not answered, or it is too late for one.
    Dead,
}

impl KeepAlive {
    pub(super) fn new(now: Moment) -> Self {
        Self { heard: now, pinged: None, awaiting_answer: false, doubted: None }
    }

    /// Anything arrived: the connection lives.
    pub(super) fn heard(&mut self, now: Moment) {
        self.heard = now;
        self.awaiting_answer = false;
        self.doubted = None;
    }

    /// Something happened that may have cut the connection: ask as soon as allowed.
    pub(super) fn doubt(&mut self, now: Moment) {
        self.doubted.get_or_insert(now);
    }

    /// When [`KeepAlive::check`] has something to do.
    pub(super) fn deadline(&self) -> Moment {
        match self.pinged {
            Some(pinged) if self.awaiting_answer => pinged + ANSWER_LIMIT,
            pinged => {
                let wanted = self.doubted.unwrap_or(self.heard + SILENCE_LIMIT);
                pinged.map_or(wanted, |pinged| wanted.max(pinged + PING_SPACING))
            }
        }
    }

    pub(super) fn check(&mut self, now: Moment) -> Check {
        if now < self.deadline() {
            return Check::Wait;
        }
        if self.awaiting_answer || now >= self.heard + SILENCE_LIMIT + SLEPT {
            return Check::Dead;
        }
        self.pinged = Some(now);
        self.awaiting_answer = true;
        self.doubted = None;
        Check::Ping
    }
}
