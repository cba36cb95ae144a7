//! What becomes of a push: a pure decision from the user's settings.

mod recent;
mod schedule;

use jiff::{Timestamp, ZonedDateTime};

pub(crate) use recent::Recent;
pub(crate) use schedule::Schedule;

use crate::api::{Burst, DoNotDisturb, Images, Links, SiteState};

/// Notifications of a site that are shown one by one of what arrived while the computer was away.
const CATCH_UP: u16 = 3;

/// What the user has set for a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SiteSettings {
    pub(crate) state: SiteState,
    /// No notifications before then.
    pub(crate) snoozed_until: Option<Timestamp>,
    /// Whether its notifications may be heard.
    pub(crate) sound: bool,
    pub(crate) links: Links,
    pub(crate) images: Images,
    pub(crate) burst: Burst,
    /// Whether it is shown during Do Not Disturb.
    pub(crate) dnd_bypass: bool,
}

/// What the user has set for all sites, and how this process was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceSettings {
    /// Whether this process shows notifications at all (`run --notify none` does not).
    pub(crate) notifications: bool,
    pub(crate) silence: Silence,
}

/// Do Not Disturb, by hand and by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Silence {
    pub(crate) by_hand: DoNotDisturb,
    pub(crate) schedule: Option<Schedule>,
    /// Until then the schedule does not count: somebody has ended its silence by hand.
    pub(crate) lifted_until: Option<Timestamp>,
}

/// What else has just been shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Load {
    /// Of the site, one by one, within its burst limit's span of time.
    pub(crate) shown: usize,
    /// Whether the push waited at the push service, or in the history, for longer than a moment.
    pub(crate) late: bool,
}

/// What to do with a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Into the history and onto the screen.
    Show {
        /// Whether it may be heard.
        sound: bool,
    },
    /// Into the history, and counted in one notification with others of the site.
    Summarize,
    /// Into the history only.
    Record,
    /// Nowhere, unread.
    Discard,
}

/// Decides. Destructured without `..`, so that a new setting does not compile until it is decided here.
pub(crate) fn decide(
    site: &SiteSettings,
    device: &DeviceSettings,
    load: Load,
    now: &ZonedDateTime,
) -> Decision {
    // Links and pictures are decided on when they are opened and loaded.
    let SiteSettings { state, snoozed_until, sound, links: _, images: _, burst, dnd_bypass } = *site;
    let DeviceSettings { notifications, silence } = device;
    let snoozed = snoozed_until.is_some_and(|end| now.timestamp() < end);
    let silenced = silence.is_active(now) && !dnd_bypass;
    match state {
        SiteState::Blocked => Decision::Discard,
        SiteState::History => Decision::Record,
        SiteState::Alert | SiteState::Quiet if !notifications || snoozed || silenced => Decision::Record,
        SiteState::Alert | SiteState::Quiet if is_too_much(burst, load) => Decision::Summarize,
        SiteState::Alert => Decision::Show { sound },
        SiteState::Quiet => Decision::Show { sound: false },
    }
}

fn is_too_much(burst: Burst, load: Load) -> bool {
    let Load { shown, late } = load;
    match burst {
        Burst::Off => false,
        Burst::Limit { count, seconds: _ } => {
            shown >= usize::from(if late { count.min(CATCH_UP) } else { count })
        }
    }
}

impl Silence {
    /// Whether it is quiet at this time.
    pub(crate) fn is_active(&self, now: &ZonedDateTime) -> bool {
        self.by_hand.is_active(now.timestamp()) || self.scheduled(now).is_some()
    }

    /// When it ends by itself, if it is quiet at this time and does.
    pub(crate) fn end(&self, now: &ZonedDateTime) -> Option<Timestamp> {
        let by_hand = match self.by_hand {
            DoNotDisturb::On => return None,
            DoNotDisturb::Until(end) => Some(end).filter(|end| now.timestamp() < *end),
            DoNotDisturb::Off => None,
        };
        by_hand.max(self.scheduled(now))
    }

    /// When that may next be different, without anybody doing anything.
    pub(crate) fn next_change(&self, now: &ZonedDateTime) -> Option<Timestamp> {
        let Self { by_hand, schedule, lifted_until } = *self;
        let by_hand = match by_hand {
            DoNotDisturb::Until(end) => Some(end),
            DoNotDisturb::On | DoNotDisturb::Off => None,
        };
        let schedule = schedule.and_then(|schedule| schedule.next_change(now));
        [by_hand, schedule, lifted_until].into_iter().flatten().filter(|end| *end > now.timestamp()).min()
    }

    /// Switched by hand, now. Switching it off also ends the schedule's silence that is in force.
    pub(crate) fn switched(self, by_hand: DoNotDisturb, now: &ZonedDateTime) -> Self {
        let lifted_until = match by_hand.is_active(now.timestamp()) {
            true => None,
            false => self.scheduled(now).or(self.lifted_until),
        };
        Self { by_hand, lifted_until, ..self }
    }

    /// The end of the schedule's silence, if it is in force.
    fn scheduled(&self, now: &ZonedDateTime) -> Option<Timestamp> {
        if self.lifted_until.is_some_and(|end| now.timestamp() < end) {
            return None;
        }
        self.schedule.and_then(|schedule| schedule.end_of_silence(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [SiteState; 4] =
        [SiteState::Alert, SiteState::Quiet, SiteState::History, SiteState::Blocked];
    const NOWHERE_BUT_HISTORY: [Decision; 4] =
        [Decision::Record, Decision::Record, Decision::Record, Decision::Discard];

    fn now() -> ZonedDateTime {
        "2026-11-23T23:00:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn later(seconds: i64) -> Timestamp {
        now().timestamp() + jiff::SignedDuration::from_secs(seconds)
    }

    pub(super) fn site(state: SiteState) -> SiteSettings {
        SiteSettings {
            state,
            snoozed_until: None,
            sound: true,
            links: Links::Any,
            images: Images::Own,
            burst: Burst::Limit { count: 5, seconds: 10 },
            dnd_bypass: false,
        }
    }

    fn device(silence: Silence) -> DeviceSettings {
        DeviceSettings { notifications: true, silence }
    }

    fn night() -> Silence {
        Silence { schedule: Some("22:00-07:00".parse().unwrap()), ..Silence::default() }
    }

    fn each(
        change: impl Fn(SiteSettings) -> SiteSettings,
        device: &DeviceSettings,
        load: Load,
    ) -> [Decision; 4] {
        STATES.map(|state| decide(&change(site(state)), device, load, &now()))
    }

    #[test]
    fn each_state_means_what_its_name_says() {
        let expected = [
            Decision::Show { sound: true },
            Decision::Show { sound: false },
            Decision::Record,
            Decision::Discard,
        ];
        assert_eq!(each(|site| site, &device(Silence::default()), Load::default()), expected);
    }

    #[test]
    fn sound_is_only_ever_taken_away() {
        let expected = [
            Decision::Show { sound: false },
            Decision::Show { sound: false },
            Decision::Record,
            Decision::Discard,
        ];
        let mute = |site| SiteSettings { sound: false, ..site };
        assert_eq!(each(mute, &device(Silence::default()), Load::default()), expected);
    }

    #[test]
    fn silence_records_everything_but_what_is_blocked() {
        let by_hand = |by_hand| device(Silence { by_hand, ..Silence::default() });
        let unshown = DeviceSettings { notifications: false, silence: Silence::default() };
        for device in
            [unshown, by_hand(DoNotDisturb::On), by_hand(DoNotDisturb::Until(later(1))), device(night())]
        {
            assert_eq!(each(|site| site, &device, Load::default()), NOWHERE_BUT_HISTORY, "{device:?}");
        }
        let over = by_hand(DoNotDisturb::Until(later(0)));
        assert_eq!(each(|site| site, &over, Load::default())[0], Decision::Show { sound: true });
    }

    #[test]
    fn a_site_may_pass_do_not_disturb_and_nothing_else() {
        let bypass = |site| SiteSettings { dnd_bypass: true, ..site };
        for silence in [night(), Silence { by_hand: DoNotDisturb::On, ..Silence::default() }] {
            let decisions = each(bypass, &device(silence), Load::default());
            assert_eq!(decisions[..2], [Decision::Show { sound: true }, Decision::Show { sound: false }]);
        }
        let unshown = DeviceSettings { notifications: false, silence: night() };
        assert_eq!(each(bypass, &unshown, Load::default()), NOWHERE_BUT_HISTORY);
        let snoozed = |site| SiteSettings { snoozed_until: Some(later(1)), ..bypass(site) };
        assert_eq!(each(snoozed, &device(night()), Load::default()), NOWHERE_BUT_HISTORY);
    }

    #[test]
    fn a_snooze_records_until_it_ends() {
        let until = |seconds| move |site| SiteSettings { snoozed_until: Some(later(seconds)), ..site };
        let awake = device(Silence::default());
        assert_eq!(each(until(1), &awake, Load::default()), NOWHERE_BUT_HISTORY);
        assert_eq!(each(until(0), &awake, Load::default())[0], Decision::Show { sound: true });
    }

    #[test]
    fn beyond_the_burst_limit_it_is_a_summary() {
        let awake = device(Silence::default());
        for (shown, late, summary) in
            [(4, false, false), (5, false, true), (2, true, false), (3, true, true), (3, false, false)]
        {
            let decisions = each(|site| site, &awake, Load { shown, late });
            let is_summary = |decision: &Decision| *decision == Decision::Summarize;
            assert!(decisions[..2].iter().all(|decision| is_summary(decision) == summary), "{shown} {late}");
            assert_eq!(decisions[2..], [Decision::Record, Decision::Discard]);
        }
        let off = |site| SiteSettings { burst: Burst::Off, ..site };
        let much = Load { shown: 10_000, late: true };
        assert_eq!(each(off, &awake, much)[0], Decision::Show { sound: true });
        let one = |site| SiteSettings { burst: Burst::Limit { count: 1, seconds: 1 }, ..site };
        assert_eq!(each(one, &awake, Load { shown: 1, late: true })[0], Decision::Summarize);
    }

    #[test]
    fn ending_the_silence_by_hand_lasts_until_the_schedule_is_over() {
        let lifted = night().switched(DoNotDisturb::Off, &now());
        assert!(!lifted.is_active(&now()));
        let tomorrow: ZonedDateTime = "2026-11-24T23:00:00+01:00[Europe/Berlin]".parse().unwrap();
        assert!(lifted.is_active(&tomorrow));
        assert!(lifted.switched(DoNotDisturb::On, &now()).is_active(&now()));
        let again = lifted.switched(DoNotDisturb::Off, &now());
        assert!(!again.is_active(&now()), "switching it off twice is no different");
        let noon: ZonedDateTime = "2026-11-23T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        assert!(night().switched(DoNotDisturb::Off, &noon).is_active(&now()), "there was nothing to end");
    }

    #[test]
    fn it_ends_when_nothing_wants_it_any_more() {
        let morning: Timestamp = "2026-11-24T06:00:00Z".parse().unwrap();
        let with = |by_hand| Silence { by_hand, ..night() }.end(&now());
        assert_eq!(with(DoNotDisturb::Off), Some(morning));
        assert_eq!(with(DoNotDisturb::Until(later(60))), Some(morning));
        let longer = morning + jiff::SignedDuration::from_secs(1);
        assert_eq!(with(DoNotDisturb::Until(longer)), Some(longer));
        assert_eq!(with(DoNotDisturb::On), None);
        let over = Silence { by_hand: DoNotDisturb::Until(later(0)), ..Silence::default() };
        assert_eq!(over.end(&now()), None);
    }

    #[test]
    fn the_next_change_is_the_first_of_all() {
        let silence = Silence { by_hand: DoNotDisturb::Until(later(60)), ..night() };
        assert_eq!(silence.next_change(&now()), Some(later(60)));
        assert_eq!(night().next_change(&now()), Some("2026-11-24T06:00:00Z".parse().unwrap()));
        assert_eq!(Silence::default().next_change(&now()), None);
    }
}
