//! The user agent's side of an autopush session, without sockets and clock: inputs carry the time, output is polled.
//!
//! After every input the driver takes all of [`Session::poll_transmit`] and [`Session::poll_event`], then waits for
//! the socket or for [`Session::poll_timeout`], whichever comes first.

mod acknowledged;
mod backoff;
mod event;
mod frame;
mod keep_alive;
mod requests;
mod state;
mod transitions;

#[cfg(test)]
mod model;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::ops::Add;
use std::time::Duration;

use crate::autopush::message::AckUpdate;
use crate::autopush::{AckCode, UnregisterCode};
use crate::{ApplicationServerKey, ChannelId, MessageVersion, UserAgentId};

use backoff::{Backoff, within_reason};
pub use event::{Event, Identity};
use frame::Frame;
use requests::{Request, Requests};
use state::{ANSWER_LIMIT, Attempt, Pause, State};

/// A point on the driver's clock: time since any fixed start. The clock should count time asleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// One user agent's session with one push service, across reconnections.
pub struct Session {
    /// Sent in the next hello. Set only once something is registered under it: the service forgets an id without
    /// registrations, and its next answer would look like a replacement.
    known: Option<UserAgentId>,
    state: State,
    requests: Requests,
    backoff: Backoff,
    frames: VecDeque<String>,
    events: VecDeque<Event>,
}

/// Shows no frame and no id: they hold versions and keys.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("state", &self.state.name())
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that wants to connect at once. `known`: the id under which channels are registered, if any are.
    pub fn new(known: Option<UserAgentId>, now: Moment) -> Self {
        let mut session = Self {
            known,
            state: State::default(),
            requests: Requests::default(),
            backoff: Backoff::default(),
            frames: VecDeque::new(),
            events: VecDeque::new(),
        };
        session.state = session.connect(now);
        session
    }

    /// The socket is open.
    pub fn handle_connected(&mut self, now: Moment) {
        self.transition(|session, state| match state {
            State::Connecting(_) => session.say_hello(now),
            State::Disconnected(_) | State::AwaitingHello { .. } | State::Ready(_) | State::Closing => state,
        });
    }

    /// A text frame arrived. What cannot be understood never ends in a panic: text that is not JSON, or longer than
    /// [`MAX_FRAME`](crate::autopush::message::MAX_FRAME), closes the connection (what was in it is still unacknowledged
    /// and comes again); other messages are ignored.
    pub fn handle_frame(&mut self, now: Moment, text: &str) {
        self.transition(|session, state| match state {
            State::AwaitingHello { sent, said } => session.before_hello(now, sent, said, Frame::read(text)),
            State::Ready(mut ready) => {
                ready.keep_alive.heard(now);
                session.after_hello(now, ready, Frame::read(text))
            }
            State::Disconnected(_) | State::Connecting(_) | State::Closing => state,
        });
    }

    /// Anything else arrived: a WebSocket Ping or Pong.
    pub fn handle_activity(&mut self, now: Moment) {
        if let State::Ready(ready) = &mut self.state {
            ready.keep_alive.heard(now);
        }
    }

    /// The socket is closed or could not be opened. `close_code`: what the service said; `retry_after`: the least time it
    /// asked for, kept for up to a day even if the network changes; `jitter`: a fresh random number from 0 to 1.
    ///
    /// No close code says anything about our identity: 1000 and 1011 alike mean "come back later". 4774 means "do not
    /// come back by yourself" (Firefox).
    pub fn handle_disconnected(
        &mut self,
        now: Moment,
        close_code: Option<u16>,
        retry_after: Option<Duration>,
        jitter: f64,
        reason: String,
    ) {
        self.transition(|session, state| {
            match state {
                State::Disconnected(_) => return state,
                State::Ready(ready) => session.part(now, &ready),
                State::Connecting(_) | State::AwaitingHello { .. } | State::Closing => {}
            }
            session.frames.clear();
            session.events.retain(|event| !event.concerns_the_socket());
            session.requests.connection_lost();
            let delay = session.backoff.next(jitter, retry_after);
            let retry_in = (close_code != Some(STAY_AWAY)).then_some(delay);
            session.events.push_back(Event::Disconnected { retry_in, reason });
            State::Disconnected(Pause {
                retry_at: retry_in.map(|delay| now + delay),
                not_before: now + within_reason(retry_after),
            })
        });
    }

    /// The time of [`Session::poll_timeout`] has come. Harmless when called early.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.transition(|session, state| match state {
            State::Disconnected(Pause { retry_at: Some(at), .. }) if now >= at => session.connect(now),
            State::Connecting(attempt) if now >= attempt.deadline() => session.close(match attempt.stale {
                true => "the network changed",
                false => "connecting took too long",
            }),
            State::AwaitingHello { sent, .. } if now >= sent + ANSWER_LIMIT => {
                session.close("no reply to hello")
            }
            State::Ready(ready) => session.keep_up(now, ready),
            State::Disconnected(_) | State::Connecting(_) | State::AwaitingHello { .. } | State::Closing => {
                state
            }
        });
    }

    /// Asks for an endpoint; sent now or once connected, and again after a reconnect until it is answered. The latest
    /// request for a channel replaces an earlier one that was not answered.
    pub fn register(&mut self, now: Moment, channel_id: ChannelId, key: Option<ApplicationServerKey>) {
        self.request(now, channel_id, Request::Register(key));
    }

    /// Gives a channel up; likewise.
    pub fn unregister(&mut self, now: Moment, channel_id: ChannelId, code: UnregisterCode) {
        self.request(now, channel_id, Request::Unregister(code));
    }

    /// Confirms messages that are safely stored, in one frame (more only where they do not fit). Dropped when not
    /// connected: the service will send them again.
    ///
    /// A version already confirmed twice on this connection is left out: autopush on Redis sends such a message again
    /// at once, without end.
    pub fn acknowledge(&mut self, updates: Vec<(ChannelId, MessageVersion, AckCode)>) {
        let State::Ready(ready) = &mut self.state else { return };
        let updates: Vec<AckUpdate> = updates
            .into_iter()
            .filter(|(_, version, _)| ready.acknowledged.admit(version))
            .map(|(channel_id, version, code)| AckUpdate { channel_id, version, code: Some(code as u16) })
            .collect();
        self.frames.extend(frame::acks(&updates));
    }

    /// The network changed or the machine woke: an attempt that was waiting is made at once (unless the service has asked
    /// for more time), one that was being made is soon begun anew, a standing connection is tested (as soon as a ping is
    /// allowed) and closed when it does not answer.
    pub fn reconnect_now(&mut self, now: Moment) {
        self.backoff.reset();
        self.transition(|session, state| match state {
            State::Disconnected(pause) => session.resume(now, pause),
            State::Connecting(attempt) => State::Connecting(Attempt { stale: true, ..attempt }),
            State::Ready(mut ready) => {
                ready.keep_alive.doubt(now);
                session.keep_up(now, ready)
            }
            State::AwaitingHello { .. } | State::Closing => state,
        });
    }

    /// Somebody waits for the connection: an attempt that was to be made later is made at once (unless the service has asked
    /// for more time), and the next one after it as late as it would have been. A service that has sent us away is left alone.
    pub fn attempt_now(&mut self, now: Moment) {
        self.transition(|session, state| match state {
            State::Disconnected(pause @ Pause { retry_at: Some(_), .. }) => session.resume(now, pause),
            State::Disconnected(_)
            | State::Connecting(_)
            | State::AwaitingHello { .. }
            | State::Ready(_)
            | State::Closing => state,
        });
    }

    /// The next text frame to send.
    pub fn poll_transmit(&mut self) -> Option<String> {
        self.frames.pop_front()
    }

    /// The next thing to do or to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Session::handle_timeout`], unless something else happens first. `None`: nothing is waited for.
    /// Connected and idle this is minutes away.
    pub fn poll_timeout(&self) -> Option<Moment> {
        match &self.state {
            State::Disconnected(pause) => pause.retry_at,
            State::Connecting(attempt) => Some(attempt.deadline()),
            State::AwaitingHello { sent, .. } => Some(*sent + ANSWER_LIMIT),
            State::Ready(ready) => {
                let keep_alive = ready.keep_alive.deadline();
                Some(self.requests.deadline().map_or(keep_alive, |deadline| deadline.min(keep_alive)))
            }
            State::Closing => None,
        }
    }
}

/// Firefox's private close code: no attempt before the network or our needs change.
const STAY_AWAY: u16 = 4774;
