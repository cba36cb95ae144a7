//! `belfry doctor`: what works and what does not.

use user_agent::api::{Check, CommandError, ErrorCode, Request, Response, Severity};
use user_agent::config::Mode;

use super::{ask, mixed_up};
use crate::args::Global;
use crate::exit::Failure;
use crate::output::{Output, plain};

pub(crate) async fn run(global: &Global, output: Output) -> Result<(), Failure> {
    let checks = match ask(global, Mode::Online, Request::Diagnose).await {
        Ok(Response::Checks(checks)) => checks,
        Ok(_) => return Err(mixed_up()),
        Err(Failure::Command(error)) => {
            let check = unopened(&error);
            output.print(&check, || line(&check))?;
            return Err(error.into());
        }
        Err(Failure::OutputClosed) => return Err(Failure::OutputClosed),
    };
    for check in &checks {
        output.print(check, || line(check))?;
    }
    verdict(&checks)
}

/// The profile did not open: that is what is wrong.
fn unopened(error: &CommandError) -> Check {
    let (check, remedy) = match error.code {
        ErrorCode::Keyring => ("keyring", "unlock the keyring, or start one, and run this again"),
        ErrorCode::Storage => {
            ("database", "check the profile's folder: its owner, its mode, the space on the disk")
        }
        ErrorCode::ProfileInUse => ("profile", "stop the process that owns the profile, and run this again"),
        ErrorCode::Invalid
        | ErrorCode::NotFound
        | ErrorCode::Exists
        | ErrorCode::Offline
        | ErrorCode::Rejected
        | ErrorCode::Unconfirmed
        | ErrorCode::Notifications
        | ErrorCode::Unsupported
        | ErrorCode::Timeout
        | ErrorCode::Internal => ("profile", "name another folder with --profile, or mend this one"),
    };
    Check {
        check: check.to_owned(),
        severity: Severity::Error,
        message: error.message.clone(),
        remedy: Some(remedy.to_owned()),
    }
}

fn line(check: &Check) -> String {
    let severity = match check.severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Error => "ERROR",
    };
    let row = plain(&format!("{severity:<8} {:<14} {}", check.check, check.message));
    match &check.remedy {
        Some(remedy) => format!("{row}\n{:24}{}", "", plain(remedy)),
        None => row,
    }
}

/// The first error, named by its own code.
fn verdict(checks: &[Check]) -> Result<(), Failure> {
    let mut errors = checks.iter().filter(|check| check.severity == Severity::Error);
    let Some(first) = errors.next() else { return Ok(()) };
    let code = match first.check.as_str() {
        "keyring" => ErrorCode::Keyring,
        "database" => ErrorCode::Storage,
        "notifications" => ErrorCode::Notifications,
        "push-service" => ErrorCode::Offline,
        _ => ErrorCode::Internal,
    };
    let more = match errors.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Err(CommandError::new(code, format!("{}: {}{more}", first.check, first.message)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, severity: Severity) -> Check {
        Check { check: name.into(), severity, message: "m".into(), remedy: Some("r".into()) }
    }

    #[test]
    fn errors_fail_and_warnings_do_not() {
        assert!(
            verdict(&[check("keyring", Severity::Ok), check("notifications", Severity::Warning)]).is_ok()
        );
        let errors = [check("push-service", Severity::Error), check("keyring", Severity::Error)];
        let Err(Failure::Command(error)) = verdict(&errors) else { panic!() };
        assert_eq!(error.code, ErrorCode::Offline);
        assert_eq!(error.message, "push-service: m (and 1 more)");
    }

    #[test]
    fn a_profile_that_does_not_open_is_a_row_with_a_remedy() {
        let row = unopened(&CommandError::new(ErrorCode::Keyring, "locked"));
        assert_eq!(line(&row), format!("ERROR    keyring        locked\n{:24}{}", "", row.remedy.unwrap()));
    }
}
