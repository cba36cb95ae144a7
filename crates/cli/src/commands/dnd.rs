//! `belfry dnd`: silence for every site.

use jiff::civil::time;
use jiff::{SignedDuration, ToSpan as _, ZonedDateTime};
use user_agent::api::{CommandError, DoNotDisturb, Request, Response, rfc3339};
use user_agent::config::Mode;

use super::{ask, mixed_up};
use crate::args::Global;
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn run(global: &Global, state: &str, output: Output) -> Result<(), Failure> {
    let value = silence(state, &ZonedDateTime::now())?;
    let Response::Status(status) = ask(global, Mode::Offline, Request::SetDoNotDisturb { value }).await?
    else {
        return Err(mixed_up());
    };
    output.print(&status.do_not_disturb, || match status.do_not_disturb {
        DoNotDisturb::Off => "Notifications are shown.".into(),
        DoNotDisturb::On => "Do not disturb, until `belfry dnd off`.".into(),
        DoNotDisturb::Until(end) => format!("Do not disturb until {}.", rfc3339::format(end)),
    })
}

/// `on`, `off`, `until-tomorrow` (eight in the morning, local time) or a duration such as `90m` or `1h 30m`.
fn silence(state: &str, now: &ZonedDateTime) -> Result<DoNotDisturb, CommandError> {
    let invalid = || CommandError::invalid("give on, off, until-tomorrow, or a duration such as 45m or 2h");
    match state {
        "on" => Ok(DoNotDisturb::On),
        "off" => Ok(DoNotDisturb::Off),
        "until-tomorrow" => {
            let tomorrow = now.checked_add(1.day()).map_err(|_| invalid())?;
            let morning = tomorrow.with().time(time(8, 0, 0, 0)).build().map_err(|_| invalid())?;
            Ok(DoNotDisturb::Until(morning.timestamp()))
        }
        duration => {
            let span: SignedDuration = duration.parse().map_err(|_| invalid())?;
            let end = now.timestamp().checked_add(span).map_err(|_| invalid())?;
            if span <= SignedDuration::ZERO { Err(invalid()) } else { Ok(DoNotDisturb::Until(end)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> ZonedDateTime {
        "2026-11-23T22:15:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    #[test]
    fn a_duration_counts_from_now() {
        let end = "2026-11-23T21:15:00Z".parse::<jiff::Timestamp>().unwrap() + SignedDuration::from_mins(90);
        for text in ["90m", "1h 30m", "PT1H30M"] {
            assert_eq!(silence(text, &now()).unwrap(), DoNotDisturb::Until(end), "{text}");
        }
    }

    #[test]
    fn tomorrow_begins_at_eight_local_time() {
        let morning = "2026-11-24T07:00:00Z".parse().unwrap();
        assert_eq!(silence("until-tomorrow", &now()).unwrap(), DoNotDisturb::Until(morning));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "soon", "-5m", "0s", "5"] {
            assert!(silence(text, &now()).is_err(), "{text}");
        }
    }
}
