//! Where the service is reached: by user agents over WebSocket, by application servers over HTTP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;
use url::Url;

use crate::registration::RegistrationToken;

/// The service's addresses as others see them.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    endpoint: Url,
    websocket: Url,
    registration: Url,
    origin: String,
}

/// A public URL that endpoints cannot be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the public URL must be http or https with a host, without query or fragment")]
pub struct InvalidPublicUrl;

/// Whether endpoints can be made of a public URL.
pub fn check_public_url(url: &Url) -> Result<(), InvalidPublicUrl> {
    let is_one = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_bare = url.query().is_none() && url.fragment().is_none();
    if is_one && is_bare { Ok(()) } else { Err(InvalidPublicUrl) }
}

impl Urls {
    /// Of a service that listens here. Listening on every address, it names itself by the loopback one: a `public` URL
    /// is what makes it reachable from elsewhere.
    pub(crate) fn new(
        listen: SocketAddr,
        tls: bool,
        public: Option<&Url>,
        token: Option<&RegistrationToken>,
    ) -> Result<Self, InvalidPublicUrl> {
        let endpoint = match public {
            Some(url) => with_trailing_slash(url.clone()),
            None => {
                let ip = match listen.ip() {
                    ip if !ip.is_unspecified() => ip,
                    IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                };
                let scheme = if tls { "https" } else { "http" };
                Url::parse(&format!("{scheme}://{}/", SocketAddr::new(ip, listen.port())))
                    .map_err(|_| InvalidPublicUrl)?
            }
        };
        check_public_url(&endpoint)?;
        let scheme = if endpoint.scheme() == "https" { "wss" } else { "ws" };
        let mut websocket = endpoint.clone();
        websocket.set_scheme(scheme).map_err(|()| InvalidPublicUrl)?;
        let mut registration = websocket.clone();
        if let Some(token) = token {
            registration.set_path(&format!("{}{}", websocket.path(), token.as_str()));
        }
        let origin = endpoint.origin().ascii_serialization();
        Ok(Self { endpoint, websocket, registration, origin })
    }

    /// The base of every endpoint, ending in `/`.
    pub(crate) fn base(&self) -> &Url {
        &self.endpoint
    }

    /// What every WebSocket URL of this service begins with; it is the whole of it where everybody may connect.
    pub(crate) fn websocket(&self) -> &Url {
        &self.websocket
    }

    /// Where user agents connect. A secret, if there is a registration token.
    pub(crate) fn registration(&self) -> &Url {
        &self.registration
    }

    /// `scheme://host[:port]`: the audience a sender must name.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The absolute URL of a path relative to the base.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint)
    }
}

fn with_trailing_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(listen: &str, tls: bool, public: Option<&str>) -> Option<(String, String, String)> {
        let public = public.map(|url| Url::parse(url).unwrap());
        let urls = Urls::new(listen.parse().unwrap(), tls, public.as_ref(), None).ok()?;
        Some((urls.websocket.to_string(), urls.endpoint("m/x"), urls.origin))
    }

    fn all(websocket: &str, message: &str, origin: &str) -> Option<(String, String, String)> {
        Some((websocket.to_owned(), message.to_owned(), origin.to_owned()))
    }

    #[test]
    fn without_a_public_url_the_service_goes_by_the_address_it_listens_on() {
        assert_eq!(
            urls("127.0.0.1:8030", false, None),
            all("ws://127.0.0.1:8030/", "http://127.0.0.1:8030/m/x", "http://127.0.0.1:8030")
        );
        assert_eq!(
            urls("[::1]:8030", true, None),
            all("wss://[::1]:8030/", "https://[::1]:8030/m/x", "https://[::1]:8030")
        );
        assert_eq!(
            urls("0.0.0.0:443", true, None),
            all("wss://127.0.0.1/", "https://127.0.0.1/m/x", "https://127.0.0.1")
        );
    }

    #[test]
    fn a_registration_token_ends_the_url_for_user_agents_only() {
        let token = "0123456789abcdef".parse().unwrap();
        let public = Url::parse("https://push.example.org/belfry").unwrap();
        let urls = Urls::new("127.0.0.1:1".parse().unwrap(), false, Some(&public), Some(&token)).unwrap();
        assert_eq!(urls.registration.as_str(), "wss://push.example.org/belfry/0123456789abcdef");
        assert_eq!(urls.websocket.as_str(), "wss://push.example.org/belfry/");
        assert_eq!(urls.endpoint("m/x"), "https://push.example.org/belfry/m/x");
    }

    #[test]
    fn a_public_url_takes_precedence_and_may_have_a_path() {
        assert_eq!(
            urls("127.0.0.1:8030", false, Some("https://push.example.org/belfry")),
            all(
                "wss://push.example.org/belfry/",
                "https://push.example.org/belfry/m/x",
                "https://push.example.org"
            )
        );
        for bad in ["ws://push.example.org/", "https://push.example.org/?a", "mailto:a@b"] {
            assert_eq!(urls("127.0.0.1:8030", false, Some(bad)), None, "{bad}");
        }
    }
}
