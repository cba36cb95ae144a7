//! `belfry serve`: the push service, by itself or under a service manager that hands it its socket.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use listenfd::ListenFd;
use push_service::{Config, PushService, RegistrationToken, StartError};
use serde::Serialize;
use url::Url;
use user_agent::api::{CommandError, ErrorCode};

use crate::args::Serve;
use crate::exit::Failure;
use crate::output::Output;
use crate::stop::Stop;

pub(crate) async fn run(mut serve: Serve, output: Output) -> Result<(), Failure> {
    let inherited = inherited()?;
    if let Some((_, address)) = &inherited {
        serve.listen = *address;
    }
    let data = match &serve.data {
        Some(data) => data.clone(),
        None => push_service::local::default_data()
            .ok_or_else(|| CommandError::invalid("this system names no data folder: give --data"))?,
    };
    let (listen, public_url) = (serve.listen, serve.public_url.clone());
    let registration_token = serve.registration_token.as_deref().map(registration_token).transpose()?;
    let (rate_limits, trusted_proxies) = (serve.rate_limits(), serve.trusted_proxy.clone());
    let tls = serve.tls();
    let config = Config { listen, data, public_url, tls, registration_token, rate_limits, trusted_proxies };
    if config.public_url.is_none() && config.listen.ip().is_unspecified() {
        // It stays part of every subscription, so it is better said before there are any.
        tracing::warn!(
            "other computers cannot use the addresses it names: give --public-url, such as http://host.lan:8030/"
        );
    }
    let mut stop = Stop::listen()?;
    let started = match inherited {
        Some((listener, _)) => PushService::start_on(listener, config).await,
        None => PushService::start(config).await,
    };
    let mut service = started.map_err(not_started)?;
    tell_manager(State::Ready);

    let result = match announce(&service, output) {
        // Whoever started it and does not listen still has a push service.
        Ok(()) | Err(Failure::OutputClosed) => tokio::select! {
            ended = service.wait() => Err(match ended {
                Ok(()) => Failure::internal("the push service has ended"),
                Err(error) => Failure::internal(format!("the push service has ended: {error}")),
            }),
            () = stop.requested() => Ok(()),
        },
        failed => failed,
    };
    tell_manager(State::Stopping);
    tokio::select! {
        () = service.shutdown() => {}
        () = stop.requested() => tracing::warn!("stopped before every connection was closed"),
    }
    result
}

/// The socket that a service manager listens at for us, and its address.
fn inherited() -> Result<Option<(TcpListener, SocketAddr)>, CommandError> {
    let invalid = |reason: &dyn fmt::Display| {
        CommandError::invalid(format!("the socket of the service manager cannot be used: {reason}"))
    };
    let mut sockets = ListenFd::from_env();
    if sockets.len() > 1 {
        return Err(invalid(&"there are several; name one ListenStream= only"));
    }
    let listener = sockets.take_tcp_listener(0).map_err(|error| invalid(&error))?;
    let with_address = |listener: TcpListener| listener.local_addr().map(|address| (listener, address));
    listener.map(with_address).transpose().map_err(|error| invalid(&error))
}

/// What a service manager wants to know of a service.
enum State {
    Ready,
    Stopping,
}

/// Tells systemd, if it asked to be told.
#[cfg(target_os = "linux")]
fn tell_manager(state: State) {
    let state = match state {
        State::Ready => sd_notify::NotifyState::Ready,
        State::Stopping => sd_notify::NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

#[cfg(not(target_os = "linux"))]
fn tell_manager(_: State) {}

/// The first line of this file.
fn registration_token(file: &Path) -> Result<RegistrationToken, CommandError> {
    let invalid = |reason: &dyn fmt::Display| CommandError::invalid(format!("{}: {reason}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| invalid(&error))?;
    let line = text.lines().next().unwrap_or_default().trim();
    line.parse().map_err(|error| invalid(&error))
}

fn announce(service: &PushService, output: Output) -> Result<(), Failure> {
    let listening = Listening {
        event: "listening",
        websocket: service.websocket_url(),
        endpoint: service.endpoint_url(),
        ca: service.ca(),
    };
    output.print(&listening, || listening.to_string())
}

/// The first line of `serve --json`.
#[derive(Serialize)]
struct Listening<'a> {
    event: &'static str,
    websocket: &'a Url,
    endpoint: &'a Url,
    ca: Option<&'a Path>,
}

impl fmt::Display for Listening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "user agents connect to       {}", self.websocket)?;
        write!(f, "application servers post to  {}", self.endpoint)?;
        match self.ca {
            Some(ca) => write!(f, "\ncertificate authority        {}", ca.display()),
            None => Ok(()),
        }
    }
}

fn not_started(error: StartError) -> Failure {
    let code = match &error {
        StartError::Data { .. } | StartError::Store(_) => ErrorCode::Storage,
        StartError::InUse(_) => ErrorCode::ProfileInUse,
        StartError::Bind { .. } | StartError::PublicUrl(_) | StartError::Tls(_) => ErrorCode::Invalid,
    };
    CommandError::new(code, error.to_string()).into()
}
