//! What is known of a notification server, and what its replies and signals change in it.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::sync::oneshot;
use zbus::Message;
use zbus::message::Type;

use super::session::{NAME, Server};
use super::shown::Shown;
use crate::notifier::{Card, Report, Reports};

/// Signals about a notification whose id is not known yet. There is at most a token, a click and a closing for it.
const EARLY_LIMIT: usize = 16;

/// What a connection knows of the server on it.
#[derive(Default)]
pub(super) struct State {
    pub(super) server: Option<Arc<Server>>,
    pub(super) shown: Shown,
    /// By the serial number of the call.
    pub(super) unanswered: HashMap<NonZeroU32, Unanswered>,
    /// Some servers let a click overtake the answer to `Notify`.
    early: VecDeque<Signal>,
}

/// A call of `Notify` that the server has not answered.
pub(super) struct Unanswered {
    /// Without its id.
    pub(super) card: Card,
    /// What it takes the place of.
    pub(super) replaces: Option<u32>,
    /// To be closed as soon as its id is known.
    pub(super) withdrawn: bool,
    pub(super) answer: oneshot::Sender<zbus::Result<Option<Card>>>,
}

/// What a server tells about the notification with this id.
enum Signal {
    ActivationToken(u32, String),
    ActionInvoked(u32, String),
    NotificationClosed(u32),
}

impl State {
    /// Whether a notification with this id is, or is about to be, another than the one that was to be closed.
    pub(super) fn gives_to_another(&self, id: u32) -> bool {
        let replaces = |call: &Unanswered| call.replaces == Some(id) && !call.withdrawn;
        self.shown.is_live(id) || self.unanswered.values().any(replaces)
    }

    pub(super) fn forget_server(&mut self) {
        self.server = None;
        self.shown.clear();
        self.early.clear();
    }

    /// Returns the id of a notification that was withdrawn before it had one: it is to be closed.
    pub(super) fn on_reply(&mut self, message: &Message, reports: &Reports) -> Option<u32> {
        let serial = message.header().reply_serial()?;
        let Unanswered { card, withdrawn, answer, .. } = self.unanswered.remove(&serial)?;
        let id = match message.message_type() {
            Type::Error => Err(message.clone().into()),
            Type::MethodReturn | Type::MethodCall | Type::Signal => message.body().deserialize::<u32>(),
        };
        let unwanted = id.as_ref().ok().copied().filter(|_| withdrawn);
        let shown = id.map(|id| {
            if withdrawn {
                if self.shown.on_closed(id) {
                    // It has replaced this one.
                    let _ = reports.send(Report::Closed { server: card.server, id });
                }
                return None;
            }
            let card = Card { id, ..card };
            self.shown.insert(card.clone());
            for signal in std::mem::take(&mut self.early) {
                match signal.id() == id {
                    true => self.apply(signal, reports),
                    false => self.early.push_back(signal),
                }
            }
            Some(card)
        });
        if self.unanswered.is_empty() {
            self.early.clear();
        }
        // Nobody may be waiting any more; it is on screen all the same.
        let _ = answer.send(shown);
        unwanted
    }

    pub(super) fn on_signal(&mut self, message: &Message, reports: &Reports) -> zbus::Result<()> {
        let header = message.header();
        let (Some(sender), Some(interface), Some(member)) =
            (header.sender(), header.interface(), header.member())
        else {
            return Ok(());
        };
        if sender.as_str() == "org.freedesktop.DBus" && member.as_str() == "NameOwnerChanged" {
            let (name, _, owner): (String, String, String) = message.body().deserialize()?;
            if name == NAME && !self.is_server(&owner) {
                self.forget_server();
            }
            return Ok(());
        }
        // Anyone on the bus may send signals that look like the server's.
        if !self.is_server(sender) || interface.as_str() != NAME {
            return Ok(());
        }
        let body = message.body();
        let signal = match member.as_str() {
            "ActivationToken" => {
                let (id, token) = body.deserialize()?;
                Signal::ActivationToken(id, token)
            }
            "ActionInvoked" => {
                let (id, key) = body.deserialize()?;
                Signal::ActionInvoked(id, key)
            }
            "NotificationClosed" => {
                let (id, _reason): (u32, u32) = body.deserialize()?;
                Signal::NotificationClosed(id)
            }
            _ => return Ok(()),
        };
        if self.shown.knows(signal.id()) {
            self.apply(signal, reports);
        } else if !self.unanswered.is_empty() && self.early.len() < EARLY_LIMIT {
            self.early.push_back(signal);
        }
        Ok(())
    }

    fn apply(&mut self, signal: Signal, reports: &Reports) {
        let report = match signal {
            Signal::ActivationToken(id, token) => {
                self.shown.on_token(id, token);
                None
            }
            Signal::ActionInvoked(id, key) => self.shown.on_action(id, &key).map(Report::Clicked),
            Signal::NotificationClosed(id) => self
                .server
                .as_ref()
                .filter(|_| self.shown.on_closed(id))
                .map(|server| Report::Closed { server: server.run.clone(), id }),
        };
        if let Some(report) = report {
            // Nobody listens any more when the engine is stopping.
            let _ = reports.send(report);
        }
    }

    fn is_server(&self, name: &str) -> bool {
        self.server.as_ref().is_some_and(|server| server.owner.as_str() == name)
    }
}

impl Signal {
    fn id(&self) -> u32 {
        match self {
            Self::ActivationToken(id, _) | Self::ActionInvoked(id, _) | Self::NotificationClosed(id) => *id,
        }
    }
}
