//! Moving sites between profiles.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Site;

/// What a file with keys is sealed with. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(type = "string"))]
pub struct FilePassphrase(pub String);

impl fmt::Debug for FilePassphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FilePassphrase(…)")
    }
}

/// The file that sites were written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ExportedSites {
    /// Its content.
    pub document: String,
    /// How many sites are in it.
    #[cfg_attr(test, ts(type = "number"))]
    pub sites: usize,
    /// With keys: the names of those that are in it without, because they have no subscription or the keyring lacks it.
    pub without_keys: Vec<String>,
}

/// A site that was in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ImportedSite {
    /// The site, with its subscription as far as there is one.
    pub site: Site,
    /// Whether its subscription came along: its sender need not be told.
    pub moved: bool,
    /// Why it has no new subscription yet. It comes with a later connection.
    pub reason: Option<String>,
}
