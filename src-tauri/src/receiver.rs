//! The way to the engine, which this process hosts unless another one owns the profile.

use std::mem;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use user_agent::Client;
use user_agent::api::{CommandError, Request};
use user_agent::attach::{Attached, attach};
use user_agent::config::{Options, PushServiceName};

use crate::app::{Notice, Notices};
use crate::local;

/// Requests of one moment share one attempt: each could end in a prompt of the keyring's.
const MOMENT: Duration = Duration::from_secs(2);

/// The engine, here or elsewhere.
pub(crate) struct Receiver {
    notices: Notices,
    inner: Mutex<Inner>,
}

struct Inner {
    options: Options,
    /// Stored as the default once: what is chosen later must not be undone by an engine that starts here after another's end.
    push_service: Option<PushServiceName>,
    state: State,
}

enum State {
    Absent,
    Attached(Attached),
    Failed(CommandError, Instant),
    Finished,
}

impl Receiver {
    pub(crate) fn new(options: Options, push_service: Option<PushServiceName>, notices: Notices) -> Self {
        Self { notices, inner: Mutex::new(Inner { options, push_service, state: State::Absent }) }
    }

    /// The way to ask. Starts the engine, or finds who hosts it, when that has not happened yet or has failed before.
    pub(crate) async fn client(&self) -> Result<Client, CommandError> {
        let mut inner = self.inner.lock().await;
        match &inner.state {
            State::Attached(attached) => return Ok(attached.client()),
            State::Failed(error, at) if at.elapsed() < MOMENT => return Err(error.clone()),
            State::Finished => return Err(CommandError::invalid("Belfry is ending")),
            State::Absent | State::Failed(..) => {}
        }
        let push_service = match inner.push_service.clone() {
            Some(name) => local::locate(name).await.map(Some),
            None => Ok(None),
        };
        // Without it Belfry starts all the same: its window is where to choose another.
        let push_service = push_service.unwrap_or_else(|error| {
            tracing::error!(code = ?error.code, "{error}");
            None
        });
        let options = Options { push_service, ..inner.options.clone() };
        match attach(options.clone()).await {
            Ok(attached) => {
                let client = attached.client();
                let owner = attached.is_owner();
                self.listen(client.clone(), owner);
                inner.state = State::Attached(attached);
                inner.push_service = None;
                match options.push_service {
                    Some(url) if !owner => {
                        drop(client.request(Request::SetDefaultPushService { url }).await?)
                    }
                    Some(_) | None => {}
                }
                Ok(client)
            }
            Err(error) => {
                tracing::error!(code = ?error.code, "the receiver did not start: {error}");
                self.notices.send(Notice::Failed(error.clone()));
                inner.state = State::Failed(error.clone(), Instant::now());
                Err(error)
            }
        }
    }

    /// Forgets an engine that has gone away with its process.
    pub(crate) async fn forget(&self) {
        let mut inner = self.inner.lock().await;
        if matches!(inner.state, State::Attached(_)) {
            inner.state = State::Absent;
        }
    }

    /// Stops an engine that is hosted here, with everything stored.
    pub(crate) async fn finish(&self) {
        let mut inner = self.inner.lock().await;
        if let State::Attached(attached) = mem::replace(&mut inner.state, State::Finished) {
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
