//! A Unix socket in the profile's folder.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::api::{CommandError, ErrorCode};
use crate::profile::Profile;

const SOCKET: &str = "control.sock";

/// What every system takes as a socket's path: macOS 104 bytes, Linux 108, a zero among them.
const LONGEST: usize = 103;

#[derive(Debug)]
pub(super) struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    pub(super) fn open(profile: &Profile) -> Result<Self, CommandError> {
        let path = profile.dir().join(SOCKET);
        let open = || {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = with_short_path(profile.dir(), |path| UnixListener::bind(path))?;
            // Until here the folder's mode and the check of the peer keep others out.
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        match open() {
            Ok(listener) => Ok(Self { listener, path }),
            Err(error) => Err(CommandError::new(
                ErrorCode::Storage,
                format!("cannot open the socket {}: {error}", path.display()),
            )),
        }
    }

    /// The next connection of this user. Others' are closed.
    pub(super) async fn accept(&mut self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match is_ours(&stream) {
                Ok(true) => return Ok(stream),
                Ok(false) => tracing::warn!("another user connected to the control socket and was refused"),
                Err(error) => tracing::debug!(%error, "a connection ended before it was looked at"),
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket was already gone");
        }
    }
}

pub(super) async fn connect(profile: &Profile) -> io::Result<UnixStream> {
    let stream = with_short_path(profile.dir(), |path| std::os::unix::net::UnixStream::connect(path))?;
    stream.set_nonblocking(true)?;
    let stream = UnixStream::from_std(stream)?;
    if is_ours(&stream)? {
        Ok(stream)
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"))
    }
}

fn is_ours(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw())
}

/// Calls `with` with the socket's path, or with a shorter one for the same file where it is too long for a socket.
fn with_short_path<T>(dir: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = dir.join(SOCKET);
    if path.as_os_str().as_bytes().len() <= LONGEST { with(&path) } else { through_short_path(dir, with) }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn through_short_path<T>(dir: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    use std::os::fd::AsRawFd as _;

    let folder = fs::File::open(dir)?;
    with(&Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(SOCKET))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn through_short_path<T>(dir: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let link = std::env::temp_dir().join(format!("belfry-{:016x}", u64::from_ne_bytes(random)));
    std::os::unix::fs::symlink(dir, &link)?;
    let result = with(&link.join(SOCKET));
    fs::remove_file(&link)?;
    result
}
