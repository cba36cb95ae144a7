//! The user agent's checklist of the protocol notes, in virtual time moved by hand.

mod hello;
mod keep_alive;
mod messages;
mod reconnection;
mod requests;

use serde_json::{Value, json};

use super::*;

const UAID: &str = "731ece684844467aa100ef9e485e6e05";
const OTHER_UAID: &str = "00000000111122223333444455556666";
const ENDPOINT: &str = "https://push.example/wpush/v1/abc";

/// A session and the service's end of the wire.
struct Wire {
    session: Session,
    now: Moment,
}

impl Wire {
    fn new(known: Option<&str>) -> Self {
        let known = known.map(|id| id.parse().unwrap());
        Self { session: Session::new(known, Moment::default()), now: Moment::default() }
    }

    /// Greeted and with its events taken.
    fn ready(known: Option<&str>) -> Self {
        let mut wire = Self::new(known);
        wire.greet(known.unwrap_or(UAID));
        wire.events();
        wire
    }

    fn greet(&mut self, uaid: &str) -> Vec<Value> {
        self.session.handle_connected(self.now);
        self.frames();
        self.receive(json!({"messageType": "hello", "uaid": uaid, "status": 200, "use_webpush": true,
            "broadcasts": {"errors": {"x/y": "Broadcast not found"}}}));
        self.frames()
    }

    fn receive(&mut self, message: Value) {
        self.session.handle_frame(self.now, &message.to_string());
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.session.handle_timeout(self.now);
    }

    /// The connection ends; the next one is being made.
    fn reconnect(&mut self) {
        self.lose(Some(1011), 1.0);
        self.pass(3600);
        assert!(self.events().contains(&Event::Connect));
    }

    fn lose(&mut self, close_code: Option<u16>, jitter: f64) -> Option<Duration> {
        self.session.handle_disconnected(self.now, close_code, None, jitter, "test".into());
        let events = self.events();
        let [.., Event::Disconnected { retry_in, .. }] = events.as_slice() else { panic!("{events:?}") };
        *retry_in
    }

    fn frames(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.session.poll_transmit())
            .map(|frame| serde_json::from_str(&frame).unwrap())
            .collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    fn timeout_in(&self) -> u64 {
        self.session.poll_timeout().unwrap().0.as_secs() - self.now.0.as_secs()
    }

    fn is_closed(&mut self) -> bool {
        let closed = self.events().iter().any(|event| matches!(event, Event::Close { .. }));
        assert_eq!(closed, matches!(self.session.state, State::Closing));
        closed
    }
}

fn channel(n: u8) -> ChannelId {
    format!("decafbad-0000-4000-8000-0000000000{n:02x}").parse().unwrap()
}

fn version(text: &str) -> MessageVersion {
    text.to_owned().try_into().unwrap()
}

fn registered(n: u8, status: u16, endpoint: &str) -> Value {
    json!({"messageType": "register", "channelID": channel(n), "status": status, "pushEndpoint": endpoint})
}

#[test]
fn debug_shows_neither_ids_nor_frames() {
    let mut wire = Wire::ready(Some(UAID));
    wire.session.register(wire.now, channel(1), None);
    wire.session.acknowledge(vec![(channel(1), version("secret-version"), AckCode::Delivered)]);
    let shown = format!("{:?}", wire.session);
    assert!(!shown.contains("731ece") && !shown.contains("secret") && !shown.contains("decafbad"), "{shown}");
}
