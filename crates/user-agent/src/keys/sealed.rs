//! Where there is no Secret Service: a file of one's own, sealed with a passphrase (`keyring = "file"` in `config.toml`).
//! Never chosen by itself. It takes the shape of a credential store, so that everything above it is the same.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, CredentialStore, Entry, Error, Result};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::KeyringError;
use super::seal::{SealError, SealKey, Sealed};
use crate::config::AskPassphrase;

/// The file in the profile's folder.
const FILE: &str = "keyring.sealed";
/// What systemd's `LoadCredential=` has to call the passphrase.
const CREDENTIAL: &str = "belfry-passphrase";
/// A passphrase's file, and a keyring with thousands of sites, are far smaller.
const MOST_BYTES: u64 = 16 << 20;

/// What it is sealed for.
const PURPOSE: &str = "keyring";

/// Where the file is and how its passphrase is found.
#[derive(Debug, Clone)]
pub(crate) struct SealedFile {
    pub(crate) folder: PathBuf,
    /// The passphrase's own file, when the user named one.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// How to ask at a terminal.
    pub(crate) ask: Option<AskPassphrase>,
}

type Secrets = BTreeMap<(String, String), Zeroizing<Vec<u8>>>;

/// The open file.
struct SealedStore {
    path: PathBuf,
    key: SealKey,
    secrets: Mutex<Secrets>,
}

struct SealedItem {
    store: Arc<SealedStore>,
    name: (String, String),
}

struct SealedEntries(Arc<SealedStore>);

impl SealedFile {
    /// Whether it has been made.
    pub(crate) fn exists(&self) -> bool {
        self.folder.join(FILE).exists()
    }

    /// Opens the file, or makes it when it is not there. Blocks, perhaps at a prompt on the terminal.
    pub(super) fn open(&self) -> std::result::Result<Arc<CredentialStore>, KeyringError> {
        let path = self.folder.join(FILE);
        let found = read(&path).map_err(|error| absent(&path, &error))?;
        let passphrase = self.passphrase(found.is_none())?;
        let store = match found {
            Some(bytes) => SealedStore::unseal(path, &bytes, &passphrase)?,
            None => {
                let key = SealKey::new(&passphrase).map_err(|error| cannot_open(&path, error))?;
                let store = SealedStore { path, key, secrets: Mutex::default() };
                store.write(&Secrets::new()).map_err(|error| absent(&store.path, &error))?;
                store
            }
        };
        Ok(Arc::new(SealedEntries(Arc::new(store))))
    }

    fn passphrase(&self, new: bool) -> std::result::Result<Zeroizing<String>, KeyringError> {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let credential = credentials.map(|folder| folder.join(CREDENTIAL)).filter(|file| file.exists());
        let text = match (&self.passphrase_file, credential, self.ask) {
            (Some(file), _, _) => from_file(file)?,
            (None, Some(file), _) => from_file(&file)?,
            (None, None, Some(ask)) => {
                let asked = ask(new).map_err(|error| KeyringError::Sealed(error.to_string()))?;
                Zeroizing::new(asked)
            }
            (None, None, None) => {
                return Err(KeyringError::Sealed("its passphrase is needed".into()));
            }
        };
        if text.is_empty() {
            return Err(KeyringError::Sealed("the passphrase is empty".into()));
        }
        Ok(text)
    }
}

impl SealedStore {
    fn unseal(path: PathBuf, bytes: &[u8], passphrase: &str) -> std::result::Result<Self, KeyringError> {
        let file: Sealed = serde_json::from_slice(bytes).map_err(|_| KeyringError::Damaged)?;
        let (key, plain) =
            SealKey::open(&file, PURPOSE, passphrase).map_err(|error| cannot_open(&path, error))?;
        let list: Vec<(String, String, String)> =
            serde_json::from_slice(&plain).map_err(|_| KeyringError::Damaged)?;
        let mut secrets = Secrets::new();
        for (service, user, secret) in list {
            let secret = Zeroizing::new(secret);
            let secret = STANDARD.decode(secret.as_bytes()).map_err(|_| KeyringError::Damaged)?;
            secrets.insert((service, user), Zeroizing::new(secret));
        }
        Ok(Self { path, key, secrets: Mutex::new(secrets) })
    }

    /// Changes the secrets, on the disk first.
    fn change<T>(&self, change: impl FnOnce(&mut Secrets) -> Result<T>) -> Result<T> {
        let mut current = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = current.clone();
        let result = change(&mut next)?;
        self.write(&next).map_err(|error| Error::PlatformFailure(Box::new(error)))?;
        *current = next;
        Ok(result)
    }

    /// Writes beside the file and renames: whenever the power fails, the old one or the new one is there.
    fn write(&self, secrets: &Secrets) -> io::Result<()> {
        let encoded: Vec<_> =
            secrets.values().map(|secret| Zeroizing::new(STANDARD.encode(secret))).collect();
        let list: Vec<(&str, &str, &str)> = secrets
            .keys()
            .zip(&encoded)
            .map(|((service, user), secret)| (service.as_str(), user.as_str(), secret.as_str()))
            .collect();
        let plain = Zeroizing::new(serde_json::to_vec(&list)?);
        let file = self.key.seal(PURPOSE, &plain).map_err(io::Error::other)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // Mode 0600 from the start.
        let mut beside = NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut beside, &file)?;
        beside.flush()?;
        beside.as_file().sync_all()?;
        beside.persist(&self.path)?;
        // The rename itself, where folders can be synchronised.
        if cfg!(unix) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl CredentialStoreApi for SealedEntries {
    fn vendor(&self) -> String {
        format!("sealed file {}", self.0.path.display())
    }

    fn id(&self) -> String {
        self.vendor()
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        if modifiers.is_some_and(|modifiers| !modifiers.is_empty()) {
            return Err(Error::NotSupportedByStore("a sealed file has no labels".into()));
        }
        let name = (service.to_owned(), user.to_owned());
        Ok(Entry::new_with_credential(Arc::new(SealedItem { store: self.0.clone(), name })))
    }

    fn search(&self, wanted: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let names =
            secrets.keys().filter(|(service, _)| wanted.get("service").is_none_or(|it| it == service));
        let item = |name: &(String, String)| SealedItem { store: self.0.clone(), name: name.clone() };
        Ok(names.map(|name| Entry::new_with_credential(Arc::new(item(name)))).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.vendor())
    }
}

impl CredentialApi for SealedItem {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.store.change(|secrets| {
            secrets.insert(self.name.clone(), Zeroizing::new(secret.to_vec()));
            Ok(())
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        let secrets = self.store.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.get(&self.name).map(|secret| secret.to_vec()).ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        self.store.change(|secrets| secrets.remove(&self.name).map(drop).ok_or(Error::NoEntry))
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.get_secret().map(|_| None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some(self.name.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedItem(…)")
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// A file's first line.
fn from_file(path: &Path) -> std::result::Result<Zeroizing<String>, KeyringError> {
    let read = fs::read_to_string(path).map(Zeroizing::new);
    let text = read.map_err(|error| {
        KeyringError::Sealed(format!("cannot read the passphrase in {}: {error}", path.display()))
    })?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn cannot_open(path: &Path, error: SealError) -> KeyringError {
    match error {
        SealError::Damaged => KeyringError::Damaged,
        SealError::Newer | SealError::Random(_) => {
            KeyringError::Absent(format!("{}: {error}", path.display()))
        }
        SealError::Passphrase => KeyringError::Sealed(error.to_string()),
    }
}

fn absent(path: &Path, error: &io::Error) -> KeyringError {
    KeyringError::Absent(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, passphrase: &str) -> SealedFile {
        let passphrase_file = folder.join("passphrase");
        fs::write(&passphrase_file, format!("{passphrase}\n")).unwrap();
        SealedFile { folder: folder.to_owned(), passphrase_file: Some(passphrase_file), ask: None }
    }

    #[test]
    fn secrets_come_back_under_their_passphrase_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let open = |passphrase: &str| file(folder.path(), passphrase).open();
        let item = |store: &Arc<CredentialStore>| store.build("belfry", "p:database", None).unwrap();
        let store = open("correct horse").unwrap();
        assert!(matches!(item(&store).get_secret(), Err(Error::NoEntry)));
        item(&store).set_secret(b"thirty-two bytes of nightingales").unwrap();
        let store = open("correct horse").unwrap();
        assert_eq!(item(&store).get_secret().unwrap(), b"thirty-two bytes of nightingales");
        assert_eq!(store.search(&HashMap::from([("service", "belfry")])).unwrap().len(), 1);
        assert!(matches!(open("battery staple"), Err(KeyringError::Sealed(_))));
        let bytes = fs::read(folder.path().join(FILE)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(&STANDARD.encode("thirty-two bytes")));
        item(&store).delete_credential().unwrap();
        assert!(matches!(item(&open("correct horse").unwrap()).get_secret(), Err(Error::NoEntry)));
    }

    #[test]
    fn a_damaged_file_is_reported_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        file(folder.path(), "p").open().unwrap();
        let path = folder.path().join(FILE);
        let whole = fs::read_to_string(&path).unwrap();
        let cheaper = whole.replace("\"passes\":3", "\"passes\":2");
        assert_ne!(cheaper, whole);
        for damaged in ["", "{}", &cheaper, whole.get(..whole.len() / 2).unwrap()] {
            fs::write(&path, damaged).unwrap();
            let error = file(folder.path(), "p").open().err().unwrap();
            assert!(matches!(error, KeyringError::Damaged | KeyringError::Sealed(_)), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn without_a_passphrase_it_stays_shut() {
        let folder = tempfile::tempdir().unwrap();
        let shut = SealedFile { folder: folder.path().to_owned(), passphrase_file: None, ask: None };
        assert!(matches!(shut.open(), Err(KeyringError::Sealed(_))));
        assert!(matches!(file(folder.path(), "").open(), Err(KeyringError::Sealed(_))));
        assert!(!folder.path().join(FILE).exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        file(folder.path(), "p").open().unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
