//! What comes of asking for the keyring to be unlocked.

use std::fmt;

use serde::Serialize;

/// What came of asking for the keyring to be unlocked. Displays as a line for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "keyring", rename_all = "snake_case")]
pub enum Unlocked {
    /// The system's keyring is unlocked, by this or before.
    Unlocked,
    /// The sealed file is open in the process that receives: nothing was to be done.
    Open {
        /// Its number, where the system tells.
        process: Option<u32>,
    },
    /// No process has the sealed file open; its passphrase is the right one, which unlocks nothing for later.
    PassphraseRight,
    /// There is no sealed file yet: the first command that needs one makes it.
    Absent,
}

impl fmt::Display for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlocked => f.write_str("The keyring is unlocked."),
            Self::Open { process: Some(process) } => {
                write!(f, "The keyring file is open already: process {process} receives with it.")
            }
            Self::Open { process: None } => f.write_str("The keyring file is open already, where it is received."),
            Self::PassphraseRight => f.write_str(
                "The passphrase is right. It opens the keyring file for one process at a time: give it to `belfry run`, or to \
                 each command while nothing receives.",
            ),
            Self::Absent => {
                f.write_str("There is no keyring file yet: the first command that needs one makes it, with a passphrase.")
            }
        }
    }
}
