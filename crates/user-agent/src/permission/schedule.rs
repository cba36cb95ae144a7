//! The hours in which Do Not Disturb is in force by itself.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan as _, ZonedDateTime};

use crate::api::CommandError;

/// From one time of the day to another, on the days it begins on; local time. Written `22:00-07:00` or, with days,
/// `22:00-07:00,mon-fri`. An end that is not after the beginning is on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    start: Time,
    end: Time,
    /// From Monday on.
    days: [bool; 7],
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Schedule {
    /// The end of the hours of silence that this time is in; `None`: it is in none.
    pub(crate) fn end_of_silence(&self, now: &ZonedDateTime) -> Option<Timestamp> {
        let at = now.timestamp();
        let here = self.windows(now).filter(|(start, end)| *start <= at && at < *end);
        here.map(|(_, end)| end).max()
    }

    /// When silence next begins or ends.
    pub(crate) fn next_change(&self, now: &ZonedDateTime) -> Option<Timestamp> {
        let edges = self.windows(now).flat_map(|(start, end)| [start, end]);
        edges.filter(|edge| *edge > now.timestamp()).min()
    }

    /// The windows that begin from yesterday to a week from now.
    fn windows(&self, now: &ZonedDateTime) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let (today, zone) = (now.date(), now.time_zone().clone());
        (-1..=8).filter_map(move |offset| {
            let date = today.checked_add(offset.days()).ok()?;
            let day = usize::try_from(date.weekday().to_monday_zero_offset()).ok()?;
            if !*self.days.get(day)? {
                return None;
            }
            let next: Date = if self.end > self.start { date } else { date.tomorrow().ok()? };
            // A time that the clocks skip is as much later.
            let start = date.to_datetime(self.start).to_zoned_datetime(zone.clone()).ok()?.timestamp();
            let end = next.to_datetime(self.end).to_zoned_datetime(zone.clone()).ok()?.timestamp();
            Some((start, end))
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.strftime("%H:%M"), self.end.strftime("%H:%M"))?;
        if self.days != [true; 7] {
            for (name, _) in DAYS.iter().zip(self.days).filter(|(_, on)| *on) {
                write!(f, ",{name}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let invalid = || {
            CommandError::invalid(
                "dnd-schedule is from one time to another, such as 22:00-07:00 or 22:00-07:00,mon-fri, or off",
            )
        };
        let mut parts = text.split(',').map(str::trim);
        let (start, end) = parts.next().and_then(|hours| hours.split_once('-')).ok_or_else(invalid)?;
        let (start, end) = (time(start).ok_or_else(invalid)?, time(end).ok_or_else(invalid)?);
        let mut days = [false; 7];
        for part in parts {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (day(first).ok_or_else(invalid)?, day(last).ok_or_else(invalid)?);
            // `fri-mon` goes over the weekend.
            let mut on = first;
            loop {
                if let Some(on) = days.get_mut(on) {
                    *on = true;
                }
                if on == last {
                    break;
                }
                on = (on + 1) % DAYS.len();
            }
        }
        if days == [false; 7] {
            days = [true; 7];
        }
        Ok(Self { start, end, days })
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn day(text: &str) -> Option<usize> {
    let text = text.trim().to_ascii_lowercase();
    DAYS.iter().position(|name| *name == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> ZonedDateTime {
        format!("{text}[Europe/Berlin]").parse().unwrap()
    }

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_goes_over_midnight_and_its_end_is_not_part_of_it() {
        let night = schedule("22:00-07:00");
        for (time, quiet) in [
            ("2026-11-23T21:59:59+01:00", false),
            ("2026-11-23T22:00:00+01:00", true),
            ("2026-11-24T00:00:00+01:00", true),
            ("2026-11-24T06:59:59+01:00", true),
            ("2026-11-24T07:00:00+01:00", false),
            ("2026-11-24T12:00:00+01:00", false),
        ] {
            assert_eq!(night.end_of_silence(&at(time)).is_some(), quiet, "{time}");
        }
        let end = night.end_of_silence(&at("2026-11-23T23:00:00+01:00")).unwrap();
        assert_eq!(end, "2026-11-24T06:00:00Z".parse().unwrap());
    }

    #[test]
    fn days_are_those_it_begins_on() {
        let weekend = schedule("22:00-07:00,fri,sat");
        // 2026-11-27 is a Friday.
        assert!(weekend.end_of_silence(&at("2026-11-27T23:00:00+01:00")).is_some());
        assert!(weekend.end_of_silence(&at("2026-11-28T03:00:00+01:00")).is_some());
        assert!(weekend.end_of_silence(&at("2026-11-29T03:00:00+01:00")).is_some());
        assert!(weekend.end_of_silence(&at("2026-11-29T23:00:00+01:00")).is_none());
        assert!(weekend.end_of_silence(&at("2026-11-27T03:00:00+01:00")).is_none());
    }

    #[test]
    fn the_next_change_may_be_days_away() {
        let weekend = schedule("09:00-10:00,sat");
        let monday = at("2026-11-23T12:00:00+01:00");
        assert_eq!(weekend.next_change(&monday), Some("2026-11-28T08:00:00Z".parse().unwrap()));
        let saturday = at("2026-11-28T10:00:00+01:00");
        assert_eq!(weekend.next_change(&saturday), Some("2026-12-05T08:00:00Z".parse().unwrap()));
    }

    #[test]
    fn it_keeps_local_time_when_the_clocks_change() {
        // On 2026-03-29 the clocks skip 02:00 to 03:00, on 2026-10-25 they repeat it.
        let night = schedule("22:00-07:00");
        assert_eq!(
            night.end_of_silence(&at("2026-03-28T23:00:00+01:00")),
            Some("2026-03-29T05:00:00Z".parse().unwrap())
        );
        assert_eq!(
            night.end_of_silence(&at("2026-10-24T23:00:00+02:00")),
            Some("2026-10-25T06:00:00Z".parse().unwrap())
        );
        let skipped = schedule("02:30-04:00");
        assert_eq!(
            skipped.next_change(&at("2026-03-29T01:00:00+01:00")),
            Some("2026-03-29T01:30:00Z".parse().unwrap())
        );
    }

    #[test]
    fn equal_times_are_a_whole_day() {
        let always = schedule("00:00-00:00");
        for time in ["2026-11-23T00:00:00+01:00", "2026-11-23T23:59:59+01:00"] {
            assert!(always.end_of_silence(&at(time)).is_some(), "{time}");
        }
    }

    #[test]
    fn it_is_written_in_one_form() {
        for (text, written) in [
            ("22:00-07:00", "22:00-07:00"),
            (" 22:00 - 7:00 , Mon-Wed ", "22:00-07:00,mon,tue,wed"),
            ("09:30-10:00,sat-mon", "09:30-10:00,mon,sat,sun"),
            ("09:30-10:00,mon-sun", "09:30-10:00"),
        ] {
            assert_eq!(schedule(text).to_string(), written);
            assert_eq!(schedule(written), schedule(text));
        }
        for bad in ["", "22:00", "22:00-24:00", "22-7", "22:00-07:00,", "22:00-07:00,monday", "22:60-07:00"] {
            assert!(bad.parse::<Schedule>().is_err(), "{bad:?}");
        }
    }
}
