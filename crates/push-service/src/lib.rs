//! The push service: the autopush WebSocket on one side, RFC 8030 on the other, SQLite between them. One process, one
//! port.
//!
//! ```text
//! application server ──POST──▶ endpoint ──▶ store ──commit──▶ registry ──▶ websocket ──▶ user agent
//!                                             ▲                                │
//!                                             └──────────── ack ───────────────┘
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `websocket` | the user agents' side: one task per connection |
//! | `endpoint` | the application servers' side: HTTP |
//! | `limits` | how often one endpoint and one address may ask |
//! | `registration` | who may become a user agent |
//! | `registry` | who is connected |
//! | `mailbox` | the rules of TTL and redelivery, pure |
//! | `store` | SQLite: one thread writes, with group commit, one reads |
//! | `clock` | the time of day, which a test may set |
//! | `tls` | certificate files, or a local CA |
//! | `local` | finding or starting this user's own service |
//!
//! *201 follows the commit.* A message with a TTL above zero is stored first and then handed to the connection; it is
//! removed when the user agent acknowledges it. Nothing of a body, token, endpoint or key reaches a log.

mod clock;
mod crash;
mod descriptors;
mod endpoint;
mod folder;
mod id;
mod limits;
pub mod local;
mod mailbox;
mod registration;
mod registry;
mod service;
mod store;
mod tls;
mod urls;
mod websocket;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

pub use self::clock::Clock;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use self::endpoint::fuzz;
use self::limits::Limits;
pub use self::limits::RateLimits;
pub use self::registration::{InvalidRegistrationToken, RegistrationToken};
use self::service::{Phase, Service};
pub use self::store::OpenError;
use self::store::{Store, Swept};
pub use self::tls::{Tls, TlsError};
use self::urls::Urls;
pub use self::urls::{InvalidPublicUrl, check_public_url};

/// How long shutdown waits for requests, and then for connections, that are still under way.
const GRACE: Duration = Duration::from_secs(5);

/// How long a client may take to send the head of a request. Also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Between two rounds of removing what has expired.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// What a service needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder for the database and the local CA, created if missing, private to its owner.
    pub data: PathBuf,
    /// How the world reaches the service, when that is not the listen address: http or https, a path is allowed.
    pub public_url: Option<Url>,
    /// Plain or TLS.
    pub tls: Tls,
    /// What user agents have to know; `None`: everybody may connect.
    pub registration_token: Option<RegistrationToken>,
    /// How often others may ask; `None`: as often as they like.
    pub rate_limits: Option<RateLimits>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

/// The times of the WebSocket protocol; the default is autopush's. autopush-websocket.md §7.6.
#[derive(Debug, Clone)]
pub struct Timing {
    /// A user agent must say hello within this.
    pub hello: Duration,
    /// Between two WebSocket Pings to a user agent.
    pub ping_interval: Duration,
    /// A Pong must arrive within this.
    pub pong_timeout: Duration,
    /// A user agent's own pings (`{}`) must be at least this far apart.
    pub app_ping_spacing: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            ping_interval: Duration::from_secs(300),
            pong_timeout: Duration::from_secs(4),
            app_ping_spacing: Duration::from_secs(45),
        }
    }
}

/// Why a service did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the data folder {path} cannot be used: {source}")]
    Data {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another service runs on the same data folder.
    #[error("another push service uses the data folder {0}")]
    InUse(PathBuf),
    /// The database in the data folder cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The public URL is no base for endpoints.
    #[error(transparent)]
    PublicUrl(#[from] InvalidPublicUrl),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running push service. Dropping it ends it as a crash would: nothing accepted is lost, but nobody is told.
pub struct PushService {
    service: Arc<Service>,
    address: SocketAddr,
    ca: Option<PathBuf>,
    handle: Handle<SocketAddr>,
    server: JoinHandle<io::Result<()>>,
    housekeeping: JoinHandle<()>,
    _lock: folder::Lock,
}

impl PushService {
    /// Starts a service; it is reachable when this returns.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Timing::default(), Clock::default()).await
    }

    /// Starts a service on a socket that listens already, as a service manager hands it over. It counts, not
    /// [`Config::listen`].
    pub async fn start_on(listener: std::net::TcpListener, config: Config) -> Result<Self, StartError> {
        let opened = open(config.data.clone()).await?;
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener))
            .map_err(|source| StartError::Bind { address: config.listen, source })?;
        Self::run(listener, opened, config, Timing::default(), Clock::default())
    }

    /// Starts a service with other times than autopush's, or by another clock than the system's.
    pub async fn start_with(config: Config, timing: Timing, clock: Clock) -> Result<Self, StartError> {
        let opened = open(config.data.clone()).await?;
        let bind_error = |source| StartError::Bind { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(bind_error)?;
        Self::run(listener, opened, config, timing, clock)
    }

    fn run(
        listener: TcpListener,
        (store, lock): (Store, folder::Lock),
        config: Config,
        timing: Timing,
        clock: Clock,
    ) -> Result<Self, StartError> {
        descriptors::allow_all();
        let bind_error = |source| StartError::Bind { address: config.listen, source };
        let listen = listener.local_addr().map_err(bind_error)?;
        let token = config.registration_token;
        let urls = Urls::new(listen, config.tls != Tls::None, config.public_url.as_ref(), token.as_ref())?;
        let data_error = |source| StartError::Data { path: config.data.clone(), source };
        local::remember(&config.data, urls.registration()).map_err(data_error)?;
        let (phase, _) = watch::channel(Phase::Serving);
        let registry = Arc::default();
        let service = Arc::new(Service {
            store,
            registry,
            urls,
            senders: endpoint::KnownSenders::default(),
            registration_token: token,
            limits: config.rate_limits.map(Limits::new),
            trusted_proxies: config.trusted_proxies,
            timing,
            clock,
            phase,
        });
        let hosts = [Some(listen.ip().to_string()), service.urls.base().host_str().map(unbracketed)];
        let hosts = hosts.into_iter().flatten().collect();
        let tls = tls::Active::new(&config.tls, &config.data, hosts, service.now())?;
        let ca = tls.as_ref().and_then(tls::Active::ca).map(Path::to_owned);

        let handle = Handle::new();
        let acceptor = tls.as_ref().map(tls::Active::config);
        let server = tokio::spawn(serve(listener, acceptor, handle.clone(), Arc::clone(&service)));
        let housekeeping = tokio::spawn(keep_house(Arc::clone(&service), tls));
        tracing::info!(%listen, tls = config.tls != Tls::None, "the push service is up");
        Ok(Self { service, address: listen, ca, handle, server, housekeeping, _lock: lock })
    }

    /// Where it listens, with the port in use.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where user agents connect; with a registration token, what stands before it.
    pub fn websocket_url(&self) -> &Url {
        self.service.urls.websocket()
    }

    /// What every endpoint begins with; ends in `/`.
    pub fn endpoint_url(&self) -> &Url {
        self.service.urls.base()
    }

    /// The certificate (PEM) to trust when the service runs with [`Tls::Auto`].
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// Waits until the service ends by itself, which it does only when it cannot accept connections any more.
    pub async fn wait(&mut self) -> io::Result<()> {
        (&mut self.server).await.map_err(io::Error::other)?
    }

    /// Ends the service: requests under way are answered, user agents told, everything written to disk.
    pub async fn shutdown(mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
        if !self.server.is_finished()
            && let Err(error) = self.wait().await
        {
            tracing::warn!(%error, "the server did not end cleanly");
        }
        self.service.phase.send_replace(Phase::Closing);
        if tokio::time::timeout(GRACE, self.service.phase.closed()).await.is_err() {
            tracing::warn!("some user agents did not confirm the end of their connection");
        }
        self.service.store.close().await;
        tracing::info!("the push service has ended");
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        self.housekeeping.abort();
        self.handle.shutdown();
        self.service.phase.send_replace(Phase::Abandoned);
    }
}

async fn open(data: PathBuf) -> Result<(Store, folder::Lock), StartError> {
    let path = data.clone();
    let opening = tokio::task::spawn_blocking(move || {
        let data_error = |source| StartError::Data { path: data.clone(), source };
        folder::create_private(&data).map_err(data_error)?;
        let lock = folder::Lock::acquire(&data).map_err(data_error)?;
        let lock = lock.ok_or_else(|| StartError::InUse(data.clone()))?;
        Ok((Store::open(&data)?, lock))
    });
    opening.await.unwrap_or_else(|error| Err(StartError::Data { path, source: io::Error::other(error) }))
}

async fn serve(
    listener: TcpListener,
    tls: Option<axum_server::tls_rustls::RustlsConfig>,
    handle: Handle<SocketAddr>,
    service: Arc<Service>,
) -> io::Result<()> {
    let restricted = service.registration_token.is_some();
    let routes = Router::new().merge(websocket::routes(restricted)).merge(endpoint::routes());
    let limited = from_fn_with_state(Arc::clone(&service), limits::by_address);
    let routes = routes.layer(limited).with_state(service);
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let mut server = axum_server::Server::from_listener(listener)
        .handle(handle)
        .first_request_timeout(HEAD_TIMEOUT)
        .accept_error_handler(|_, error| tracing::debug!(%error, "a connection was not accepted"));
    server.http_builder().http1().header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    // A message waits for no acknowledgement of the one before it.
    let tcp = NoDelayAcceptor::new();
    match tls {
        Some(config) => server.acceptor(RustlsAcceptor::new(config).acceptor(tcp)).serve(routes).await,
        None => server.acceptor(tcp).serve(routes).await,
    }
}

async fn keep_house(service: Arc<Service>, mut tls: Option<tls::Active>) {
    let mut rounds = tokio::time::interval(HOUSEKEEPING);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let now = service.now();
        match service.store.sweep(now, service.registry.connected()).await {
            Ok(Swept { user_agents: 0, .. }) => {}
            Ok(Swept { user_agents, .. }) => {
                tracing::info!(user_agents, "forgot user agents that had not connected for 60 days");
            }
            Err(error) => tracing::warn!(%error, "what has expired could not be removed"),
        }
        if let Some(tls) = &mut tls
            && let Err(error) = tls.renew_if_due(now)
        {
            tracing::error!(%error, "the certificate could not be renewed");
        }
    }
}

/// URLs write IPv6 addresses in brackets, certificates do not.
fn unbracketed(host: &str) -> String {
    host.trim_matches(['[', ']']).to_owned()
}
