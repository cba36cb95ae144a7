use serde_json::{Value, json};

use super::*;
use crate::{ContentEncoding, EncryptedMessage};

const CHANNEL: &str = "decafbad-0000-4000-8000-0123456789ab";

fn server(value: Value) -> Option<ServerMessage> {
    serde_json::from_str(&value.to_string()).ok()
}

fn client(value: Value) -> Option<ClientMessage> {
    serde_json::from_str(&value.to_string()).ok()
}

#[test]
fn a_ping_is_the_empty_object_or_its_synonym_and_nothing_else() {
    assert_eq!(serde_json::to_string(&ClientMessage::Ping).unwrap(), "{}");
    assert_eq!(serde_json::to_string(&ServerMessage::Pong).unwrap(), "{}");
    assert_eq!(client(json!({})), Some(ClientMessage::Ping));
    assert_eq!(client(json!({"messageType": "ping"})), Some(ClientMessage::Ping));
    assert_eq!(client(json!({"foo": 1})), None);
    assert_eq!(server(json!({})), Some(ServerMessage::Pong));
    assert_eq!(client(json!({"messageType": "Hello"})), None);
    assert_eq!(client(json!([])), None);
}

#[test]
fn hello_replies_with_errors_among_the_broadcasts_are_read() {
    let reply = json!({"messageType": "hello", "uaid": "ab", "status": 200, "use_webpush": true,
        "broadcasts": {"errors": {"x/y": "Broadcast not found"}}});
    assert_eq!(server(reply), Some(ServerMessage::Hello { uaid: "ab".into(), status: 200 }));
    let minimal = json!({"messageType": "hello", "status": 503});
    assert_eq!(server(minimal), Some(ServerMessage::Hello { uaid: String::new(), status: 503 }));
}

#[test]
fn hello_requests_are_read_with_null_members_and_refused_with_bad_channels() {
    let hello =
        client(json!({"messageType": "hello", "uaid": null, "channelIDs": [CHANNEL], "use_webpush": true}));
    assert!(matches!(hello, Some(ClientMessage::Hello(ClientHello { uaid: None, .. }))));
    assert_eq!(client(json!({"messageType": "hello", "uaid": 5})), None);
    assert_eq!(client(json!({"messageType": "hello", "channelIDs": ["x"]})), None);
}

#[test]
fn notifications_keep_what_their_encoding_needs() {
    let read = |value| match server(value) {
        Some(ServerMessage::Notification(message)) => message,
        other => panic!("{other:?}"),
    };
    let empty = read(json!({"messageType": "notification", "channelID": CHANNEL, "version": "v="}));
    assert_eq!((empty.content, empty.version.as_str()), (None, "v="));
    let legacy =
        read(json!({"messageType": "notification", "channelID": CHANNEL, "version": "v", "data": "AQ==",
        "headers": {"encoding": "aesgcm", "encryption": "salt=x", "crypto_key": "dh=y"}}));
    let encoding = ContentEncoding::AesGcm { encryption: "salt=x".into(), crypto_key: "dh=y".into() };
    assert_eq!(legacy.content, Some(EncryptedMessage { encoding, data: Some(vec![1]) }));
    let garbled =
        read(json!({"messageType": "notification", "channelID": CHANNEL, "version": "v", "data": "!"}));
    assert_eq!(
        garbled.content,
        Some(EncryptedMessage { encoding: ContentEncoding::Unknown(None), data: None })
    );
}

#[test]
fn every_message_survives_its_own_writing() {
    let channel_id: ChannelId = CHANNEL.parse().unwrap();
    let version = MessageVersion::try_from("v=".to_owned()).unwrap();
    let update = AckUpdate { channel_id, version: version.clone(), code: Some(100) };
    let from_client = [
        ClientMessage::Hello(ClientHello {
            uaid: Some("u".into()),
            use_webpush: Some(true),
            ..ClientHello::default()
        }),
        ClientMessage::Register { channel_id: CHANNEL.into(), key: Some("k".into()) },
        ClientMessage::Unregister { channel_id, code: Some(200) },
        ClientMessage::Ack(vec![update]),
        ClientMessage::Nack { version: "v".into(), code: Some(301) },
        ClientMessage::BroadcastSubscribe(BTreeMap::from([("a".into(), "b".into())])),
        ClientMessage::Ping,
    ];
    for message in from_client {
        assert_eq!(client(serde_json::to_value(&message).unwrap()), Some(message));
    }
    let content = EncryptedMessage { encoding: ContentEncoding::Aes128Gcm, data: Some(vec![1, 2, 3]) };
    let from_server = [
        ServerMessage::Hello { uaid: "u".into(), status: 200 },
        ServerMessage::Register {
            channel_id: CHANNEL.into(),
            status: 200,
            push_endpoint: "https://x/".into(),
        },
        ServerMessage::Unregister { channel_id: CHANNEL.into(), status: 200 },
        ServerMessage::Notification(PushMessage { channel_id, version, content: Some(content) }),
        ServerMessage::Broadcast,
        ServerMessage::Pong,
    ];
    for message in from_server {
        assert_eq!(server(serde_json::to_value(&message).unwrap()), Some(message));
    }
}
