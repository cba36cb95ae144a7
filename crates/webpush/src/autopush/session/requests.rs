//! Register and unregister requests, kept until they are answered, whatever happens to the connection meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use super::state::ANSWER_LIMIT;
use super::{Event, Moment};
use crate::autopush::UnregisterCode;
use crate::autopush::message::ClientMessage;
use crate::{ApplicationServerKey, ChannelId, PushEndpoint};

/// How long to wait after the service failed to register a channel or to let it go (500, 503).
const RETRY_AFTER_ERROR: Duration = Duration::from_secs(60);

/// At most one open request per channel: replies name nothing but the channel.
#[derive(Debug, Default)]
pub(super) struct Requests(BTreeMap<ChannelId, Open>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Register(Option<ApplicationServerKey>),
    Unregister(UnregisterCode),
}

#[derive(Debug)]
struct Open {
    request: Request,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// To be sent as soon as the session is ready.
    Waiting,
    /// Sent on this connection.
    Sent(Moment),
    /// The service had a problem; to be sent again then.
    RetryAt(Moment),
}

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a request, in place of an earlier one for the same channel; says whether it is a new one. One that is on its
    /// way already is not sent twice.
    pub(super) fn add(&mut self, channel_id: ChannelId, request: Request) -> bool {
        let earlier = self.0.get(&channel_id).filter(|open| open.request == request);
        let is_new = earlier.is_none();
        if !earlier.is_some_and(|open| matches!(open.phase, Phase::Sent(_))) {
            self.0.insert(channel_id, Open { request, phase: Phase::Waiting });
        }
        is_new
    }

    /// The messages to send now; they count as sent.
    pub(super) fn take_due(&mut self, now: Moment) -> Vec<ClientMessage> {
        let mut due = Vec::new();
        for (channel_id, open) in &mut self.0 {
            let is_due = match open.phase {
                Phase::Waiting => true,
                Phase::Sent(_) => false,
                Phase::RetryAt(at) => now >= at,
            };
            if is_due {
                open.phase = Phase::Sent(now);
                due.push(open.request.message(*channel_id));
            }
        }
        due
    }

    /// What was sent and not answered must be sent again on the next connection.
    pub(super) fn connection_lost(&mut self) {
        for open in self.0.values_mut() {
            if matches!(open.phase, Phase::Sent(_)) {
                open.phase = Phase::Waiting;
            }
        }
    }

    /// Whether an answer has been missing for too long.
    pub(super) fn overdue(&self, now: Moment) -> bool {
        self.0.values().any(|open| matches!(open.phase, Phase::Sent(at) if now >= at + ANSWER_LIMIT))
    }

    /// When an answer is overdue or a request is to be repeated.
    pub(super) fn deadline(&self) -> Option<Moment> {
        let deadlines = self.0.values().filter_map(|open| match open.phase {
            Phase::Waiting => None,
            Phase::Sent(at) => Some(at + ANSWER_LIMIT),
            Phase::RetryAt(at) => Some(at),
        });
        deadlines.min()
    }

    /// A `register` was answered. `endpoint`: `None` when it is no URL. A reply to something not asked for is no event.
    pub(super) fn registered(
        &mut self,
        now: Moment,
        channel_id: ChannelId,
        status: u16,
        endpoint: Option<PushEndpoint>,
    ) -> Option<Event> {
        let open = self.0.get_mut(&channel_id)?;
        if !matches!(open, Open { request: Request::Register(_), phase: Phase::Sent(_) }) {
            return None;
        }
        let event = match (status, endpoint) {
            (200, Some(endpoint)) => Event::Registered { channel_id, endpoint },
            (400 | 409, _) => Event::RegisterFailed { channel_id, status },
            _ => {
                open.phase = Phase::RetryAt(now + RETRY_AFTER_ERROR);
                return Some(Event::RegisterFailed { channel_id, status });
            }
        };
        self.0.remove(&channel_id);
        Some(event)
    }

    /// An `unregister` was answered. A refusal will do, it is advisory; a service in trouble is told again.
    pub(super) fn unregistered(&mut self, now: Moment, channel_id: ChannelId, status: u16) -> Option<Event> {
        let open = self.0.get_mut(&channel_id)?;
        if !matches!(open, Open { request: Request::Unregister(_), phase: Phase::Sent(_) }) {
            return None;
        }
        if status >= 500 {
            open.phase = Phase::RetryAt(now + RETRY_AFTER_ERROR);
            return None;
        }
        self.0.remove(&channel_id);
        Some(Event::Unregistered { channel_id })
    }
}

impl Request {
    fn message(&self, channel_id: ChannelId) -> ClientMessage {
        match self {
            Self::Register(key) => ClientMessage::Register {
                channel_id: channel_id.to_string(),
                key: key.map(|key| key.to_string()),
            },
            Self::Unregister(code) => ClientMessage::Unregister { channel_id, code: Some(*code as u32) },
        }
    }
}
