//! Sites into a file and out of it. What is in the file, keys among it, never gets into the page.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tauri::async_runtime::spawn_blocking;
use user_agent::Client;
use user_agent::api::{
    CommandError, ErrorCode, ExportedSites, FilePassphrase, ImportedSite, Request, Response,
};
use user_agent::config::PushServiceName;
use user_agent::transfer::{MOST_BYTES, is_sealed, needs_local};

use crate::local;

/// What a new file is called, unless somebody calls it something else.
pub(crate) const FILE_NAME: &str = "belfry-sites.json";

/// A file that all sites were written to.
#[derive(Debug, Serialize)]
pub(crate) struct Written {
    file: String,
    sites: usize,
    without_keys: Vec<String>,
}

/// A file of sites that was read.
#[derive(Debug, Serialize)]
pub(crate) struct SitesFile {
    /// Without its folder.
    name: String,
    sealed: bool,
}

/// What was in the file that was chosen last, until its sites are here: what is asked about is what comes in.
#[derive(Default)]
pub(crate) struct Chosen(Mutex<Option<String>>);

/// Writes all sites to a file, over one that is there.
pub(crate) async fn export(
    client: &Client,
    passphrase: Option<FilePassphrase>,
    file: PathBuf,
) -> Result<Written, CommandError> {
    let request = Request::ExportSites { passphrase, local: local::known()? };
    let Response::Exported(exported) = client.request(request).await? else { return Err(mixed_up()) };
    let ExportedSites { document, sites, without_keys } = exported;
    let name = file.display().to_string();
    blocking(move || replace(&file, &document)).await?;
    Ok(Written { file: name, sites, without_keys })
}

impl Chosen {
    pub(crate) async fn read(&self, file: PathBuf) -> Result<SitesFile, CommandError> {
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let document = blocking(move || read(&file)).await?;
        let sealed = is_sealed(&document);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(document);
        Ok(SitesFile { name, sealed })
    }

    /// Makes its sites. It stays chosen when they do not come in, such as for a wrong passphrase.
    pub(crate) async fn import(
        &self,
        client: &Client,
        passphrase: Option<FilePassphrase>,
    ) -> Result<Vec<ImportedSite>, CommandError> {
        let document = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let document = document.ok_or_else(|| CommandError::invalid("choose a file first"))?;
        let local =
            if needs_local(&document) { Some(local::locate(PushServiceName::Local).await?) } else { None };
        let request = Request::ImportSites { document, passphrase, local };
        let Response::Imported(mut imported) = client.request(request).await? else { return Err(mixed_up()) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // The page asks for a subscription when somebody looks at its site.
        imported.iter_mut().for_each(|imported| imported.site.subscription = None);
        Ok(imported)
    }
}

fn read(file: &Path) -> Result<String, CommandError> {
    let cannot = |error: io::Error| {
        CommandError::new(ErrorCode::Storage, format!("cannot read {}: {error}", file.display()))
    };
    let mut content = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    File::open(file).and_then(|open| open.take(most + 1).read_to_end(&mut content)).map_err(cannot)?;
    if content.len() > MOST_BYTES {
        return Err(CommandError::invalid("it is too large for a file of sites: choose another"));
    }
    String::from_utf8(content).map_err(|_| CommandError::invalid("it is no file of sites: choose another"))
}

/// Whole or not at all, and for this user's eyes only.
fn replace(file: &Path, document: &str) -> Result<(), CommandError> {
    let write = || {
        let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(new, "{document}")?;
        new.as_file().sync_all()?;
        new.persist(file).map(drop).map_err(|error| error.error)
    };
    write().map_err(|error: io::Error| {
        let message = format!("cannot write {}: {error}. Choose another folder", file.display());
        CommandError::new(ErrorCode::Storage, message)
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(CommandError::new(ErrorCode::Internal, error.to_string())))
}

fn mixed_up() -> CommandError {
    CommandError::new(ErrorCode::Internal, "the receiver answered something else")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_for_its_owner_only() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join(FILE_NAME);
        std::fs::write(&file, "an older and much longer one").unwrap();
        replace(&file, "new").unwrap();
        assert_eq!(read(&file).unwrap(), "new\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(&temp).unwrap().count(), 1, "nothing else is left");
        let error = replace(&temp.path().join("gone").join(FILE_NAME), "new").unwrap_err();
        assert_eq!(error.code, ErrorCode::Storage);
        assert!(error.message.contains("Choose another folder"), "{error}");
    }

    #[test]
    fn what_is_no_file_of_sites_is_not_read_to_its_end() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("film.mkv");
        std::fs::write(&file, vec![b'x'; MOST_BYTES + 1]).unwrap();
        assert_eq!(read(&file).unwrap_err().code, ErrorCode::Invalid);
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        assert_eq!(read(&file).unwrap_err().code, ErrorCode::Invalid);
        assert_eq!(read(temp.path()).unwrap_err().code, ErrorCode::Storage);
    }

    #[tokio::test]
    async fn a_chosen_file_says_by_its_name_and_whether_it_is_sealed_what_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let chosen = Chosen::default();
        let open = temp.path().join("open.json");
        std::fs::write(&open, r#"{"belfry":"sites","v":1,"sites":[]}"#).unwrap();
        let SitesFile { name, sealed } = chosen.read(open).await.unwrap();
        assert_eq!((name.as_str(), sealed), ("open.json", false));
    }
}
