//! How a session goes from one state to the next.

use std::mem;

use super::frame::{self, Frame};
use super::keep_alive::Check;
use super::requests::Request;
use super::state::{Attempt, Pause, Ready, State};
use super::{Event, Identity, Moment, Session};
use crate::autopush::message::{ClientHello, ClientMessage, ServerMessage};
use crate::{ChannelId, UserAgentId};

impl Session {
    pub(super) fn transition(&mut self, step: impl FnOnce(&mut Self, State) -> State) {
        let state = mem::take(&mut self.state);
        self.state = step(self, state);
    }

    pub(super) fn connect(&mut self, now: Moment) -> State {
        self.events.push_back(Event::Connect);
        State::Connecting(Attempt { since: now, stale: false })
    }

    /// Connects as soon as the service allows.
    pub(super) fn resume(&mut self, now: Moment, pause: Pause) -> State {
        if now >= pause.not_before {
            return self.connect(now);
        }
        State::Disconnected(Pause { retry_at: Some(pause.not_before), ..pause })
    }

    /// The end of a greeted connection.
    pub(super) fn part(&mut self, now: Moment, ready: &Ready) {
        if ready.is_good(now) {
            self.backoff.reset();
        }
    }

    fn close_greeted(&mut self, now: Moment, ready: &Ready, reason: &str) -> State {
        self.part(now, ready);
        self.close(reason)
    }

    pub(super) fn close(&mut self, reason: &str) -> State {
        self.frames.clear();
        self.events.push_back(Event::Close { reason: reason.to_owned() });
        State::Closing
    }

    pub(super) fn say_hello(&mut self, now: Moment) -> State {
        let said = self.known.clone();
        let uaid = said.clone().map(String::from);
        self.send(&ClientMessage::Hello(ClientHello {
            uaid,
            use_webpush: Some(true),
            ..ClientHello::default()
        }));
        State::AwaitingHello { sent: now, said }
    }

    pub(super) fn before_hello(
        &mut self,
        now: Moment,
        sent: Moment,
        said: Option<UserAgentId>,
        frame: Frame,
    ) -> State {
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

    pub(super) fn after_hello(&mut self, now: Moment, ready: Ready, frame: Frame) -> State {
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

    pub(super) fn keep_up(&mut self, now: Moment, mut ready: Ready) -> State {
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

    pub(super) fn request(&mut self, now: Moment, channel_id: ChannelId, request: Request) {
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
