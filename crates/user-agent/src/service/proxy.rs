//! The way to a push service or a web server: straight, or through an HTTP or SOCKS5 proxy that the settings or the
//! environment name.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use crate::api::CommandError;
use crate::config::{self, ProxySetting, PushServiceUrl};

/// The head start of the preferred address family (RFC 8305 §5: "Connection Attempt Delay").
const HEAD_START: Duration = Duration::from_millis(250);

/// What all addresses of one family share. Less than the session allows for everything, so that TLS has its time.
const TCP_LIMIT: Duration = Duration::from_secs(20);

/// Which proxy, if any, leads where.
pub(super) struct Proxies(Matcher);

/// The library's own would show the password in a proxy's address.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies(..)")
    }
}

impl Proxies {
    /// Those of the settings; without a setting, those of the environment (and of the system on macOS and Windows).
    /// `NO_PROXY` counts in both cases.
    pub(super) fn new(setting: Option<&ProxySetting>) -> Result<Self, CommandError> {
        Ok(Self(match setting {
            None => Matcher::from_system(),
            Some(ProxySetting::Direct) => Matcher::builder().build(),
            Some(ProxySetting::Proxy(url)) => {
                let except = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
                let all = || Matcher::builder().all(url.as_str());
                if all().build().intercept(&Uri::from_static("https://any.invalid/")).is_none() {
                    return Err(CommandError::invalid("config.toml: the URL of `proxy` is not understood"));
                }
                all().no(except.unwrap_or_default()).build()
            }
        }))
    }

    /// A TCP connection to the service.
    pub(super) async fn connect(&self, service: &PushServiceUrl) -> Result<TcpStream, Unreached> {
        let url = service.url();
        reach(target(url)?, self.leading_to(url)?, tcp()).await
    }

    /// The proxy that leads there, if one does. This computer is never reached through one.
    pub(super) fn leading_to(&self, url: &Url) -> Result<Option<Intercept>, String> {
        if config::is_loopback(url) { Ok(None) } else { Ok(self.0.intercept(&target(url)?)) }
    }
}

/// Why there is no TCP connection.
#[derive(Debug)]
pub(super) struct Unreached {
    /// One line, for people.
    pub(super) reason: String,
    /// Whether the target's own computer has said that nothing listens there.
    pub(super) refused: bool,
}

impl From<String> for Unreached {
    fn from(reason: String) -> Self {
        Self { reason, refused: false }
    }
}

/// A TCP connection to this target; without a proxy, by `straight`.
pub(super) async fn reach<S>(
    target: Uri,
    proxy: Option<Intercept>,
    straight: S,
) -> Result<TcpStream, Unreached>
where
    S: Service<Uri, Response = TokioIo<TcpStream>>,
    S::Error: Error + 'static,
{
    let named = target.authority().map(ToString::to_string).unwrap_or_default();
    let Some(proxy) = proxy else {
        let stream = call(straight, target).await;
        return stream.map_err(|error| Unreached {
            reason: format!("cannot reach {named}: {}", with_causes(&error)),
            refused: is_refusal(&error),
        });
    };
    let place = proxy.uri().authority().map(ToString::to_string).unwrap_or_default();
    through(&proxy, target).await.map_err(|error| {
        format!("cannot reach {named} through the proxy {place}: {}", with_causes(&*error)).into()
    })
}

async fn through(proxy: &Intercept, target: Uri) -> Result<TcpStream, Box<dyn Error + Send + Sync>> {
    match proxy.uri().scheme_str() {
        Some("http") => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), tcp());
            if let Some(credentials) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(credentials.clone());
            }
            Ok(call(tunnel, target).await?)
        }
        // Names are resolved by the proxy in both cases.
        Some("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(with_port(proxy.uri(), 1080)?, tcp());
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            Ok(call(socks, target).await?)
        }
        scheme => {
            Err(format!("{} is not supported, only http and socks5 are", scheme.unwrap_or("this")).into())
        }
    }
}

/// Tries all addresses: those of the preferred family in turn and, after a head start, those of the other beside them.
fn tcp() -> HttpConnector {
    configured(HttpConnector::new())
}

pub(super) fn configured<R>(mut connector: HttpConnector<R>) -> HttpConnector<R> {
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(TCP_LIMIT));
    connector.set_happy_eyeballs_timeout(Some(HEAD_START));
    connector
}

async fn call<S>(mut connector: S, to: Uri) -> Result<TcpStream, S::Error>
where
    S: Service<Uri, Response = TokioIo<TcpStream>>,
{
    poll_fn(|context| connector.poll_ready(context)).await?;
    Ok(connector.call(to).await?.into_inner())
}

/// The server's address as the library, which knows no `ws:`, wants it.
pub(super) fn target(url: &Url) -> Result<Uri, String> {
    let scheme = if matches!(url.scheme(), "wss" | "https") { "https" } else { "http" };
    let host = url.host_str().ok_or("the URL has no host")?;
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    let built = Uri::builder().scheme(scheme).authority(format!("{host}:{port}")).path_and_query("/").build();
    built.map_err(|error| format!("the URL's host is not understood: {error}"))
}

fn with_port(uri: &Uri, default: u16) -> Result<Uri, http::Error> {
    let (host, port) = (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(default));
    let scheme = uri.scheme_str().unwrap_or_default();
    Uri::builder().scheme(scheme).authority(format!("{host}:{port}")).path_and_query("/").build()
}

/// An error and what led to it, in one line.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests;
