//! The other side: a [`Client`] whose requests and events travel over the socket.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncWrite, BufReader};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::timeout;

use super::transport;
use super::wire::{self, Greeting, PROTOCOL, ToClient, ToServer};
use crate::api::{CommandError, ErrorCode, Event, Response, Trouble};
use crate::client::{Client, Command};
use crate::profile::Profile;

/// How long an owner may take to greet.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no connection to a profile's owner.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// Nobody listens: no owner, one that starts or stops, or one that runs a single command.
    #[error("nobody listens on the profile's socket")]
    Absent,
    /// Somebody does, to no avail.
    #[error(transparent)]
    Failed(#[from] CommandError),
}

/// Connects to the process that owns the profile.
pub(crate) async fn connect(profile: &Profile) -> Result<Client, ConnectError> {
    let stream = match transport::connect(profile).await {
        Ok(stream) => stream,
        Err(error) if is_absent(&error) => return Err(ConnectError::Absent),
        Err(error) => {
            return Err(in_use(format!("cannot reach the process that owns the profile: {error}")).into());
        }
    };
    let (reader, writer) = tokio::io::split(stream);
    let mut reader = BufReader::new(reader);
    match timeout(PATIENCE, wire::read(&mut reader, wire::TO_CLIENT)).await {
        Ok(Ok(Some(greeting))) => check(&greeting)?,
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(in_use("what listens on the profile's socket is not Belfry").into());
        }
        // It was about to stop.
        Ok(Ok(None) | Err(_)) => return Err(ConnectError::Absent),
        Err(_) => {
            let owner = profile.owner().map(|id| format!(" ({id})")).unwrap_or_default();
            let message = format!("the process that owns the profile{owner} does not answer");
            return Err(CommandError::from_trouble(Trouble::ProfileInUse, message).into());
        }
    }
    let (requests, commands) = mpsc::channel(32);
    let (events, _) = broadcast::channel(1024);
    let client = Client::in_process(requests, events.clone());
    tokio::spawn(converse(reader, writer, commands, events));
    Ok(client)
}

fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused | ConnectionReset)
}

fn check(greeting: &Greeting) -> Result<(), CommandError> {
    if greeting.protocol == PROTOCOL {
        return Ok(());
    }
    let ours = env!("CARGO_PKG_VERSION");
    let theirs: String = greeting.belfry.chars().filter(|c| !c.is_control()).take(20).collect();
    let remedy = if greeting.protocol < PROTOCOL { "restart it" } else { "upgrade this program" };
    Err(in_use(format!("the profile's owner is Belfry {theirs}, this program is {ours}: {remedy}")))
}

fn in_use(message: impl Into<String>) -> CommandError {
    CommandError {
        trouble: Some(Trouble::ProfileInUse),
        ..CommandError::new(ErrorCode::ProfileInUse, message)
    }
}

type Replies = Mutex<HashMap<u64, oneshot::Sender<Result<Response, CommandError>>>>;

/// Runs until either side ends; then whoever waits for an answer or an event hears it, as if the engine had stopped.
async fn converse(
    reader: impl AsyncBufRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    commands: mpsc::Receiver<Command>,
    events: broadcast::Sender<Event>,
) {
    let replies = Replies::default();
    // One task, two halves: a writer that has to wait for the server never keeps its answers from being read.
    let ended = tokio::select! {
        ended = ask(writer, commands, &replies) => ended,
        ended = hear(reader, &events, &replies) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "the connection to the profile's owner ended");
    }
}

async fn ask(
    mut writer: impl AsyncWrite + Unpin,
    mut commands: mpsc::Receiver<Command>,
    replies: &Replies,
) -> io::Result<()> {
    wire::write(&mut writer, &wire::line(&ToServer::Subscribe)?).await?;
    let mut id = 0;
    while let Some(Command { request, reply }) = commands.recv().await {
        let line = wire::line(&ToServer::Request { id, body: Box::new(request) })?;
        if line.len() > wire::TO_SERVER {
            let _ = reply.send(Err(CommandError::invalid("the request is too large")));
            continue;
        }
        replies.lock().unwrap_or_else(PoisonError::into_inner).insert(id, reply);
        wire::write(&mut writer, &line).await?;
        id += 1;
    }
    Ok(())
}

async fn hear(
    mut reader: impl AsyncBufRead + Unpin,
    events: &broadcast::Sender<Event>,
    replies: &Replies,
) -> io::Result<()> {
    let answer = |id, answer| {
        if let Some(reply) = replies.lock().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            // Fails only when nobody waits any more.
            let _ = reply.send(answer);
        }
    };
    while let Some(message) = wire::read(&mut reader, wire::TO_CLIENT).await? {
        match message {
            ToClient::Answer { id, body: Some(body) } => answer(id, Ok(*body)),
            ToClient::Refusal { id, body: Some(body) } => answer(id, Err(body)),
            ToClient::Answer { id, body: None } | ToClient::Refusal { id, body: None } => {
                let message = "the profile's owner is a later Belfry, and its answer is not known here: upgrade this program";
                answer(id, Err(CommandError::new(ErrorCode::Unsupported, message)));
            }
            ToClient::Event { body: Some(event) } => {
                let _ = events.send(event);
            }
            ToClient::Event { body: None } => tracing::debug!("an event of a later version"),
        }
    }
    Ok(())
}
