//! The data folder: private, and one service's at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

/// Makes a folder that only its owner can enter, with the folders above it as needed.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes or opens a file to write that only its owner can read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Held while a service runs: a second one on the same folder would not see who is connected to the first.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// `Ok(None)`: another service holds it.
    pub(crate) fn acquire(folder: &Path) -> io::Result<Option<Self>> {
        let file = private_file().open(folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => {
                // Who holds it, for whoever wants it to end.
                file.set_len(0)?;
                write!(&file, "{}", std::process::id())?;
                Ok(Some(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The process that holds it, or held it last.
    #[cfg(unix)]
    pub(crate) fn owner(folder: &Path) -> Option<i32> {
        fs::read_to_string(folder.join("lock")).ok()?.trim().parse().ok()
    }
}
