//! A named pipe, named after the profile's folder.
//!
//! Its default access list lets others of this computer read, and only this user and administrators write: so nothing but
//! the greeting is ever sent to someone who has not written.

use std::io;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

use crate::api::{CommandError, ErrorCode};
use crate::profile::Profile;

/// Windows: "All pipe instances are busy."
const ERROR_PIPE_BUSY: i32 = 231;

#[derive(Debug)]
pub(super) struct Listener {
    name: String,
    next: NamedPipeServer,
}

impl Listener {
    pub(super) fn open(profile: &Profile) -> Result<Self, CommandError> {
        let name = pipe_name(profile);
        // The first instance, or someone else holds the name.
        match ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(&name) {
            Ok(next) => Ok(Self { name, next }),
            Err(error) => Err(CommandError::new(
                ErrorCode::Storage,
                format!("cannot open the profile's named pipe: {error}"),
            )),
        }
    }

    pub(super) async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        self.next.connect().await?;
        let next = ServerOptions::new().reject_remote_clients(true).create(&self.name)?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

pub(super) async fn connect(profile: &Profile) -> io::Result<NamedPipeClient> {
    let name = pipe_name(profile);
    for _ in 0..100 {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            result => return result,
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

fn pipe_name(profile: &Profile) -> String {
    let digest = Sha256::digest(profile.dir().as_os_str().as_encoded_bytes());
    let digest: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!(r"\\.\pipe\belfry-{digest}")
}
