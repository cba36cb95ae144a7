//! What the keyring keeps of a subscription.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use webpush::{ChannelId, SubscriptionKeys, UserAgentId};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::KeyringError;
use crate::config::PushServiceUrl;
use crate::store::sites::SiteRow;

/// What the keyring keeps of a subscription: enough to rebuild its rows when the database is lost. Redacted in `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SubscriptionRecord {
    pub(crate) channel_id: ChannelId,
    #[serde(flatten)]
    pub(crate) keys: StoredKeys,
    #[serde(default)]
    pub(crate) endpoint: String,
    pub(crate) push_service: String,
    #[serde(default)]
    pub(crate) uaid: String,
    pub(crate) site: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) application_server_key: String,
    /// Milliseconds since the epoch: of two records that disagree about the uaid, the later is right.
    #[serde(default)]
    pub(crate) saved_at: i64,
    /// Version of this record's shape.
    #[serde(rename = "v", default)]
    pub(crate) version: u32,
}

impl std::fmt::Debug for SubscriptionRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriptionRecord").field("channel_id", &self.channel_id).finish_non_exhaustive()
    }
}

impl SubscriptionRecord {
    /// The record of a channel that has no row yet.
    pub(crate) fn before_its_row(
        channel_id: ChannelId,
        keys: &SubscriptionKeys,
        site: &str,
        service: &PushServiceUrl,
    ) -> Self {
        Self {
            channel_id,
            keys: keys.into(),
            endpoint: String::new(),
            push_service: service.to_string(),
            uaid: String::new(),
            site: site.to_owned(),
            url: String::new(),
            state: String::new(),
            application_server_key: String::new(),
            saved_at: Timestamp::now().as_millisecond(),
            version: 1,
        }
    }

    /// The record of a site's channel, with what its push service calls us.
    pub(crate) fn new(site: &SiteRow, uaid: Option<&UserAgentId>, keys: &SubscriptionKeys) -> Self {
        Self {
            channel_id: site.channel_id,
            keys: keys.into(),
            endpoint: site.endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()).unwrap_or_default(),
            push_service: site.push_service.to_string(),
            uaid: uaid.map(|uaid| uaid.as_str().to_owned()).unwrap_or_default(),
            site: site.name.clone(),
            url: site.url.as_ref().map(Url::to_string).unwrap_or_default(),
            state: site.settings.state.to_string(),
            application_server_key: site
                .application_server_key
                .map(|key| key.to_string())
                .unwrap_or_default(),
            saved_at: Timestamp::now().as_millisecond(),
            version: 1,
        }
    }

    /// Whether it says this of the site, whatever the keys.
    pub(crate) fn tells(&self, site: &SiteRow, uaid: Option<&UserAgentId>) -> bool {
        let Ok(keys) = self.keys.restore() else { return false };
        let now = Self::new(site, uaid, &keys);
        let what = |record: &Self| {
            let Self { endpoint, push_service, uaid, site, url, state, application_server_key, .. } = record;
            [endpoint, push_service, uaid, site, url, state, application_server_key].map(String::clone)
        };
        what(self) == what(&now)
    }
}

/// A subscription's keys in base64url. Wiped when dropped, redacted in `Debug`.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct StoredKeys {
    private: String,
    auth: String,
}

impl std::fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredKeys(…)")
    }
}

impl From<&SubscriptionKeys> for StoredKeys {
    fn from(keys: &SubscriptionKeys) -> Self {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Self { private: encode(keys.private_bytes().as_ref()), auth: encode(keys.auth().as_bytes()) }
    }
}

impl StoredKeys {
    pub(crate) fn restore(&self) -> Result<SubscriptionKeys, KeyringError> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
        let (Ok(private), Ok(auth)) = (decode(&self.private), decode(&self.auth)) else {
            return Err(KeyringError::Damaged);
        };
        SubscriptionKeys::from_bytes(&private, &auth).map_err(|_| KeyringError::Damaged)
    }
}

#[cfg(test)]
mod redaction {
    use super::super::tests;
    use super::*;

    #[test]
    fn nothing_of_a_record_is_shown() {
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[8; 16]).unwrap();
        let record = SubscriptionRecord {
            endpoint: "https://push.example/secret".into(),
            uaid: "secret".into(),
            ..tests::record(ChannelId::from_random_bytes([1; 16]), &keys)
        };
        let shown = format!("{record:?}");
        assert!(!shown.contains(&URL_SAFE_NO_PAD.encode([7; 32])) && !shown.contains("secret"), "{shown}");
    }
}
