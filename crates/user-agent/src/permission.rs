//! What becomes of a push: a pure decision from the user's settings.

use crate::api::SiteState;

/// What the user has set, for this site and for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The site's permission.
    pub(crate) state: SiteState,
    /// Whether this process shows notifications at all (`run --notify none` does not).
    pub(crate) notifications: bool,
    /// Whether do-not-disturb is in force.
    pub(crate) do_not_disturb: bool,
}

/// What to do with a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Into the history and onto the screen.
    Show {
        /// Whether it may be heard.
        sound: bool,
    },
    /// Into the history only.
    Record,
    /// Nowhere, unread.
    Discard,
}

/// Decides. Destructured without `..`, so that a new setting does not compile until it is decided here.
pub(crate) fn decide(settings: &Settings) -> Decision {
    let Settings { state, notifications, do_not_disturb } = *settings;
    match state {
        SiteState::Blocked => Decision::Discard,
        SiteState::History => Decision::Record,
        SiteState::Alert | SiteState::Quiet if !notifications || do_not_disturb => Decision::Record,
        SiteState::Alert => Decision::Show { sound: true },
        SiteState::Quiet => Decision::Show { sound: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [SiteState; 4] =
        [SiteState::Alert, SiteState::Quiet, SiteState::History, SiteState::Blocked];

    #[test]
    fn each_state_means_what_its_name_says() {
        let decide = |state| decide(&Settings { state, notifications: true, do_not_disturb: false });
        let expected = [
            Decision::Show { sound: true },
            Decision::Show { sound: false },
            Decision::Record,
            Decision::Discard,
        ];
        assert_eq!(STATES.map(decide), expected);
    }

    #[test]
    fn silence_records_everything_but_what_is_blocked() {
        for (notifications, do_not_disturb) in [(false, false), (true, true), (false, true)] {
            let decide = |state| decide(&Settings { state, notifications, do_not_disturb });
            let expected = [Decision::Record, Decision::Record, Decision::Record, Decision::Discard];
            assert_eq!(STATES.map(decide), expected);
        }
    }
}
