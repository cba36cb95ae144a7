//! How long a silence lasts.

use jiff::civil::time;
use jiff::{SignedDuration, Timestamp, ToSpan as _, ZonedDateTime};
use user_agent::api::CommandError;

/// When it ends: `until-tomorrow` (eight in the morning, local time) or a duration such as `90m` or `1h 30m`.
pub(crate) fn until(text: &str, now: &ZonedDateTime) -> Result<Timestamp, CommandError> {
    let invalid = || CommandError::invalid("give off, until-tomorrow, or a duration such as 45m or 2h");
    if text == "until-tomorrow" {
        let tomorrow = now.checked_add(1.day()).map_err(|_| invalid())?;
        let morning = tomorrow.with().time(time(8, 0, 0, 0)).build().map_err(|_| invalid())?;
        return Ok(morning.timestamp());
    }
    let span: SignedDuration = text.parse().map_err(|_| invalid())?;
    if span <= SignedDuration::ZERO {
        return Err(invalid());
    }
    now.timestamp().checked_add(span).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> ZonedDateTime {
        "2026-11-23T22:15:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    #[test]
    fn a_duration_counts_from_now() {
        let end = "2026-11-23T21:15:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(90);
        for text in ["90m", "1h 30m", "PT1H30M"] {
            assert_eq!(until(text, &now()).unwrap(), end, "{text}");
        }
    }

    #[test]
    fn tomorrow_begins_at_eight_local_time() {
        let morning = "2026-11-24T07:00:00Z".parse().unwrap();
        assert_eq!(until("until-tomorrow", &now()).unwrap(), morning);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "soon", "on", "-5m", "0s", "5"] {
            assert!(until(text, &now()).is_err(), "{text}");
        }
    }
}
