//! One request for one picture, over a connection of its own: no cookies, no referrer, nothing that tells this computer from
//! others, and no answer longer or later than a picture may be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tower_service::Service;
use url::{Position, Url};

use super::wanted::{Reach, Wanted};
use super::{Refusal, address};
use crate::service::Connector;

/// To the same host. Sites move a picture once, perhaps to https and then to another path.
const REDIRECTS: usize = 3;

/// Bytes of an answer's head.
const LONGEST_HEAD: usize = 64 * 1024;

/// Names the program, because some sites answer nobody without a name; its version and system are nobody's concern.
const USER_AGENT: &str = "Mozilla/5.0 (compatible; Belfry)";
const ACCEPT: &str = "image/webp,image/png,image/jpeg,image/gif,image/*;q=0.5";

/// Looks up the addresses of a name.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Loads pictures.
pub(super) struct Downloader {
    pub(super) connector: Connector,
    pub(super) lookup: Lookup,
}

/// As the system does it.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

impl Downloader {
    /// The bytes of a picture, or of whatever is there in its place. Takes as long as it takes.
    pub(super) async fn load(&self, wanted: &Wanted) -> Result<Bytes, Refusal> {
        let mut url = wanted.url().clone();
        for _ in 0..=REDIRECTS {
            let response = self.ask(&url, wanted).await?;
            if response.status().is_redirection() {
                let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
                url = wanted.redirected(&url, location.ok_or(Refusal::Redirected)?)?;
            } else if response.status() == http::StatusCode::OK {
                return body(response.into_body(), wanted.purpose().most_bytes()).await;
            } else {
                return Err(Refusal::Status(response.status().as_u16()));
            }
        }
        Err(Refusal::Redirected)
    }

    async fn ask(&self, url: &Url, wanted: &Wanted) -> Result<Response<Incoming>, Refusal> {
        let reach = wanted.reach(url)?;
        let proxied = self.connector.proxied(url);
        // A proxy looks up the name itself, and may reach what this computer must not ask for. A site's own host answers
        // for its name by its certificate; nothing else is asked for there.
        if proxied.is_some() && !(wanted.is_own() && url.scheme() == "https") {
            return Err(Refusal::Proxied);
        }
        let names = Names { lookup: self.lookup.clone(), reach };
        // Public addresses may be this network's, which only the connection tells.
        let suits = |local, peer| reach == Reach::Anywhere || !address::is_on_link(local, peer);
        let stream = self.connector.connect_web(url, proxied, names, suits).await;
        // The error names the host, which a push has told.
        let stream = stream.map_err(|_| Refusal::Unreachable)?;
        let (mut requests, connection) =
            http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(TokioIo::new(stream)).await?;
        // Ends with the answer's body, or when that is dropped.
        tokio::spawn(connection);
        let request = Request::get(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, ACCEPT)
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Empty::<Bytes>::new())
            .map_err(|_| Refusal::Unreachable)?;
        Ok(requests.send_request(request).await?)
    }
}

async fn body(body: Incoming, most: usize) -> Result<Bytes, Refusal> {
    // A server that says it beforehand need not send it; one that does not is cut short.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|least| least > most) {
        return Err(Refusal::TooLong);
    }
    match Limited::new(body, most).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::TooLong),
        Err(_) => Err(Refusal::Unreachable),
    }
}

/// Names and, of their addresses, those that may be connected to: what is looked up here is what is connected to.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) lookup: Lookup,
    pub(super) reach: Reach,
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { lookup, reach } = self.clone();
        Box::pin(async move {
            let mut addresses = lookup(name.as_str().to_owned()).await?;
            if reach == Reach::Internet && !addresses.iter().all(|found| address::is_public(found.ip())) {
                // One that has both is not where it seems to be.
                addresses.clear();
            }
            if addresses.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::AddrNotAvailable,
                    "no address that may be connected to",
                ));
            }
            Ok(addresses.into_iter())
        })
    }
}

impl From<hyper::Error> for Refusal {
    fn from(_: hyper::Error) -> Self {
        Self::Unreachable
    }
}
