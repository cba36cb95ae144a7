//! Reaching a profile's engine, whoever owns it: this process or another.

use std::time::Duration;

use tokio::time::Instant;

use crate::api::{CommandError, ErrorCode, Request, Trouble};
use crate::client::Client;
use crate::config::{ConfigFile, KeyringKind, Options};
use crate::control::{self, ConnectError};
use crate::engine::{self, UserAgent};
pub use crate::keys::Unlocked;
use crate::profile::Profile;

/// How long another process may own the profile without a socket: it starts, stops, or runs one command, of which the
/// longest waits 30 s for a push service.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often to look again.
const INTERVAL: Duration = Duration::from_millis(50);

/// A way to a profile's engine.
#[derive(Debug)]
pub struct Attached {
    client: Client,
    own: Option<UserAgent>,
}

/// Connects to the process that owns the profile, or starts an engine here when there is none; then `options` count.
/// Waits for a while when the owner is about to start or stop; fails with [`ErrorCode::ProfileInUse`] when it is neither
/// to be reached nor gone by then.
pub async fn attach(options: Options) -> Result<Attached, CommandError> {
    let profile = Profile::open(&options.profile)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(engine) = start(&profile, &options).await? {
            return Ok(Attached { client: engine.client(), own: Some(engine) });
        }
        match control::connect(&profile).await {
            Ok(client) => return Ok(Attached { client, own: None }),
            Err(ConnectError::Failed(error)) => return Err(error),
            Err(ConnectError::Absent) => wait(&profile, deadline).await?,
        }
    }
}

/// Starts an engine here and nowhere else. Waits like [`attach`] for a process that is about to stop; fails with
/// [`ErrorCode::ProfileInUse`] when another one receives for this profile.
pub async fn own(options: Options) -> Result<UserAgent, CommandError> {
    let profile = Profile::open(&options.profile)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(engine) = start(&profile, &options).await? {
            return Ok(engine);
        }
        match control::connect(&profile).await {
            Ok(_) => return Err(in_use(&profile, "is already owned", "it receives; stop it first")),
            Err(ConnectError::Failed(error)) => return Err(error),
            Err(ConnectError::Absent) => wait(&profile, deadline).await?,
        }
    }
}

/// Has the person asked to unlock the profile's keyring: by the process that owns the profile, or by this one.
pub async fn unlock(options: &Options) -> Result<Unlocked, CommandError> {
    let profile = Profile::open(&options.profile)?;
    match control::connect(&profile).await {
        Ok(client) => {
            client.request(Request::Unlock).await?;
            Ok(match ConfigFile::read(profile.dir())?.keyring {
                KeyringKind::System => Unlocked::Unlocked,
                // A process that could not open it would not be there.
                KeyringKind::File => Unlocked::Open { process: profile.owner() },
            })
        }
        Err(ConnectError::Failed(error)) => Err(error),
        Err(ConnectError::Absent) => engine::unlock(&profile, options).await,
    }
}

impl Attached {
    /// A way to ask the engine.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Whether the engine runs in this process.
    pub fn is_owner(&self) -> bool {
        self.own.is_some()
    }

    /// Stops the engine when it was started for this; leaves another process's alone.
    pub async fn finish(self) {
        if let Some(engine) = self.own {
            engine.shutdown().await;
        }
    }
}

/// `None`: another process owns the profile. The lock is looked at first, because an engine opens more than that before it
/// takes the lock for itself.
async fn start(profile: &Profile, options: &Options) -> Result<Option<UserAgent>, CommandError> {
    if profile.lock()?.is_none() {
        return Ok(None);
    }
    match UserAgent::start(options.clone()).await {
        Err(error) if error.code == ErrorCode::ProfileInUse => Ok(None),
        result => result.map(Some),
    }
}

async fn wait(profile: &Profile, deadline: Instant) -> Result<(), CommandError> {
    if Instant::now() >= deadline {
        return Err(in_use(profile, "is owned", "it does not answer; stop it"));
    }
    tracing::debug!("waiting for another process to release the profile");
    tokio::time::sleep(INTERVAL).await;
    Ok(())
}

fn in_use(profile: &Profile, is_owned: &str, remedy: &str) -> CommandError {
    let owner = profile.owner().map_or_else(|| "another process".to_owned(), |id| format!("process {id}"));
    let profile = profile.dir().display();
    let message = format!("the profile {profile} {is_owned} by {owner}: {remedy}");
    CommandError {
        trouble: Some(Trouble::ProfileInUse),
        ..CommandError::new(ErrorCode::ProfileInUse, message)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{broadcast, mpsc};
    use tokio::time::timeout;

    use super::*;
    use crate::api::Response;
    use crate::client::Command;
    use crate::config::Mode;
    use crate::control::ControlServer;

    fn options(profile: &Profile) -> Options {
        Options {
            profile: profile.dir().to_owned(),
            mode: Mode::Offline,
            push_service: None,
            ca_files: Vec::new(),
            allow_insecure: false,
            ask_first: false,
            passphrase: Default::default(),
        }
    }

    fn serve(
        profile: &Profile,
        lock: &crate::profile::ProfileLock,
    ) -> (ControlServer, mpsc::Receiver<Command>) {
        let (requests, commands) = mpsc::channel(8);
        let (events, _) = broadcast::channel(8);
        (control::serve(profile, lock, Client::in_process(requests, events)).unwrap(), commands)
    }

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(20), future).await.expect("took too long")
    }

    #[tokio::test]
    async fn an_owner_that_is_just_starting_is_waited_for_and_outlives_who_asked() {
        let temp = tempfile::tempdir().unwrap();
        let profile = Profile::open(temp.path()).unwrap();
        let lock = profile.lock().unwrap().unwrap();
        let mut attaching = tokio::spawn(attach(options(&profile)));
        assert!(timeout(INTERVAL * 3, &mut attaching).await.is_err(), "nobody listens yet");
        let (_socket, mut commands) = serve(&profile, &lock);
        let attached = soon(attaching).await.unwrap().unwrap();
        for _ in 0..2 {
            let client = attached.client();
            let asked = tokio::spawn(async move { client.request(Request::Status).await });
            soon(commands.recv()).await.unwrap().reply.send(Ok(Response::Done)).unwrap();
            assert_eq!(soon(asked).await.unwrap(), Ok(Response::Done));
        }
        attached.finish().await;
        assert!(control::connect(&profile).await.is_ok());
    }

    #[tokio::test]
    async fn a_second_receiver_is_refused_and_told_who_owns_the_profile() {
        let temp = tempfile::tempdir().unwrap();
        let profile = Profile::open(temp.path()).unwrap();
        let lock = profile.lock().unwrap().unwrap();
        let (_socket, _commands) = serve(&profile, &lock);
        let error = soon(own(options(&profile))).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ProfileInUse);
        assert!(error.message.contains(&format!("process {}", std::process::id())), "{error}");
    }

    #[tokio::test]
    async fn an_owner_that_never_answers_is_not_waited_for_for_ever() {
        let temp = tempfile::tempdir().unwrap();
        let profile = Profile::open(temp.path()).unwrap();
        let _lock = profile.lock().unwrap().unwrap();
        let error = soon(wait(&profile, Instant::now())).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ProfileInUse);
        assert!(error.message.contains("does not answer"), "{error}");
    }
}
