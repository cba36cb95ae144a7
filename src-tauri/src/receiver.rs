//! The way to the engine, which this process hosts unless another one owns the profile.

use std::mem;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use user_agent::Client;
use user_agent::api::CommandError;
use user_agent::attach::{Attached, attach};
use user_agent::config::Options;

use crate::app::{Notice, Notices};

/// Requests of one moment share one attempt: each could end in a prompt of the keyring's.
const MOMENT: Duration = Duration::from_secs(2);

/// The engine, here or elsewhere.
pub(crate) struct Receiver {
    options: Options,
    notices: Notices,
    state: Mutex<State>,
}

enum State {
    Absent,
    Attached(Attached),
    Failed(CommandError, Instant),
    Finished,
}

impl Receiver {
    pub(crate) fn new(options: Options, notices: Notices) -> Self {
        Self { options, notices, state: Mutex::new(State::Absent) }
    }

    /// The way to ask. Starts the engine, or finds who hosts it, when that has not happened yet or has failed before.
    pub(crate) async fn client(&self) -> Result<Client, CommandError> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Attached(attached) => return Ok(attached.client()),
            State::Failed(error, at) if at.elapsed() < MOMENT => return Err(error.clone()),
            State::Finished => return Err(CommandError::invalid("Belfry is ending")),
            State::Absent | State::Failed(..) => {}
        }
        match attach(self.options.clone()).await {
            Ok(attached) => {
                let client = attached.client();
                self.listen(client.clone(), attached.is_owner());
                *state = State::Attached(attached);
                Ok(client)
            }
            Err(error) => {
                tracing::error!(code = ?error.code, "the receiver did not start: {error}");
                self.notices.send(Notice::Failed(error.clone()));
                *state = State::Failed(error.clone(), Instant::now());
                Err(error)
            }
        }
    }

    /// Forgets an engine that has gone away with its process.
    pub(crate) async fn forget(&self) {
        let mut state = self.state.lock().await;
        if matches!(*state, State::Attached(_)) {
            *state = State::Absent;
        }
    }

    /// Stops an engine that is hosted here, with everything stored.
    pub(crate) async fn finish(&self) {
        let mut state = self.state.lock().await;
        if let State::Attached(attached) = mem::replace(&mut *state, State::Finished) {
            attached.finish().await;
        }
    }

    fn listen(&self, client: Client, owner: bool) {
        let notices = self.notices.clone();
        let mut events = client.events_from_start();
        notices.send(Notice::Attached { client, owner });
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                notices.send(Notice::Event(event));
            }
            notices.send(Notice::Lost);
        });
    }
}
