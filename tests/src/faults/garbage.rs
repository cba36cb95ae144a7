//! Whole WebSocket frames that no push service sends. None of them is an answer to a hello, or asks to stay away: a push
//! service may say that, and would be believed.

use fastrand::Rng;
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use webpush::autopush::message::MAX_FRAME;

/// One or a few frames. Every number has a kind of its own, until all have been.
pub(super) fn garbage(number: usize, rng: &mut Rng) -> Vec<u8> {
    let make = KINDS.get(number % KINDS.len()).copied().unwrap_or(not_json);
    make(rng)
}

const KINDS: &[fn(&mut Rng) -> Vec<u8>] = &[
    not_json,
    not_an_object,
    unknown_message,
    incomplete_message,
    answer_to_nobody,
    stranger,
    bottomless,
    oversized,
    binary,
    fragments,
    loose_end,
    continuation,
    not_utf8,
    control,
    reserved,
];

fn not_json(rng: &mut Rng) -> Vec<u8> {
    pick(
        rng,
        &["", "nonsense", "{\"messageType\":\"notification\",", "<html>502 Bad Gateway</html>", "\u{feff}{}"],
    )
}

fn not_an_object(rng: &mut Rng) -> Vec<u8> {
    pick(rng, &["null", "[]", "42", "1e999", "\"hello\"", "[{\"messageType\":\"ping\"}]", "{}"])
}

fn unknown_message(rng: &mut Rng) -> Vec<u8> {
    let texts = [
        r#"{"messageType":"Notification"}"#,
        r#"{"messageType":"reset","status":200}"#,
        r#"{"messageType":7}"#,
        r#"{"messageType":null,"status":"ok"}"#,
        r#"{"messageType":"broadcast","broadcasts":{"a":{"b":[]}}}"#,
    ];
    pick(rng, &texts)
}

fn incomplete_message(rng: &mut Rng) -> Vec<u8> {
    let texts = [
        r#"{"messageType":"notification"}"#,
        r#"{"messageType":"notification","channelID":"x","version":"y"}"#,
        r#"{"messageType":"notification","channelID":["x"],"version":1,"data":{}}"#,
        r#"{"messageType":"register","status":200}"#,
        r#"{"messageType":"unregister","channelID":null,"status":-1}"#,
    ];
    pick(rng, &texts)
}

/// Of requests that were never made.
fn answer_to_nobody(rng: &mut Rng) -> Vec<u8> {
    let channel = channel(rng);
    let endpoint = "http://127.0.0.1:1/wpush/v1/x";
    text(&match rng.bool() {
        true => json!({ "messageType": "unregister", "channelID": channel, "status": 200 }).to_string(),
        false => {
            let status = rng.choice([200, 400, 409, 500, 65_535]);
            json!({ "messageType": "register", "channelID": channel, "status": status, "pushEndpoint": endpoint })
                .to_string()
        }
    })
}

/// A push on a channel that is not ours.
fn stranger(rng: &mut Rng) -> Vec<u8> {
    let (channel, version) = (channel(rng), format!("v{}", rng.u64(..)));
    let headers = json!({ "encoding": "aes128gcm" });
    let push = json!({ "messageType": "notification", "channelID": channel, "version": version,
        "data": "AAAA", "headers": headers });
    text(&push.to_string())
}

fn bottomless(rng: &mut Rng) -> Vec<u8> {
    let open = if rng.bool() { "[" } else { "{\"a\":" };
    text(&open.repeat(rng.usize(100..10_000)))
}

fn oversized(rng: &mut Rng) -> Vec<u8> {
    text(&"x".repeat(MAX_FRAME + rng.usize(1..=MAX_FRAME)))
}

fn binary(rng: &mut Rng) -> Vec<u8> {
    let bytes: Vec<u8> = (0..rng.usize(0..2_000)).map(|_| rng.u8(..)).collect();
    frame(OpCode::Data(Data::Binary), true, &bytes)
}

/// One message in several frames, with a Ping in between, as RFC 6455 allows.
fn fragments(_: &mut Rng) -> Vec<u8> {
    [
        frame(OpCode::Data(Data::Text), false, br#"{"messageType":"#),
        frame(OpCode::Control(Control::Ping), true, b"between"),
        frame(OpCode::Data(Data::Continue), false, br#""patch"#),
        frame(OpCode::Data(Data::Continue), true, br#"work"}"#),
    ]
    .concat()
}

/// The beginning of a message that never goes on.
fn loose_end(_: &mut Rng) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), false, b"{\"messageType\":")
}

fn continuation(_: &mut Rng) -> Vec<u8> {
    frame(OpCode::Data(Data::Continue), true, b"\"hello\"}")
}

fn not_utf8(_: &mut Rng) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), true, b"{\"messageType\":\"\xff\xfe\"}")
}

fn control(rng: &mut Rng) -> Vec<u8> {
    let opcode = if rng.bool() { Control::Ping } else { Control::Pong };
    frame(OpCode::Control(opcode), true, &vec![b'p'; rng.usize(0..=125)])
}

fn reserved(rng: &mut Rng) -> Vec<u8> {
    match rng.bool() {
        true => frame(OpCode::Data(Data::Reserved(rng.u8(3..=7))), true, b"?"),
        false => frame(OpCode::Control(Control::Reserved(rng.u8(11..=15))), true, b"?"),
    }
}

fn channel(rng: &mut Rng) -> String {
    let [a, b] = [rng.u32(..), rng.u32(..)];
    format!("{a:08x}-0000-4000-8000-0000{b:08x}")
}

fn pick(rng: &mut Rng, texts: &[&str]) -> Vec<u8> {
    text(rng.choice(texts).copied().unwrap_or_default())
}

fn text(text: &str) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), true, text.as_bytes())
}

fn frame(opcode: OpCode, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader { is_final, rsv1: false, rsv2: false, rsv3: false, opcode, mask: None };
    let mut bytes = Vec::new();
    // Only a failing writer could fail.
    let _ = header.format(payload.len() as u64, &mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}
