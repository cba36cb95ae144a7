//! The WebSocket itself: upgrade, frames, pings, timeouts and how connections end.

use std::time::Duration;

use push_service::Timing;
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::{self, Bytes, Message};

use crate::support::{CHANNEL, Server, SilentUserAgent, UserAgent, unhurried};

const SHORT: Duration = Duration::from_millis(50);

fn state_machine() -> (u16, String) {
    (1011, "SM".to_owned())
}

#[tokio::test]
async fn the_subprotocol_is_echoed_only_when_it_was_offered() {
    let server = Server::start().await;
    let url = server.service.websocket_url();
    for (offered, echoed) in [
        (Some("push-notification"), Some("push-notification")),
        (Some("chat, push-notification"), Some("push-notification")),
        (None, None),
    ] {
        let (mut user_agent, response) = UserAgent::connect(url, offered).await.unwrap();
        let echo = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
        assert_eq!(echo, echoed);
        user_agent.hello(json!(null)).await;
    }
}

#[tokio::test]
async fn only_the_root_takes_websockets() {
    let server = Server::start().await;
    let url = server.service.websocket_url().join("elsewhere").unwrap();
    let refused = UserAgent::connect(&url, None).await.err();
    assert!(
        matches!(&refused, Some(tungstenite::Error::Http(response)) if response.status() == 404),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_root_tells_others_what_it_is_for() {
    let server = Server::start().await;
    let url = server.service.endpoint_url().as_str();
    let answer = server.request(Method::GET, url, &[], "").await;
    assert_eq!((answer.status, answer.header("upgrade")), (426, Some("websocket")));
    let answer = server.request(Method::POST, url, &[], "").await;
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").unwrap().contains("GET"));
}

#[tokio::test]
async fn no_extension_is_agreed_on_and_no_other_version_of_websocket() {
    let server = Server::start().await;
    let url = server.service.endpoint_url().as_str();
    let upgrade = |version| {
        [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", version),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ]
    };
    let answer = server.request(Method::GET, url, &upgrade("13"), "").await;
    assert_eq!((answer.status, answer.header("sec-websocket-extensions")), (101, None));
    assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    let answer = server.request(Method::GET, url, &upgrade("12"), "").await;
    assert_eq!((answer.status, answer.header("sec-websocket-version")), (426, Some("13")));
}

#[tokio::test]
async fn the_times_are_autopushs_unless_somebody_says_otherwise() {
    let seconds = |seconds| Duration::from_secs(seconds);
    let Timing { hello, ping_interval, pong_timeout, app_ping_spacing } = Timing::default();
    assert_eq!((hello, ping_interval, pong_timeout), (seconds(5), seconds(300), seconds(4)));
    assert_eq!(app_ping_spacing, seconds(45));
}

#[tokio::test]
async fn whoever_does_not_say_hello_is_disconnected() {
    let server = Server::start_timed(Timing { hello: SHORT, ..unhurried() }).await;
    assert_eq!(server.connect().await.closed().await, (1011, "HandshakeTimeout".to_owned()));
}

#[tokio::test]
async fn anything_but_a_hello_at_first_ends_the_connection() {
    let server = Server::start().await;
    for first in [json!({"messageType": "register", "channelID": CHANNEL}), json!({})] {
        let mut user_agent = server.connect().await;
        user_agent.send(first).await;
        assert_eq!(user_agent.closed().await, state_machine());
    }
    for first in [Message::binary(vec![1]), Message::Ping(Bytes::new())] {
        let mut user_agent = server.connect().await;
        user_agent.send_frame(first).await;
        assert_eq!(user_agent.closed().await, (1003, "UnsupportedMessage".to_owned()));
    }
}

#[tokio::test]
async fn a_second_hello_ends_the_connection() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    user_agent.send(json!({"messageType": "hello"})).await;
    assert_eq!(user_agent.closed().await, state_machine());
}

#[tokio::test]
async fn what_cannot_be_understood_ends_the_connection() {
    let server = Server::start().await;
    for text in [
        "",
        "nonsense",
        "[]",
        "{\"foo\":1}",
        "{\"messageType\":\"unknown\"}",
        "{\"messageType\":\"register\"}",
        "{\"messageType\":\"unregister\",\"channelID\":\"x\"}",
        "{\"messageType\":\"ack\"}",
        "{\"messageType\":\"ack\",\"updates\":[{\"version\":\"v\"}]}",
        "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\"x\",\"version\":\"v\"}]}",
        "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\"decafbad-0000-4000-8000-0123456789ab\"}]}",
        "{\"messageType\":\"nack\"}",
        "{\"messageType\":\"broadcast_subscribe\"}",
    ] {
        let mut user_agent = server.user_agent(None).await;
        user_agent.send_frame(Message::text(text)).await;
        assert_eq!(user_agent.closed().await, (1011, "Json".to_owned()), "{text:?}");
    }
    let mut user_agent = server.user_agent(None).await;
    user_agent.send_frame(Message::binary(b"{}".to_vec())).await;
    assert_eq!(user_agent.closed().await, (1003, "UnsupportedMessage".to_owned()));
}

#[tokio::test]
async fn a_fragmented_message_is_read_as_one() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let opening = Frame::message(Bytes::from_static(b"{"), OpCode::Data(Data::Text), false);
    let rest = Frame::message(Bytes::from_static(b"}"), OpCode::Data(Data::Continue), true);
    user_agent.send_frame(Message::Frame(opening)).await;
    user_agent.send_frame(Message::Frame(rest)).await;
    assert_eq!(user_agent.next().await, json!({}));

    let mut user_agent = server.connect().await;
    let (opening, rest) = (b"{\"messageType\":".as_slice(), b"\"hello\"}".as_slice());
    let opening = Frame::message(Bytes::from_static(opening), OpCode::Data(Data::Text), false);
    let rest = Frame::message(Bytes::from_static(rest), OpCode::Data(Data::Continue), true);
    user_agent.send_frame(Message::Frame(opening)).await;
    user_agent.send_frame(Message::Frame(rest)).await;
    assert_eq!(user_agent.next().await["status"], 200);
}

#[tokio::test]
async fn frames_against_the_rules_of_websocket_end_the_connection() {
    let server = Server::start().await;
    let unmasked = [0x81, 2, b'{', b'}'];
    let reserved_bit = [0xc1, 0x80, 0, 0, 0, 0];
    let long_ping = [&[0x89, 0x80 | 126, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat();
    for frame in [&unmasked[..], &reserved_bit, &long_ping] {
        let mut user_agent = SilentUserAgent::hello(server.service.address()).await;
        assert_eq!(user_agent.next_frame().await.0, 1, "hello");
        user_agent.send(frame).await;
        let reason = [&1002_u16.to_be_bytes(), b"Protocol".as_slice()].concat();
        assert_eq!(user_agent.next_frame().await, (8, reason), "{frame:?}");
    }
}

#[tokio::test]
async fn a_frame_that_claims_to_be_huge_is_not_waited_for() {
    let server = Server::start().await;
    let mut user_agent = SilentUserAgent::hello(server.service.address()).await;
    assert_eq!(user_agent.next_frame().await.0, 1, "hello");
    let huge = [&[0x81, 0x80 | 127][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    user_agent.send(&huge).await;
    user_agent.ended().await;
}

#[tokio::test]
async fn frames_up_to_64_kib_are_read_and_longer_ones_end_the_connection() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let padded = |length: usize| Message::text(format!("{{{}}}", " ".repeat(length - 2)));
    user_agent.send_frame(padded(65_536)).await;
    assert_eq!(user_agent.next().await, json!({}));
    user_agent.send_frame(padded(65_537)).await;
    assert_eq!(user_agent.closed().await, (1002, "Protocol".to_owned()));
}

#[tokio::test]
async fn pings_of_both_kinds_are_answered() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    for ping in ["{}", "{ }", "{\"messageType\":\"ping\"}"] {
        user_agent.send_frame(Message::text(ping)).await;
        assert_eq!(user_agent.next().await, json!({}));
    }
    for _ in 0..3 {
        user_agent.send_frame(Message::Ping(Bytes::from_static(b"x"))).await;
        assert_eq!(user_agent.next_frame().await, Message::Pong(Bytes::from_static(b"x")));
    }
}

#[tokio::test]
async fn a_user_agent_that_pings_too_often_is_disconnected() {
    let server = Server::start_timed(Timing::default()).await;
    let mut user_agent = server.user_agent(None).await;
    user_agent.send(json!({})).await;
    assert_eq!(user_agent.next().await, json!({}));
    user_agent.send(json!({})).await;
    assert_eq!(user_agent.closed().await, state_machine());
}

#[tokio::test]
async fn the_service_pings_again_and_again_whoever_answers() {
    let server = Server::start_timed(Timing { ping_interval: SHORT, ..unhurried() }).await;
    let mut user_agent = server.user_agent(None).await;
    for _ in 0..3 {
        // Reading on answers it.
        assert_eq!(user_agent.next_frame().await, Message::Ping(Bytes::new()));
    }
    user_agent.send(json!({})).await;
    while user_agent.next_frame().await != Message::text("{}") {}
}

#[tokio::test]
async fn whoever_does_not_answer_a_ping_is_disconnected() {
    let timing = Timing { ping_interval: Duration::ZERO, pong_timeout: SHORT, ..unhurried() };
    let server = Server::start_timed(timing).await;
    let mut user_agent = SilentUserAgent::hello(server.service.address()).await;
    let reply = user_agent.next_frame().await;
    assert!(reply.0 == 1 && reply.1.starts_with(b"{"), "hello");
    assert_eq!(user_agent.next_frame().await, (9, Vec::new()), "a Ping");
    let reason = [&1011_u16.to_be_bytes(), b"PongTimeout".as_slice()].concat();
    assert_eq!(user_agent.next_frame().await, (8, reason));
}

#[tokio::test]
async fn a_close_is_confirmed_with_the_same_code_and_reason() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    let frame = CloseFrame { code: 4001.into(), reason: "enough".into() };
    user_agent.send_frame(Message::Close(Some(frame))).await;
    assert_eq!(user_agent.closed().await, (4001, "enough".to_owned()));
}

#[tokio::test]
async fn nacks_and_broadcasts_do_not_disturb() {
    let server = Server::start().await;
    let mut user_agent = server.user_agent(None).await;
    user_agent.send(json!({"messageType": "nack", "version": "v", "code": 301})).await;
    user_agent.send(json!({"messageType": "broadcast_subscribe", "broadcasts": {"a/b": "\"1\""}})).await;
    assert_eq!(user_agent.next().await, json!({"messageType": "broadcast", "broadcasts": {}}));
    user_agent.settle().await;
}

#[tokio::test]
async fn user_agents_are_told_when_the_service_ends() {
    let server = Server::start().await;
    let (mut greeted, mut silent) = (server.user_agent(None).await, server.connect().await);
    let told = async { (greeted.closed().await, silent.closed().await) };
    let ((), (greeted, silent)) = tokio::join!(server.service.shutdown(), told);
    assert_eq!(greeted, (1011, "StreamClosed".to_owned()));
    assert_eq!(silent, greeted);
}
