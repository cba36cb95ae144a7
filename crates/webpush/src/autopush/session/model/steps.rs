//! What may happen to a session, in any order.

use proptest::prelude::*;
use serde_json::json;

use crate::ChannelId;

/// One thing that happens to a session, whether or not it makes sense at that moment.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The socket opens and the service greets us.
    Greet,
    Connected,
    Disconnected {
        code: Option<u16>,
        retry_after: Option<u64>,
        jitter: f64,
    },
    Receive(String),
    /// The service answers the nth open request.
    Answer {
        nth: usize,
        status: u16,
    },
    Activity,
    Register(u8),
    Unregister(u8),
    Acknowledge(u8),
    ReconnectNow,
    AttemptNow,
    /// Time passes, deadlines are kept.
    Pass {
        milliseconds: u64,
    },
    /// The machine slept: time passes and deadlines are missed.
    Sleep {
        seconds: u64,
    },
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let hello = (
        prop_oneof![8 => Just(200), 1 => Just(503)],
        prop_oneof![4 => Just("a"), 1 => Just("b"), 1 => Just("")],
    )
        .prop_map(|(status, uaid)| {
            json!({"messageType": "hello", "uaid": uaid, "status": status}).to_string()
        });
    let push = (0..4_u8, 0..6_u8).prop_map(|(n, v)| {
        json!({"messageType": "notification", "channelID": channel(n), "version": format!("v{v}")})
            .to_string()
    });
    let lost = (
        proptest::option::of(prop_oneof![Just(1000), Just(1011), Just(4774)]),
        proptest::option::of(0..2000_u64),
        prop_oneof![0.0..=1.0, any::<f64>()],
    );
    let pass = |up_to: u64| (0..up_to).prop_map(|milliseconds| Step::Pass { milliseconds });
    let odd = prop_oneof![Just("{}"), Just("[]"), Just("{\"messageType\":\"x\"}")];
    let step = prop_oneof![
        8 => Just(Step::Greet),
        1 => Just(Step::Connected),
        3 => lost.prop_map(|(code, retry_after, jitter)| Step::Disconnected { code, retry_after, jitter }),
        1 => hello.prop_map(Step::Receive),
        4 => push.prop_map(Step::Receive),
        4 => odd.prop_map(|text| Step::Receive(text.to_owned())),
        1 => ".{0,20}".prop_map(Step::Receive),
        6 => (0..4_usize, prop_oneof![4 => Just(200), 1 => Just(400), 2 => Just(500)])
            .prop_map(|(nth, status)| Step::Answer { nth, status }),
        2 => Just(Step::Activity),
        4 => (0..4_u8).prop_map(Step::Register),
        2 => (0..4_u8).prop_map(Step::Unregister),
        6 => (0..3_u8).prop_map(Step::Acknowledge),
        4 => Just(Step::ReconnectNow),
        2 => Just(Step::AttemptNow),
        4 => pass(9_000),
        4 => pass(60_000),
        1 => pass(900_000),
        1 => (0..100_000_u64).prop_map(|seconds| Step::Sleep { seconds }),
    ];
    proptest::collection::vec(step, 1..120)
}

pub(super) fn channel(n: u8) -> ChannelId {
    ChannelId::from_random_bytes([n; 16])
}
