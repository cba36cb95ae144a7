//! The folder that holds everything of one user agent, and the lock that gives it one owner.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::api::{CommandError, ErrorCode};
use crate::opening::io_trouble;

/// An open profile. Opening does not own it: see [`Profile::lock`].
#[derive(Debug, Clone)]
pub struct Profile {
    dir: PathBuf,
    id: String,
}

/// Ownership of a profile, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct ProfileLock {
    _file: File,
}

impl Profile {
    /// Opens the folder, and makes it when it is not there: mode 0700, as only its user may look inside.
    ///
    /// Fails with [`ErrorCode::Invalid`] when it is something else than a profile's folder, with
    /// [`ErrorCode::Storage`] when it cannot be read or written.
    pub fn open(dir: &Path) -> Result<Self, CommandError> {
        make_folder(dir)?;
        let dir = fs::canonicalize(dir).map_err(|error| storage("open the profile", dir, &error))?;
        restrict_folder(&dir)?;
        let id = read_id(&dir.join(ID))?;
        Ok(Self { dir, id })
    }

    /// The folder, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// 32 hexadecimal digits chosen when the profile was made. They name this profile's items in the keyring, so a moved
    /// folder finds its keys again and two profiles never share one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Makes this process the owner. `None`: another one is.
    pub fn lock(&self) -> Result<Option<ProfileLock>, CommandError> {
        let path = self.dir.join(LOCK);
        let mut file = open_private(&path).map_err(|error| storage("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(storage("lock", &path, &error)),
        }
        let name_owner = |file: &mut File| {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())
        };
        name_owner(&mut file).map_err(|error| storage("write", &path, &error))?;
        Ok(Some(ProfileLock { _file: file }))
    }

    /// The process that owns the profile, where the system lets others read a locked file. Meaningless while nobody does.
    pub(crate) fn owner(&self) -> Option<u32> {
        fs::read_to_string(self.dir.join(LOCK)).ok()?.trim().parse().ok()
    }
}

const ID: &str = "id";
const LOCK: &str = "lock";

fn make_folder(dir: &Path) -> Result<(), CommandError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Ok(()) => Ok(()),
        Err(_) if dir.exists() && !dir.is_dir() => {
            Err(CommandError::invalid(format!("the profile {} is not a folder", dir.display())))
        }
        Err(error) => Err(storage("make the profile", dir, &error)),
    }
}

/// Closes a folder that others may enter. One with somebody else's files in it is refused instead: `--profile ~` must not
/// change the mode of a home.
#[cfg(unix)]
fn restrict_folder(dir: &Path) -> Result<(), CommandError> {
    use std::os::unix::fs::PermissionsExt as _;

    let failed = |error| storage("open the profile", dir, &error);
    let mode = fs::metadata(dir).map_err(failed)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let is_profile = dir.join(ID).exists() || dir.join("config.toml").exists();
    if !is_profile && fs::read_dir(dir).map_err(failed)?.next().is_some() {
        return Err(CommandError::invalid(format!(
            "{} holds other files and is not a profile: name an empty or a new folder",
            dir.display()
        )));
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(failed)
}

#[cfg(not(unix))]
fn restrict_folder(_dir: &Path) -> Result<(), CommandError> {
    Ok(())
}

/// Reads the id, or makes it, once: a lock of its own keeps two processes that open a new profile from making two.
fn read_id(path: &Path) -> Result<String, CommandError> {
    let read = || -> io::Result<String> {
        let mut file = open_private(path)?;
        file.lock()?;
        let mut id = String::new();
        io::Read::take(&mut file, 256).read_to_string(&mut id)?;
        if id.trim().is_empty() {
            id = random_id()?;
            file.rewind()?;
            writeln!(file, "{id}")?;
            file.sync_all()?;
        }
        Ok(id.trim().to_owned())
    };
    let id = read().map_err(|error| storage("read or write", path, &error))?;
    // Never replaced by a new one: the keyring's items would be lost.
    if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(id)
    } else {
        Err(CommandError::new(
            ErrorCode::Storage,
            format!("{} is damaged: restore it from a backup of the profile", path.display()),
        ))
    }
}

fn random_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Opens a file for reading and writing that only its user may read, and makes it when it is not there.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn storage(what: &str, path: &Path, error: &io::Error) -> CommandError {
    CommandError::from_trouble(io_trouble(error), format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_keeps_its_id_wherever_it_is_moved() {
        let temp = tempfile::tempdir().unwrap();
        let first = Profile::open(&temp.path().join("a/b")).unwrap();
        assert_eq!(first.id().len(), 32);
        fs::rename(temp.path().join("a/b"), temp.path().join("c")).unwrap();
        let moved = Profile::open(&temp.path().join("c")).unwrap();
        assert_eq!(moved.id(), first.id());
        let other = Profile::open(&temp.path().join("d")).unwrap();
        assert_ne!(other.id(), first.id());
    }

    #[test]
    fn opened_at_the_same_time_a_new_profile_gets_one_id() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("p");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let open = || Profile::open(&dir).unwrap().id().to_owned();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn a_profile_has_one_owner_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let profile = Profile::open(temp.path()).unwrap();
        let lock = profile.lock().unwrap();
        assert!(lock.is_some());
        assert!(profile.lock().unwrap().is_none());
        assert_eq!(profile.owner(), Some(std::process::id()));
        drop(lock);
        assert!(profile.lock().unwrap().is_some());
    }

    #[test]
    fn a_damaged_id_is_reported_and_kept() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join(ID), "0123").unwrap();
        assert_eq!(Profile::open(temp.path()).unwrap_err().code, ErrorCode::Storage);
        assert_eq!(fs::read_to_string(temp.path().join(ID)).unwrap(), "0123");
    }

    #[test]
    fn a_file_is_not_a_profile() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Profile::open(&file).unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid);
        assert!(error.message.contains("not a folder"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_may_look_into_a_profile() {
        use std::os::unix::fs::PermissionsExt as _;

        let temp = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let loose = temp.path().join("loose");
        fs::create_dir(&loose).unwrap();
        fs::set_permissions(&loose, fs::Permissions::from_mode(0o755)).unwrap();
        let profile = Profile::open(&loose).unwrap();
        let _lock = profile.lock().unwrap();
        assert_eq!(mode(&loose), 0o700);
        assert_eq!(mode(&loose.join(ID)), 0o600);
        assert_eq!(mode(&loose.join(LOCK)), 0o600);

        let home = temp.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("letter"), "").unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Profile::open(&home).unwrap_err().code, ErrorCode::Invalid);
        assert_eq!(mode(&home), 0o755);
    }
}
