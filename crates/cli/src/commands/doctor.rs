//! `belfry doctor`: what works and what does not.

use user_agent::api::{Check, CommandError, ErrorCode, Request, Response, Severity, Trouble};
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
            // The profile did not open: that is what is wrong.
            let check = error.check();
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
    let code = first.code.map_or(ErrorCode::Internal, Trouble::error_code);
    let more = match errors.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Err(CommandError::new(code, format!("{}: {}{more}", first.check, first.message)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_fail_and_warnings_do_not() {
        assert!(
            verdict(&[Trouble::NotificationsLimited.check("m"), Trouble::PairingNeeded.check("m")]).is_ok()
        );
        let errors = [Trouble::PushServiceUnreachable.check("m"), Trouble::KeyringLocked.check("m")];
        let Err(Failure::Command(error)) = verdict(&errors) else { panic!() };
        assert_eq!(error.code, ErrorCode::Offline);
        assert_eq!(error.message, "push-service: m (and 1 more)");
    }

    #[test]
    fn a_profile_that_does_not_open_is_a_row_with_a_remedy() {
        let row = CommandError::from_trouble(Trouble::KeyringLocked, "locked").check();
        assert_eq!(row.code, Some(Trouble::KeyringLocked));
        let remedy = Trouble::KeyringLocked.remedy();
        assert_eq!(line(&row), format!("ERROR    keyring        locked\n{:24}{remedy}", ""));
        assert_eq!(CommandError::invalid("m").check().code, Some(Trouble::ProfileUnusable));
    }
}
