//! The messages as they are written.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{AckUpdate, ClientHello, ClientMessage, ServerMessage};
use crate::base64url;
use crate::{ChannelId, ContentEncoding, EncryptedMessage, MessageVersion, PushMessage};

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
