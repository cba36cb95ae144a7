//! The owner's side.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::transport::Listener;
use super::wire::{self, Greeting, ToClient, ToServer};
use crate::api::{CommandError, Event};
use crate::client::{Client, Events};
use crate::profile::{Profile, ProfileLock};

/// How many front ends may be connected; the next one waits.
const CONNECTIONS: usize = 64;

/// How many requests of one connection are under way; the next one waits.
const IN_FLIGHT: usize = 16;

/// How long requests under way may take to be answered when the engine stops.
const GRACE: Duration = Duration::from_secs(1);

/// The open socket. Dropping it closes it at once; [`ControlServer::shutdown`] lets requests under way be answered.
#[derive(Debug)]
pub(crate) struct ControlServer {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// Opens the profile's socket and answers on it through `client`. Only the lock's holder may: a socket that is already
/// there is a dead owner's and is replaced.
///
/// For an engine that stays (`Mode::Receive`). One that runs a single command has no socket: whoever else wants the
/// profile waits for its end instead of being cut off by it.
pub(crate) fn serve(
    profile: &Profile,
    _lock: &ProfileLock,
    client: Client,
) -> Result<ControlServer, CommandError> {
    let listener = Listener::open(profile)?;
    let (stop, stopped) = watch::channel(false);
    Ok(ControlServer { stop, accepting: tokio::spawn(accept(listener, client, stopped)) })
}

impl ControlServer {
    /// Removes the socket, then waits, not for long, for requests under way. To be called while the engine still answers
    /// and before the profile's lock is released.
    pub(crate) async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.accepting).await.is_err() {
            tracing::debug!("requests were still under way");
        }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(mut listener: Listener, client: Client, stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok(stream) => {
                    connections.spawn(converse(stream, client.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection to the control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = asked_to_stop(stopped.clone()) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    client: Client,
    stopped: watch::Receiver<bool>,
) {
    let (reader, mut writer) = tokio::io::split(stream);
    let (out, mut outgoing) = mpsc::channel::<Vec<u8>>(IN_FLIGHT);
    let write = async {
        wire::write(&mut writer, &wire::line(&Greeting::ours())?).await?;
        while let Some(line) = outgoing.recv().await {
            wire::write(&mut writer, &line).await?;
        }
        Ok::<(), io::Error>(())
    };
    let listen = listen(BufReader::new(reader), client, out, stopped);
    tokio::pin!(write);
    let ended = tokio::select! {
        ended = &mut write => ended,
        ended = listen => match ended {
            // What was answered is still to be written; `out` is gone, so this ends.
            Ok(()) => write.await,
            error => error,
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a control connection ended");
    }
}

/// Reads until the other side closes or the engine stops. Answers under way are awaited only in the latter case: nobody is
/// there for them in the former.
async fn listen(
    mut reader: BufReader<impl AsyncRead + Unpin>,
    client: Client,
    out: mpsc::Sender<Vec<u8>>,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let under_way = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut requests = JoinSet::new();
    let mut subscription = JoinSet::new();
    loop {
        let message = tokio::select! {
            message = wire::read(&mut reader, wire::TO_SERVER) => message?,
            () = asked_to_stop(stopped.clone()) => break,
        };
        match message {
            None => return Ok(()),
            Some(ToServer::Subscribe) if subscription.is_empty() => {
                subscription.spawn(forward(client.events(), out.clone()));
            }
            Some(ToServer::Subscribe) => {}
            Some(ToServer::Request { id, body }) => {
                let Ok(turn) = Arc::clone(&under_way).acquire_owned().await else { return Ok(()) };
                while requests.try_join_next().is_some() {}
                let (client, out) = (client.clone(), out.clone());
                requests.spawn(async move {
                    let answer = match client.request(*body).await {
                        Ok(body) => ToClient::Answer { id, body: Some(Box::new(body)) },
                        Err(body) => ToClient::Refusal { id, body: Some(body) },
                    };
                    if let Ok(line) = answer_line(id, &answer) {
                        // Fails only when the connection is gone.
                        let _ = out.send(line).await;
                    }
                    drop(turn);
                });
            }
        }
    }
    while requests.join_next().await.is_some() {}
    Ok(())
}

/// Also when whoever could ask is gone.
async fn asked_to_stop(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn forward(mut events: Events, out: mpsc::Sender<Vec<u8>>) {
    while let Some(event) = events.next().await {
        if let Some(line) = event_line(event)
            && out.send(line).await.is_err()
        {
            return;
        }
    }
}

fn event_line(event: Event) -> Option<Vec<u8>> {
    wire::line(&ToClient::Event { body: Some(event) }).ok().filter(|line| line.len() <= wire::TO_CLIENT)
}

fn answer_line(id: u64, answer: &ToClient) -> io::Result<Vec<u8>> {
    let line = wire::line(answer)?;
    if line.len() <= wire::TO_CLIENT {
        return Ok(line);
    }
    let body = CommandError::invalid("the answer is too large: ask for fewer entries (--limit)");
    wire::line(&ToClient::Refusal { id, body: Some(body) })
}
