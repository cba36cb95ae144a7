//! Starting and stopping the receiver.

use crate::api::{CommandError, ErrorCode};
use crate::client::Client;
use crate::config::Options;

/// A running receiver: the owner of its profile.
#[derive(Debug)]
pub struct UserAgent {
    client: Client,
}

impl UserAgent {
    /// Opens the profile, the keyring and the database, and starts receiving as `options` say. Fails with
    /// [`ErrorCode::ProfileInUse`] when another process owns the profile.
    pub async fn start(_options: Options) -> Result<Self, CommandError> {
        Err(CommandError::new(ErrorCode::Unsupported, "not built yet"))
    }

    /// A way to ask it.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Stops: what has arrived is stored, the connection closed, the profile released.
    pub async fn shutdown(self) {}
}
