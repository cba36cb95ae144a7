//! What some senders want done without a page: it goes out in the user's name, so only with the user's consent.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use url::Url;

use super::bounds;

/// What a click is to send in the background. Kept apart from links, so that nothing opens it in a browser by mistake.
/// `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Request {
    /// One HTTP request (ntfy's `http`, Angular's `sendRequest`).
    Http {
        /// A valid HTTP method.
        method: String,
        /// http or https.
        url: Url,
        /// Valid names and values. They may hold a credential.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
        /// Empty: none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        body: String,
    },
    /// The name of the button, to the sender's own interface (Home Assistant). That needs a token which is never kept, so
    /// it cannot be sent: it can only be said what the button was for.
    Callback,
}

impl Request {
    /// `None` where it is no request that could be sent: not http(s), or no valid method. Headers that are not valid, or too
    /// many, are left out.
    pub(super) fn http<'a>(
        method: &str,
        url: Url,
        headers: impl Iterator<Item = (&'a str, &'a str)>,
        body: &str,
    ) -> Option<Self> {
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).ok()?;
        if !matches!(url.scheme(), "http" | "https") || !bounds::fits(&url) || method.as_str().len() > 16 {
            return None;
        }
        let short = |text: &&str| text.len() <= bounds::REQUEST_BODY;
        let headers = headers.filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(Some(name).filter(short)?.as_bytes()).ok()?;
            HeaderValue::from_str(value).ok()?;
            Some((name.as_str().to_owned(), Some(value).filter(short)?.to_owned()))
        });
        let headers = headers.take(bounds::REQUEST_HEADERS).collect();
        // Half a body might mean something else.
        let body = Some(body).filter(short)?.to_owned();
        Some(Self::Http { method: method.as_str().to_owned(), url, headers, body })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http { .. } => "Http(…)",
            Self::Callback => "Callback",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Option<Request> {
        Request::http(method, url.parse().unwrap(), headers.iter().copied(), body)
    }

    #[test]
    fn only_what_http_can_carry_is_a_request() {
        let Some(Request::Http { method, headers, .. }) =
            http("put", "https://a.example/", &[("X-A", "1"), ("bad name", "2"), ("X-B", "a\r\nb")], "")
        else {
            panic!("refused")
        };
        assert_eq!((method.as_str(), headers), ("PUT", BTreeMap::from([("x-a".into(), "1".into())])));
        assert_eq!(http("GET", "file:///etc/passwd", &[], ""), None);
        assert_eq!(http("G T", "https://a.example/", &[], ""), None);
        assert_eq!(http("GET", "https://a.example/", &[], &"x".repeat(5_000)), None);
    }

    #[test]
    fn debug_shows_nothing_a_sender_wrote() {
        let request = http("GET", "https://a.example/", &[("authorization", "Ada")], "Ada").unwrap();
        assert_eq!(format!("{request:?}"), "Http(…)");
    }
}
