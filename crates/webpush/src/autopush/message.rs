//! The JSON messages of the autopush WebSocket. User agent and push service use the same types, so both serialize and
//! deserialize. Unknown members are ignored; a missing or mistyped one fails.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::base64url;
use crate::{ChannelId, ContentEncoding, EncryptedMessage, MessageVersion, PushMessage};

/// The largest text frame either side accepts, in bytes.
pub const MAX_FRAME: usize = 65_536;

/// From user agent to push service.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// First and once.
    Hello(ClientHello),
    /// Asks for an endpoint.
    Register {
        /// A fresh id chosen by the user agent, as written: the service answers with the same text.
        channel_id: String,
        /// The application server's key in base64url, as sent: the service must judge it.
        key: Option<String>,
    },
    /// Gives a channel up.
    Unregister {
        /// Which.
        channel_id: ChannelId,
        /// Why.
        code: Option<u32>,
    },
    /// Confirms messages.
    Ack(Vec<AckUpdate>),
    /// Reports that a handler failed. Not an ack.
    Nack {
        /// Which message.
        version: String,
        /// 301 to 303.
        code: Option<i32>,
    },
    /// Asks for broadcasts.
    BroadcastSubscribe(BTreeMap<String, String>),
    /// `{}`.
    Ping,
}

/// The members of the user agent's `hello`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClientHello {
    /// The id assigned earlier; anything that is not a known one gets a fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uaid: Option<String>,
    /// Accepted and ignored.
    #[serde(rename = "channelIDs", default, skip_serializing_if = "Option::is_none")]
    pub channel_ids: Option<Vec<ChannelId>>,
    /// Broadcast versions already known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcasts: Option<BTreeMap<String, String>>,
    /// Always sent as true, for old services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_webpush: Option<bool>,
}

/// One entry of an `ack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckUpdate {
    /// The channel of the message.
    #[serde(rename = "channelID")]
    pub channel_id: ChannelId,
    /// Its version, byte for byte.
    pub version: MessageVersion,
    /// What became of it; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

/// What became of a message. Any code removes it from the push service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AckCode {
    /// Delivered.
    Delivered = 100,
    /// Could not be decrypted.
    DecryptFailed = 101,
    /// Not delivered for another reason: no such subscription, blocked, duplicate.
    NotDelivered = 102,
}

/// Why a channel is given up. Advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnregisterCode {
    /// The user asked.
    UserRequest = 200,
    /// The permission was revoked.
    PermissionRevoked = 202,
}

/// From push service to user agent.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// Answers `hello`.
    Hello {
        /// The user agent's id: the one sent, or a new one.
        uaid: String,
        /// 200, or the session cannot go on.
        status: u16,
    },
    /// Answers `register`.
    Register {
        /// As it was sent.
        channel_id: String,
        /// 200, 400, 409, 500, 503.
        status: u16,
        /// A URL only when the status is 200.
        push_endpoint: String,
    },
    /// Answers `unregister`.
    Unregister {
        /// As it was sent.
        channel_id: String,
        /// 200, also for an unknown channel.
        status: u16,
    },
    /// A push.
    Notification(PushMessage),
    /// Broadcasts, which Belfry does not use.
    Broadcast,
    /// `{}`.
    Pong,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "messageType", rename_all = "snake_case")]
enum RawClientMessage {
    Hello(ClientHello),
    Register {
        #[serde(rename = "channelID")]
        channel_id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    Unregister {
        #[serde(rename = "channelID")]
        channel_id: ChannelId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u32>,
    },
    Ack {
        updates: Vec<AckUpdate>,
    },
    Nack {
        version: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
    },
    BroadcastSubscribe {
        broadcasts: BTreeMap<String, String>,
    },
    Ping,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "messageType", rename_all = "snake_case")]
enum RawServerMessage {
    Hello {
        #[serde(default)]
        uaid: String,
        status: u16,
        #[serde(default)]
        use_webpush: bool,
        #[serde(default)]
        broadcasts: Value,
    },
    Register {
        #[serde(rename = "channelID")]
        channel_id: String,
        status: u16,
        #[serde(rename = "pushEndpoint", default)]
        push_endpoint: String,
    },
    Unregister {
        #[serde(rename = "channelID")]
        channel_id: String,
        status: u16,
    },
    Notification {
        #[serde(rename = "channelID")]
        channel_id: ChannelId,
        version: MessageVersion,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        headers: Option<RawHeaders>,
    },
    Broadcast {
        #[serde(default)]
        broadcasts: Value,
    },
    #[serde(alias = "pong")]
    Ping,
}

#[derive(Serialize, Deserialize, Default)]
struct RawHeaders {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encryption: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crypto_key: Option<String>,
}

/// `{}` and nothing in it is a ping; serde's tagged enums cannot say so.
fn is_empty_object(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

fn serialize_or_empty<S: Serializer>(raw: Option<impl Serialize>, serializer: S) -> Result<S::Ok, S::Error> {
    match raw {
        Some(raw) => raw.serialize(serializer),
        None => BTreeMap::<String, Value>::new().serialize(serializer),
    }
}

impl Serialize for ClientMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = match self.clone() {
            Self::Hello(hello) => Some(RawClientMessage::Hello(hello)),
            Self::Register { channel_id, key } => Some(RawClientMessage::Register { channel_id, key }),
            Self::Unregister { channel_id, code } => Some(RawClientMessage::Unregister { channel_id, code }),
            Self::Ack(updates) => Some(RawClientMessage::Ack { updates }),
            Self::Nack { version, code } => Some(RawClientMessage::Nack { version, code }),
            Self::BroadcastSubscribe(broadcasts) => Some(RawClientMessage::BroadcastSubscribe { broadcasts }),
            Self::Ping => None,
        };
        serialize_or_empty(raw, serializer)
    }
}

impl<'de> Deserialize<'de> for ClientMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if is_empty_object(&value) {
            return Ok(Self::Ping);
        }
        Ok(match RawClientMessage::deserialize(value).map_err(serde::de::Error::custom)? {
            RawClientMessage::Hello(hello) => Self::Hello(hello),
            RawClientMessage::Register { channel_id, key } => Self::Register { channel_id, key },
            RawClientMessage::Unregister { channel_id, code } => Self::Unregister { channel_id, code },
            RawClientMessage::Ack { updates } => Self::Ack(updates),
            RawClientMessage::Nack { version, code } => Self::Nack { version, code },
            RawClientMessage::BroadcastSubscribe { broadcasts } => Self::BroadcastSubscribe(broadcasts),
            RawClientMessage::Ping => Self::Ping,
        })
    }
}

impl Serialize for ServerMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = || Value::Object(serde_json::Map::new());
        let raw = match self.clone() {
            Self::Hello { uaid, status } => {
                Some(RawServerMessage::Hello { uaid, status, use_webpush: true, broadcasts: none() })
            }
            Self::Register { channel_id, status, push_endpoint } => {
                Some(RawServerMessage::Register { channel_id, status, push_endpoint })
            }
            Self::Unregister { channel_id, status } => {
                Some(RawServerMessage::Unregister { channel_id, status })
            }
            Self::Notification(message) => {
                let (data, headers) = match message.content {
                    Some(content) => (
                        Some(content.data.map(base64url::encode).unwrap_or_default()),
                        Some(content.encoding.into()),
                    ),
                    None => (None, None),
                };
                let (channel_id, version) = (message.channel_id, message.version);
                Some(RawServerMessage::Notification { channel_id, version, data, headers })
            }
            Self::Broadcast => Some(RawServerMessage::Broadcast { broadcasts: none() }),
            Self::Pong => None,
        };
        serialize_or_empty(raw, serializer)
    }
}

impl<'de> Deserialize<'de> for ServerMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if is_empty_object(&value) {
            return Ok(Self::Pong);
        }
        Ok(match RawServerMessage::deserialize(value).map_err(serde::de::Error::custom)? {
            RawServerMessage::Hello { uaid, status, .. } => Self::Hello { uaid, status },
            RawServerMessage::Register { channel_id, status, push_endpoint } => {
                Self::Register { channel_id, status, push_endpoint }
            }
            RawServerMessage::Unregister { channel_id, status } => Self::Unregister { channel_id, status },
            RawServerMessage::Notification { channel_id, version, data, headers } => {
                let content = data.map(|data| EncryptedMessage {
                    encoding: headers.unwrap_or_default().into(),
                    data: base64url::decode(&data),
                });
                Self::Notification(PushMessage { channel_id, version, content })
            }
            RawServerMessage::Broadcast { .. } => Self::Broadcast,
            RawServerMessage::Ping => Self::Pong,
        })
    }
}

impl From<RawHeaders> for ContentEncoding {
    fn from(raw: RawHeaders) -> Self {
        match raw.encoding.as_deref() {
            Some("aes128gcm") => Self::Aes128Gcm,
            Some("aesgcm") => Self::AesGcm {
                encryption: raw.encryption.unwrap_or_default(),
                crypto_key: raw.crypto_key.unwrap_or_default(),
            },
            _ => Self::Unknown(raw.encoding),
        }
    }
}

impl From<ContentEncoding> for RawHeaders {
    fn from(encoding: ContentEncoding) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        match encoding {
            ContentEncoding::Aes128Gcm => Self { encoding: Some("aes128gcm".into()), ..Self::default() },
            ContentEncoding::AesGcm { encryption, crypto_key } => Self {
                encoding: Some("aesgcm".into()),
                encryption: some(encryption),
                crypto_key: some(crypto_key),
            },
            ContentEncoding::Unknown(encoding) => Self { encoding, ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        let hello = client(
            json!({"messageType": "hello", "uaid": null, "channelIDs": [CHANNEL], "use_webpush": true}),
        );
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
}
