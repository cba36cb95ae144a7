//! How a command ends.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use push_service::local::LocalError;
use serde_json::json;
use user_agent::api::{CommandError, ErrorCode};

use crate::output::{Output, plain};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With a code and a reason.
    Command(CommandError),
    /// Whoever read the output has had enough (`belfry inbox | head -1`). Not an error.
    OutputClosed,
}

impl Failure {
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Command(CommandError::new(ErrorCode::Internal, message))
    }
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        Self::Command(CommandError::new(ErrorCode::Offline, error.to_string()))
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

/// The closed set of error codes, as `belfry help` lists them.
pub(crate) const CODES: [(ErrorCode, &str); 13] = [
    (ErrorCode::Invalid, "a value breaks a rule"),
    (ErrorCode::NotFound, "no such site or entry"),
    (ErrorCode::Exists, "the name is taken"),
    (ErrorCode::Offline, "a push service could not be reached in time"),
    (ErrorCode::Rejected, "a push service or an endpoint answered no"),
    (ErrorCode::Unconfirmed, "a person has to confirm it first"),
    (ErrorCode::Keyring, "the keyring is missing, locked or does not answer"),
    (ErrorCode::Storage, "a file, the database or a socket cannot be read or written"),
    (ErrorCode::ProfileInUse, "another process owns the profile, and it is needed or does not answer"),
    (ErrorCode::Notifications, "the notification server is missing or answered with an error"),
    (ErrorCode::Unsupported, "not in this version"),
    (ErrorCode::Timeout, "time ran out"),
    (ErrorCode::Internal, "anything else"),
];

/// What `belfry help` ends with.
pub(crate) fn help() -> String {
    let mut help = String::from(
        "Exit status: 0 done; 1 failed, with a one-line reason on stderr; 2 wrong usage.\n\
         With --json, a failed command also prints {\"error\":{\"code\",\"message\"}}; its codes:\n",
    );
    for (code, meaning) in CODES {
        // Writing to a String cannot fail.
        let _ = writeln!(help, "  {:<15} {meaning}", name(code));
    }
    help
}

/// The code as `--json` prints it.
fn name(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(serde_json::Value::String(name)) => name,
        _ => "internal".to_owned(),
    }
}

/// Says what went wrong, if anything did.
pub(crate) fn status(result: Result<(), Failure>, output: Output) -> ExitCode {
    match result {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::Command(error)) => {
            let message = plain(&error.message);
            // Nothing is left to be done when these cannot be written.
            let _ = writeln!(io::stderr(), "belfry: {message}");
            if output.is_json() {
                let _ = output.value(&json!({ "error": { "code": error.code, "message": message } }));
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_is_documented_once() {
        // A new code does not compile until it is listed here, and then in the table.
        let place = |code| match code {
            ErrorCode::Invalid => 0,
            ErrorCode::NotFound => 1,
            ErrorCode::Exists => 2,
            ErrorCode::Offline => 3,
            ErrorCode::Rejected => 4,
            ErrorCode::Unconfirmed => 5,
            ErrorCode::Keyring => 6,
            ErrorCode::Storage => 7,
            ErrorCode::ProfileInUse => 8,
            ErrorCode::Notifications => 9,
            ErrorCode::Unsupported => 10,
            ErrorCode::Timeout => 11,
            ErrorCode::Internal => 12,
        };
        let places: Vec<_> = CODES.iter().map(|(code, _)| place(*code)).collect();
        assert_eq!(places, (0..13).collect::<Vec<_>>());
        assert!(help().contains("  profile-in-use  another process"), "{}", help());
    }
}
