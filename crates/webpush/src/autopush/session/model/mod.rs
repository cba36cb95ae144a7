//! Random histories of a session against a small reference model, in virtual time.

mod steps;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::steps::{Step, channel, steps};
use super::reference::{Phase, Reference};
use super::*;

/// The driver and the service as they see the session from outside.
struct World {
    session: Session,
    now: Moment,
    socket: Socket,
    /// Requests the session has not reported as done.
    open: BTreeMap<ChannelId, &'static str>,
    /// Requests the service failed, and until when they rest.
    resting: BTreeMap<ChannelId, Moment>,
    timing: Reference,
}

#[derive(Debug, PartialEq)]
enum Socket {
    Closed,
    Opening,
    Open { hello_sent: bool, greeted: bool, sent: Vec<(Moment, Value)>, closing: bool },
}

impl Socket {
    fn open(closing: bool) -> Self {
        Self::Open { hello_sent: false, greeted: false, sent: Vec::new(), closing }
    }
}

impl World {
    fn new(known: Option<UserAgentId>) -> Self {
        let now = Moment(Duration::from_secs(5));
        let session = Session::new(known, now);
        let mut world = Self {
            session,
            now,
            socket: Socket::Closed,
            open: BTreeMap::new(),
            resting: BTreeMap::new(),
            timing: Reference::new(now),
        };
        world.drain();
        world
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Greet => {
                self.connected();
                self.receive(r#"{"messageType":"hello","uaid":"a","status":200}"#);
            }
            Step::Connected => self.connected(),
            Step::Disconnected { code, retry_after, jitter } => {
                let had_socket = self.socket != Socket::Closed;
                self.socket = Socket::Closed;
                let retry_after = retry_after.map(Duration::from_secs);
                self.session.handle_disconnected(self.now, code, retry_after, jitter, String::new());
                let expected =
                    had_socket.then(|| self.timing.disconnected(self.now, code, retry_after, jitter));
                let events = self.drain();
                let announced = events.iter().find_map(|event| {
                    let Event::Disconnected { retry_in, .. } = event else { return None };
                    Some(*retry_in)
                });
                assert_eq!(announced, expected);
            }
            Step::Receive(text) => self.receive(&text),
            Step::Answer { nth, status } => self.answer(nth, status),
            Step::Activity => {
                self.session.handle_activity(self.now);
                self.timing.heard(self.now);
            }
            Step::Register(n) => self.ask(channel(n), "register"),
            Step::Unregister(n) => self.ask(channel(n), "unregister"),
            Step::Acknowledge(v) => {
                let version = MessageVersion::try_from(format!("v{v}")).unwrap();
                self.session.acknowledge(vec![(channel(v), version, AckCode::Delivered)]);
            }
            Step::ReconnectNow => {
                self.timing.reconnect_now(self.now);
                self.reach(|session, now| session.reconnect_now(now));
            }
            Step::AttemptNow => {
                self.timing.attempt_now(self.now);
                self.reach(|session, now| session.attempt_now(now));
            }
            Step::Pass { milliseconds } => self.pass(Duration::from_millis(milliseconds)),
            Step::Sleep { seconds } => {
                self.now = self.now + Duration::from_secs(seconds);
                self.reach(Session::handle_timeout);
            }
        }
        self.drain();
        self.compare();
    }

    /// Something happens at which the session has to notice what is due.
    fn reach(&mut self, happens: impl FnOnce(&mut Session, Moment)) {
        let hopeless = self.timing.is_hopeless(self.now);
        let due = self.timing.deadline().is_some_and(|deadline| self.now >= deadline);
        let before = self.timing.phase;
        happens(&mut self.session, self.now);
        self.drain();
        if due && !matches!(before, Phase::Opening { stale: true, .. }) {
            assert_ne!(before, self.timing.phase, "a deadline passed");
        }
        assert!(!hopeless || self.timing.phase == Phase::Closing, "pings after a long sleep");
    }

    /// The session waits for what the reference waits for.
    fn compare(&self) {
        let timeout = self.session.poll_timeout();
        match (self.timing.phase, self.timing.deadline()) {
            // Requests have deadlines of their own.
            (Phase::Greeted { .. }, Some(deadline)) if !self.open.is_empty() => {
                assert!(timeout.is_some_and(|timeout| timeout <= deadline));
            }
            (_, deadline) => assert_eq!(timeout, deadline),
        }
    }

    fn connected(&mut self) {
        if self.socket == Socket::Opening {
            self.socket = Socket::open(false);
        }
        self.session.handle_connected(self.now);
        self.timing.connected(self.now);
        self.drain();
    }

    fn receive(&mut self, text: &str) {
        self.timing.heard(self.now);
        self.session.handle_frame(self.now, text);
        let events = self.drain();
        if events.iter().any(|event| matches!(event, Event::Connected(_))) {
            let Socket::Open { greeted, sent, .. } = &mut self.socket else {
                panic!("greeted without a socket")
            };
            assert!(!*greeted, "greeted twice");
            *greeted = true;
            for (channel_id, kind) in &self.open {
                let rests = self.resting.get(channel_id).is_some_and(|until| self.now < *until);
                let again = sent.iter().any(|(_, frame)| is_request(frame, kind, *channel_id));
                assert!(again || rests, "{kind} was forgotten by the reconnection");
            }
        }
    }

    fn ask(&mut self, channel_id: ChannelId, kind: &'static str) {
        if self.open.insert(channel_id, kind) != Some(kind) {
            self.timing.asked(self.now);
        }
        self.resting.remove(&channel_id);
        match kind {
            "register" => self.session.register(self.now, channel_id, None),
            _ => self.session.unregister(self.now, channel_id, UnregisterCode::UserRequest),
        }
    }

    fn answer(&mut self, nth: usize, status: u16) {
        let Some((channel_id, kind)) = self.open.iter().nth(nth).map(|(id, kind)| (*id, *kind)) else {
            return;
        };
        let Socket::Open { greeted: true, closing: false, sent, .. } = &self.socket else { return };
        if self.resting.contains_key(&channel_id)
            || !sent.iter().any(|(_, frame)| is_request(frame, kind, channel_id))
        {
            return;
        }
        if status == 500 {
            self.resting.insert(channel_id, self.now + Duration::from_secs(60));
        }
        let endpoint = "https://push.example/x";
        self.receive(
            &json!({"messageType": kind, "channelID": channel_id, "status": status, "pushEndpoint": endpoint})
                .to_string(),
        );
        let done = !self.open.contains_key(&channel_id);
        assert_eq!(done, status != 500);
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        let idle = matches!(self.timing.phase, Phase::Greeted { .. }) && self.open.is_empty();
        let mut wakes = 0;
        while let Some(timeout) = self.session.poll_timeout().filter(|timeout| *timeout <= end) {
            self.now = timeout.max(self.now);
            self.reach(Session::handle_timeout);
            self.compare();
            wakes += 1;
            assert!(!idle || wakes <= 2 + span.as_secs() / 60, "{wakes} wakes while idle");
            assert!(self.session.poll_timeout().is_none_or(|next| next > self.now), "a busy loop");
            assert!(wakes < 50, "{wakes} wakes in {span:?}");
        }
        self.now = end;
    }

    /// Takes all output and judges it.
    fn drain(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.session.poll_event() {
            match &event {
                Event::Connect => {
                    assert_eq!(self.socket, Socket::Closed, "a second socket");
                    self.timing.connect(self.now);
                    self.socket = Socket::Opening;
                }
                Event::Close { .. } => {
                    self.timing.closes(self.now);
                    match &mut self.socket {
                        Socket::Open { closing, .. } => {
                            assert!(!std::mem::replace(closing, true), "closed twice")
                        }
                        Socket::Opening => self.socket = Socket::open(true),
                        Socket::Closed => panic!("nothing to close"),
                    }
                }
                Event::Registered { channel_id, .. }
                | Event::RegisterFailed { channel_id, status: 400 | 409 } => {
                    assert_eq!(self.open.remove(channel_id), Some("register"));
                }
                Event::RegisterFailed { channel_id, .. } => {
                    assert_eq!(self.open.get(channel_id), Some(&"register"), "it is asked again");
                }
                Event::Unregistered { channel_id } => {
                    assert_eq!(self.open.remove(channel_id), Some("unregister"));
                }
                Event::Connected(_) => self.timing.greeted(self.now),
                Event::Disconnected { .. } | Event::Message(_) => {}
            }
            events.push(event);
        }
        while let Some(frame) = self.session.poll_transmit() {
            self.judge(serde_json::from_str(&frame).unwrap());
        }
        events
    }

    fn judge(&mut self, frame: Value) {
        let Socket::Open { hello_sent, sent, closing, .. } = &mut self.socket else {
            panic!("transmits without a socket: {frame}")
        };
        assert!(!*closing, "transmits after closing");
        assert_eq!(!*hello_sent, frame["messageType"] == "hello", "one hello, and first: {frame}");
        *hello_sent = true;
        if frame == json!({}) {
            self.timing.pings(self.now);
        }
        for update in frame["updates"].as_array().into_iter().flatten() {
            let same =
                |(_, earlier): &&(Moment, Value)| earlier["updates"][0]["version"] == update["version"];
            assert!(sent.iter().filter(same).count() < 2, "a third ack");
        }
        for (channel_id, kind) in &self.open {
            if is_request(&frame, kind, *channel_id) {
                let until = self.resting.remove(channel_id);
                assert!(until.is_none_or(|until| self.now >= until), "retried too early");
            }
        }
        sent.push((self.now, frame));
    }

    /// From here on everything works: the session must come to rest, connected, with every request done.
    fn settle(&mut self) {
        self.apply(Step::Disconnected { code: None, retry_after: None, jitter: 1.0 });
        self.apply(Step::ReconnectNow);
        if let Phase::Waiting { not_before, .. } = self.timing.phase {
            self.pass(not_before.0 - self.now.0);
        }
        self.connected();
        self.receive(r#"{"messageType":"hello","uaid":"a","status":200}"#);
        // What the service failed before comes again within a minute.
        for _ in 0..=61 {
            for nth in (0..self.open.len()).rev() {
                self.answer(nth, 200);
            }
            self.receive("{}");
            self.pass(Duration::from_secs(1));
        }
        assert!(self.open.is_empty(), "{:?} was never answered", self.open);
        assert!(matches!(self.socket, Socket::Open { greeted: true, closing: false, .. }));
    }
}

fn is_request(frame: &Value, kind: &str, channel_id: ChannelId) -> bool {
    frame["messageType"] == kind && frame["channelID"] == channel_id.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_history_confuses_the_session(known in any::<bool>(), steps in steps()) {
        let mut world = World::new(known.then(|| "a".parse().unwrap()));
        for step in steps {
            world.apply(step);
        }
        world.settle();
    }
}
