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
            let listener = UnixListener::bind(&SocketPath::of(profile.dir())?.path)?;
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
    let path = SocketPath::of(profile.dir())?;
    let stream = UnixStream::connect(&path.path).await?;
    if is_ours(&stream)? {
        Ok(stream)
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user"))
    }
}

fn is_ours(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw())
}

/// The socket's path, or a shorter one for the same file where it is too long for a socket; good while this lives.
struct SocketPath {
    path: PathBuf,
    _short: Option<ShortWay>,
}

impl SocketPath {
    fn of(dir: &Path) -> io::Result<Self> {
        let path = dir.join(SOCKET);
        if path.as_os_str().as_bytes().len() <= LONGEST {
            return Ok(Self { path, _short: None });
        }
        let short = ShortWay::to(dir)?;
        Ok(Self { path: short.path().join(SOCKET), _short: Some(short) })
    }
}

/// The folder, opened: its descriptor is a path.
#[cfg(any(target_os = "linux", target_os = "android"))]
struct ShortWay(fs::File);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl ShortWay {
    fn to(dir: &Path) -> io::Result<Self> {
        fs::File::open(dir).map(Self)
    }

    fn path(&self) -> PathBuf {
        use std::os::fd::AsRawFd as _;
        Path::new("/proc/self/fd").join(self.0.as_raw_fd().to_string())
    }
}

/// A link to the folder in the folder for temporary files.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
struct ShortWay(PathBuf);

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl ShortWay {
    fn to(dir: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let link = std::env::temp_dir().join(format!("belfry-{:016x}", u64::from_ne_bytes(random)));
        std::os::unix::fs::symlink(dir, &link)?;
        Ok(Self(link))
    }

    fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Drop for ShortWay {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
