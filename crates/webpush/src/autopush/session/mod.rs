//! The user agent's side of an autopush session, without sockets and clock: inputs carry the time, output is polled.
//!
//! After every input the driver takes all of [`Session::poll_transmit`] and [`Session::poll_event`], then waits for
//! the socket or for [`Session::poll_timeout`], whichever comes first.

mod acknowledged;
mod backoff;
mod frame;
mod keep_alive;
mod requests;
mod state;

#[cfg(test)]
mod model;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::ops::Add;
use std::time::Duration;

use crate::autopush::message::{AckUpdate, ClientHello, ClientMessage, ServerMessage};
use crate::autopush::{AckCode, UnregisterCode};
use crate::{ApplicationServerKey, ChannelId, MessageVersion, PushEndpoint, PushMessage, UserAgentId};

use backoff::{Backoff, within_reason};
use frame::Frame;
use keep_alive::Check;
use requests::{Request, Requests};
use state::{ANSWER_LIMIT, Attempt, Pause, Ready, State};

/// A point on the driver's clock: time since any fixed start. The clock should count time asleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// What the hello reply said about who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// First contact, or nothing was registered under the earlier id.
    New(UserAgentId),
    /// The service still knows us: every endpoint stays valid.
    Kept(UserAgentId),
    /// The service has forgotten us: every endpoint of the session is dead.
    Replaced(UserAgentId),
}

/// What the session asks its driver to do, or tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Open a socket; then call [`Session::handle_connected`] or [`Session::handle_disconnected`].
    Connect,
    /// Close the socket, or give up opening it; then call [`Session::handle_disconnected`].
    Close {
        /// Why, for the log.
        reason: String,
    },
    /// The hello reply arrived.
    Connected(Identity),
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Time until the next attempt; `None`: waits for [`Session::reconnect_now`] or a new request.
        retry_in: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// A channel has its endpoint.
    Registered {
        /// Which.
        channel_id: ChannelId,
        /// Where senders post.
        endpoint: PushEndpoint,
    },
    /// A channel was refused.
    RegisterFailed {
        /// Which.
        channel_id: ChannelId,
        /// 400: bad key. 409: try another channel id. These are for good; after any other it is asked again.
        status: u16,
    },
    /// The service has let a channel go.
    Unregistered {
        /// Which.
        channel_id: ChannelId,
    },
    /// A push, to be committed and then acknowledged.
    Message(PushMessage),
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

impl Session {
    fn transition(&mut self, step: impl FnOnce(&mut Self, State) -> State) {
        let state = mem::take(&mut self.state);
        self.state = step(self, state);
    }

    fn connect(&mut self, now: Moment) -> State {
        self.events.push_back(Event::Connect);
        State::Connecting(Attempt { since: now, stale: false })
    }

    /// Connects as soon as the service allows.
    fn resume(&mut self, now: Moment, pause: Pause) -> State {
        if now >= pause.not_before {
            return self.connect(now);
        }
        State::Disconnected(Pause { retry_at: Some(pause.not_before), ..pause })
    }

    /// The end of a greeted connection.
    fn part(&mut self, now: Moment, ready: &Ready) {
        if ready.is_good(now) {
            self.backoff.reset();
        }
    }

    fn close_greeted(&mut self, now: Moment, ready: &Ready, reason: &str) -> State {
        self.part(now, ready);
        self.close(reason)
    }

    fn close(&mut self, reason: &str) -> State {
        self.frames.clear();
        self.events.push_back(Event::Close { reason: reason.to_owned() });
        State::Closing
    }

    fn say_hello(&mut self, now: Moment) -> State {
        let said = self.known.clone();
        let uaid = said.clone().map(String::from);
        self.send(&ClientMessage::Hello(ClientHello {
            uaid,
            use_webpush: Some(true),
            ..ClientHello::default()
        }));
        State::AwaitingHello { sent: now, said }
    }

    fn before_hello(&mut self, now: Moment, sent: Moment, said: Option<UserAgentId>, frame: Frame) -> State {
        match frame {
            Frame::Message(ServerMessage::Hello { status: 200, uaid }) => match UserAgentId::try_from(uaid) {
                Ok(uaid) => self.welcome(now, said, uaid),
                Err(_) => self.close("hello reply without a valid uaid"),
            },
            Frame::Message(ServerMessage::Hello { status, .. }) => {
                self.close(&format!("hello was answered with status {status}"))
            }
            Frame::MalformedHello => self.close("malformed hello reply"),
            Frame::NotJson => self.close("a frame is not JSON"),
            Frame::TooLong => self.close("a frame is too long"),
            Frame::Message(_) | Frame::Unknown => State::AwaitingHello { sent, said },
        }
    }

    fn welcome(&mut self, now: Moment, said: Option<UserAgentId>, uaid: UserAgentId) -> State {
        let identity = match said {
            None => Identity::New(uaid.clone()),
            Some(said) if said == uaid => Identity::Kept(uaid.clone()),
            Some(_) => {
                self.known = None;
                Identity::Replaced(uaid.clone())
            }
        };
        self.events.push_back(Event::Connected(identity));
        self.send_requests(now);
        State::Ready(Ready::new(uaid, now))
    }

    fn after_hello(&mut self, now: Moment, ready: Ready, frame: Frame) -> State {
        match frame {
            Frame::Message(ServerMessage::Register { channel_id, status, push_endpoint }) => {
                if status == 200 {
                    self.known = Some(ready.uaid.clone());
                }
                let answer = channel_id.parse().ok().map(|id| (id, status, push_endpoint.parse().ok()));
                let event =
                    answer.and_then(|(id, status, url)| self.requests.registered(now, id, status, url));
                self.events.extend(event);
            }
            Frame::Message(ServerMessage::Unregister { channel_id, status }) => {
                let id = channel_id.parse().ok();
                let event = id.and_then(|id| self.requests.unregistered(now, id, status));
                self.events.extend(event);
            }
            Frame::Message(ServerMessage::Notification(message)) => {
                self.events.push_back(Event::Message(message))
            }
            Frame::NotJson => return self.close_greeted(now, &ready, "a frame is not JSON"),
            Frame::TooLong => return self.close_greeted(now, &ready, "a frame is too long"),
            Frame::Message(ServerMessage::Hello { .. } | ServerMessage::Broadcast | ServerMessage::Pong)
            | Frame::MalformedHello
            | Frame::Unknown => {}
        }
        State::Ready(ready)
    }

    fn keep_up(&mut self, now: Moment, mut ready: Ready) -> State {
        if self.requests.overdue(now) {
            return self.close_greeted(now, &ready, "a request was not answered");
        }
        match ready.keep_alive.check(now) {
            Check::Dead => return self.close_greeted(now, &ready, "the push service has fallen silent"),
            Check::Ping => self.send(&ClientMessage::Ping),
            Check::Wait => {}
        }
        self.send_requests(now);
        State::Ready(ready)
    }

    fn request(&mut self, now: Moment, channel_id: ChannelId, request: Request) {
        let is_new = self.requests.add(channel_id, request);
        self.transition(|session, state| match state {
            State::Ready(ready) => {
                session.send_requests(now);
                State::Ready(ready)
            }
            State::Disconnected(pause @ Pause { retry_at: None, .. }) if is_new => session.resume(now, pause),
            State::Disconnected(_) | State::Connecting(_) | State::AwaitingHello { .. } | State::Closing => {
                state
            }
        });
    }

    fn send_requests(&mut self, now: Moment) {
        for message in self.requests.take_due(now) {
            self.send(&message);
        }
    }

    fn send(&mut self, message: &ClientMessage) {
        self.frames.extend(frame::write(message));
    }
}

impl Event {
    /// Events that ask for something about a socket that is gone by now.
    fn concerns_the_socket(&self) -> bool {
        match self {
            Self::Connect | Self::Close { .. } => true,
            Self::Connected(_)
            | Self::Disconnected { .. }
            | Self::Registered { .. }
            | Self::RegisterFailed { .. }
            | Self::Unregistered { .. }
            | Self::Message(_) => false,
        }
    }
}
