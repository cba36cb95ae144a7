//! The file that sites are moved in: JSON for people to read or, with the keys of their subscriptions, sealed.

use serde::{Deserialize, Serialize};
use url::Url;
use webpush::payload::FieldMapping;
use webpush::{ApplicationServerKey, ChannelId, PushEndpoint, UserAgentId};
use zeroize::Zeroizing;

use crate::api::{Burst, CommandError, ErrorCode, Images, Links, SiteState, typed};
use crate::config::PushServiceName;
use crate::keys::StoredKeys;
use crate::keys::seal::{SealError, SealKey, Sealed};

/// What the file says that it is, and what its content is sealed for.
const KIND: &str = "sites";
/// Raised when a site could not be understood without knowing more.
const VERSION: u32 = 1;
/// The most sites of a file.
const MOST_SITES: usize = 1_000;

/// The largest file that is read, in bytes: as many sites as there may be, with everything set.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What somebody has set for a site and, where it moves, its subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortableSite {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "typed::origin")]
    pub(crate) url: Option<Url>,
    /// `local`: that of whoever reads this.
    pub(crate) push_service: PushServiceName,
    /// False: it was given up, and gets no new subscription before it is allowed again.
    pub(crate) connected: bool,
    /// Its sender has not been given the subscription that moves.
    #[serde(default)]
    pub(crate) needs_pairing: bool,
    #[serde(default, deserialize_with = "typed::vapid_key")]
    pub(crate) vapid_key: Option<ApplicationServerKey>,
    pub(crate) state: SiteState,
    pub(crate) sound: bool,
    pub(crate) links: Links,
    pub(crate) images: Images,
    pub(crate) burst: Burst,
    pub(crate) dnd_bypass: bool,
    #[serde(default)]
    pub(crate) mapping: FieldMapping,
    /// Only ever sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<PortableSubscription>,
}

/// All that it takes to receive on a subscription: the push service sends its messages to whoever has the uaid. `Debug`
/// shows nothing secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortableSubscription {
    pub(crate) channel_id: ChannelId,
    pub(crate) keys: StoredKeys,
    pub(crate) endpoint: PushEndpoint,
    pub(crate) uaid: UserAgentId,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    belfry: String,
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sites: Option<Vec<PortableSite>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

/// Whether reading this takes a passphrase.
pub fn is_sealed(document: &str) -> bool {
    let file = serde_json::from_str::<File>(document);
    file.is_ok_and(|file| file.sealed.is_some())
}

/// Whether a site of this is at the push service that its reader calls `local`.
pub fn needs_local(document: &str) -> bool {
    let sites = serde_json::from_str::<File>(document).ok().and_then(|file| file.sites);
    sites.is_some_and(|sites| sites.iter().any(|site| site.push_service == PushServiceName::Local))
}

/// The file, unless [`read`] would refuse it. With a passphrase it is sealed; takes a while then.
pub(crate) fn write(sites: Vec<PortableSite>, passphrase: Option<&str>) -> Result<String, CommandError> {
    let failed = |error: serde_json::Error| CommandError::new(ErrorCode::Internal, error.to_string());
    if sites.len() > MOST_SITES {
        return Err(CommandError::invalid(format!("a file takes no more than {MOST_SITES} sites")));
    }
    let mut file = File { belfry: KIND.into(), v: VERSION, sites: None, sealed: None };
    match passphrase {
        None => file.sites = Some(sites),
        Some(passphrase) => {
            let plain = Zeroizing::new(serde_json::to_vec(&sites).map_err(failed)?);
            let sealed =
                SealKey::new(passphrase).and_then(|key| key.seal(KIND, &plain)).map_err(unsealable)?;
            file.sealed = Some(sealed);
        }
    }
    let document = serde_json::to_string_pretty(&file).map_err(failed)?;
    // With the end of its last line.
    if document.len() >= MOST_BYTES {
        let message = format!("the sites do not fit into a file: it takes no more than {MOST_BYTES} bytes");
        return Err(CommandError::invalid(message));
    }
    Ok(document)
}

/// The sites of a file, each valid by itself.
pub(crate) fn read(document: &str, passphrase: Option<&str>) -> Result<Vec<PortableSite>, CommandError> {
    let wrong = |error: &dyn std::fmt::Display| {
        CommandError::invalid(format!("this is no file of `belfry site export`: {error}"))
    };
    if document.len() > MOST_BYTES {
        return Err(wrong(&"it is too large"));
    }
    /// Of any version.
    #[derive(Deserialize)]
    struct Head {
        belfry: String,
        v: u32,
    }
    let unread = |error: serde_json::Error| match error.is_data() {
        true => wrong(&error),
        false => wrong(&format!("it is no JSON, at line {}", error.line())),
    };
    let Head { belfry, v } = serde_json::from_str(document).map_err(unread)?;
    if belfry != KIND {
        return Err(wrong(&"it holds something else"));
    }
    if v != VERSION {
        return Err(CommandError::invalid("the file was written by a newer version of Belfry"));
    }
    let file: File = serde_json::from_str(document).map_err(unread)?;
    let sites = match (file.sites, file.sealed, passphrase) {
        (Some(sites), None, _) => {
            if sites.iter().any(|site| site.subscription.is_some()) {
                return Err(wrong(&"keys lie open in it"));
            }
            sites
        }
        (None, Some(_), None) => {
            return Err(CommandError::invalid("the file is sealed: its passphrase is needed"));
        }
        (None, Some(sealed), Some(passphrase)) => {
            let (_, plain) = SealKey::open(&sealed, KIND, passphrase).map_err(unsealable)?;
            // The text of serde's error may quote a key.
            serde_json::from_slice(&plain).map_err(|_| wrong(&"what was sealed is damaged"))?
        }
        (None, None, _) | (Some(_), Some(_), _) => return Err(wrong(&"it has no sites")),
    };
    if sites.len() > MOST_SITES {
        return Err(wrong(&format!("more than {MOST_SITES} sites")));
    }
    Ok(sites)
}

fn unsealable(error: SealError) -> CommandError {
    match error {
        SealError::Random(_) => CommandError::new(ErrorCode::Internal, error.to_string()),
        SealError::Damaged | SealError::Newer => {
            CommandError::invalid(format!("the file cannot be opened: {error}"))
        }
        SealError::Passphrase => CommandError::invalid(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use webpush::SubscriptionKeys;

    fn site(name: &str) -> PortableSite {
        serde_json::from_value(json!({
            "name": name, "url": "https://a.example/", "push_service": "mozilla", "connected": true, "vapid_key": null,
            "state": "quiet", "sound": false, "links": "ask", "images": "never", "burst": "off", "dnd_bypass": true,
            "mapping": {"title": "/t"}
        }))
        .unwrap()
    }

    fn with_keys(name: &str) -> PortableSite {
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[8; 16]).unwrap();
        let subscription = PortableSubscription {
            channel_id: ChannelId::from_random_bytes([1; 16]),
            keys: (&keys).into(),
            endpoint: "https://push.example/1".parse().unwrap(),
            uaid: "a1".parse().unwrap(),
        };
        PortableSite { subscription: Some(subscription), ..site(name) }
    }

    fn value(sites: &[PortableSite]) -> Value {
        serde_json::to_value(sites).unwrap()
    }

    #[test]
    fn sites_are_read_as_they_were_written() {
        let sites = vec![site("Backups"), site("Builds")];
        let document = write(sites.clone(), None).unwrap();
        assert!(!is_sealed(&document) && document.contains("\"Backups\""));
        assert_eq!(value(&read(&document, None).unwrap()), value(&sites));
    }

    #[test]
    fn what_is_local_is_so_for_whoever_reads_the_file() {
        let local = PortableSite { push_service: PushServiceName::Local, ..site("Builds") };
        let document = write(vec![site("Backups"), local], None).unwrap();
        assert!(needs_local(&document) && document.contains("\"push_service\": \"local\""), "{document}");
        assert_eq!(read(&document, None).unwrap()[1].push_service, PushServiceName::Local);
        assert!(!needs_local(&write(vec![site("Backups")], None).unwrap()) && !needs_local("belfry"));
    }

    #[test]
    fn keys_are_sealed_and_open_with_their_passphrase_only() {
        let sites = vec![with_keys("Backups")];
        let document = write(sites.clone(), Some("correct horse")).unwrap();
        assert!(is_sealed(&document) && !document.contains("Backups") && !document.contains("push.example"));
        assert_eq!(value(&read(&document, Some("correct horse")).unwrap()), value(&sites));
        let error = read(&document, Some("battery staple")).unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid);
        assert!(error.message.contains("passphrase"), "{error}");
        assert!(read(&document, None).unwrap_err().message.contains("passphrase is needed"));
    }

    #[test]
    fn as_many_sites_as_are_read_can_be_written_with_everything_set() {
        let long = |start: &str, length: usize| format!("{start}{}", "x".repeat(length - start.len()));
        let mut full = with_keys("");
        full.name = "\u{1f4a1}".repeat(100);
        full.url = Some(long("https://", 100).parse().unwrap());
        full.push_service = long("wss://", 100).parse().unwrap();
        let pointer = long("/", 50);
        full.mapping = serde_json::from_value(json!({
            "title": pointer, "body": pointer, "link": pointer, "image": pointer, "tag": pointer
        }))
        .unwrap();
        full.subscription.as_mut().unwrap().endpoint = long("https://push.example/", 300).parse().unwrap();
        let sites = vec![full.clone(); MOST_SITES];
        let document = write(sites.clone(), Some("correct horse")).unwrap();
        assert_eq!(read(&format!("{document}\n"), Some("correct horse")).unwrap().len(), MOST_SITES);
        let open: Vec<_> =
            sites.into_iter().map(|site| PortableSite { subscription: None, ..site }).collect();
        let document = write(open, None).unwrap();
        assert_eq!(read(&format!("{document}\n"), None).unwrap().len(), MOST_SITES);
    }

    #[test]
    fn nothing_is_written_that_would_not_be_read() {
        let refused = |sites| write(sites, None).unwrap_err();
        let error = refused(vec![site("A"); MOST_SITES + 1]);
        assert_eq!((error.code, error.message.contains("sites")), (ErrorCode::Invalid, true));
        let fits = |length: usize| {
            let url = format!("wss://push.example/{}", "x".repeat(length));
            write(vec![PortableSite { push_service: url.parse().unwrap(), ..site("A") }], None)
        };
        let room = MOST_BYTES - 1 - fits(0).unwrap().len();
        assert_eq!(read(&format!("{}\n", fits(room).unwrap()), None).unwrap().len(), 1);
        let error = fits(room + 1).unwrap_err();
        assert_eq!((error.code, error.message.contains("do not fit")), (ErrorCode::Invalid, true));
    }

    #[test]
    fn what_is_no_such_file_is_refused_with_the_reason() {
        let good: Value = serde_json::from_str(&write(vec![site("A")], None).unwrap()).unwrap();
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut document = good.clone();
            change(&mut document);
            read(&document.to_string(), None).unwrap_err().message
        };
        assert!(refused(&|document| document["v"] = json!(2)).contains("newer"));
        assert!(refused(&|document| document["belfry"] = json!("inbox")).contains("something else"));
        assert!(refused(&|document| document["colour"] = json!("red")).contains("colour"));
        assert!(
            refused(&|document| document["sites"][0]["url"] = json!("example"))
                .contains("such as https://example.org")
        );
        assert!(refused(&|document| document["sites"][0]["state"] = json!("loud")).contains("loud"));
        assert!(
            refused(&|document| document["sites"][0]["mapping"] = json!({"title": "t"})).contains("slash")
        );
        assert!(refused(&|document| document["sites"][0]["colour"] = json!(1)).contains("colour"));
        assert!(
            refused(&|document| drop(document.as_object_mut().unwrap().remove("sites"))).contains("no sites")
        );
        let open = serde_json::to_value(with_keys("A")).unwrap();
        assert!(refused(&|document| document["sites"][0] = open.clone()).contains("open"));
        for none in ["", "[]", "{}", "{\"belfry\":", "belfry"] {
            assert_eq!(read(none, None).unwrap_err().code, ErrorCode::Invalid, "{none}");
        }
        assert!(read("belfry", None).unwrap_err().message.ends_with("it is no JSON, at line 1"));
        assert!(read(&" ".repeat(MOST_BYTES + 1), None).unwrap_err().message.contains("too large"));
    }
}
