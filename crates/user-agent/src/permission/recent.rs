//! What was shown of each site lately, for its burst limit.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::api::Burst;

/// When each notification of the last moments was shown by itself, by site, oldest first. No longer than the largest limit.
#[derive(Debug, Default)]
pub(crate) struct Recent(HashMap<String, VecDeque<Timestamp>>);

impl Recent {
    /// How many of a site's notifications were shown one by one within its limit's span of time.
    pub(crate) fn shown(&mut self, site_id: &str, burst: Burst, now: Timestamp) -> usize {
        let (Burst::Limit { seconds, .. }, Some(shown)) = (burst, self.0.get_mut(site_id)) else { return 0 };
        let span = SignedDuration::from_secs(i64::from(seconds));
        // What lies in the future is from before the clock was set back.
        shown.retain(|at| *at <= now && at.duration_until(now) < span);
        shown.len()
    }

    /// One was shown by itself.
    pub(crate) fn add(&mut self, site_id: &str, burst: Burst, now: Timestamp) {
        let Burst::Limit { count, .. } = burst else {
            self.0.remove(site_id);
            return;
        };
        let shown = self.0.entry(site_id.to_owned()).or_default();
        shown.push_back(now);
        while shown.len() > usize::from(count) {
            shown.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::api::SiteState;
    use crate::permission::tests::site;
    use crate::permission::{Decision, DeviceSettings, Load, Silence, SiteSettings, decide};

    const LIMIT: Burst = Burst::Limit { count: 3, seconds: 10 };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn only_the_last_moments_count_and_sites_by_themselves() {
        let mut recent = Recent::default();
        for time in [0, 1_000, 2_000] {
            recent.add("a", LIMIT, at(time));
        }
        assert_eq!(recent.shown("a", LIMIT, at(9_999)), 3);
        assert_eq!(recent.shown("b", LIMIT, at(9_999)), 0);
        assert_eq!(recent.shown("a", LIMIT, at(10_000)), 2);
        assert_eq!(recent.shown("a", LIMIT, at(12_000)), 0);
    }

    #[test]
    fn a_clock_set_back_does_not_silence_anything() {
        let mut recent = Recent::default();
        recent.add("a", LIMIT, at(60_000));
        assert_eq!(recent.shown("a", LIMIT, at(0)), 0);
    }

    proptest! {
        /// Whatever arrives when: never more than the limit one by one in any span of its length, and
        /// nothing held back while there is room.
        #[test]
        fn the_limit_holds_in_every_span(
            count in 1_u16..6,
            seconds in 1_u32..20,
            gaps in proptest::collection::vec(0_i64..4_000, 1..80),
            late in any::<bool>(),
        ) {
            let burst = Burst::Limit { count, seconds };
            let loud = SiteSettings { burst, ..site(SiteState::Alert) };
            let device = DeviceSettings { notifications: true, silence: Silence::default() };
            let limit = usize::from(if late { count.min(3) } else { count });
            let span = SignedDuration::from_secs(seconds.into());
            let (mut recent, mut shown, mut now) = (Recent::default(), Vec::new(), at(0));
            for gap in gaps {
                now += SignedDuration::from_millis(gap);
                let load = Load { shown: recent.shown("s", burst, now), late };
                let lately = shown.iter().filter(|time: &&Timestamp| time.duration_until(now) < span).count();
                match decide(&loud, &device, load, &now.to_zoned_datetime(TimeZone::UTC)) {
                    Decision::Show { sound } => {
                        prop_assert!(sound && lately < limit);
                        shown.push(now);
                        recent.add("s", burst, now);
                    }
                    Decision::Summarize => {
                        prop_assert!(lately >= limit);
                    }
                    other @ (Decision::Record | Decision::Discard) => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }

    #[test]
    fn memory_is_bounded_by_the_limit() {
        let mut recent = Recent::default();
        for time in 0..1_000 {
            recent.add("a", LIMIT, at(time));
        }
        assert_eq!(recent.0["a"].len(), 3);
        recent.add("a", Burst::Off, at(1_000));
        assert!(recent.0.is_empty());
    }
}
