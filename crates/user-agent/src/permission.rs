//! What becomes of a push: a pure decision from the user's settings.

use crate::api::SiteState;

/// What the user has set, for this site and for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The site's permission.
    pub(crate) state: SiteState,
    /// Whether this process shows notifications at all (`run --notify none` does not).
    pub(crate) notifications: bool,
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
    let Settings { state, notifications } = *settings;
    match state {
        SiteState::Blocked => Decision::Discard,
        SiteState::History => Decision::Record,
        SiteState::Alert | SiteState::Quiet if !notifications => Decision::Record,
        SiteState::Alert => Decision::Show { sound: true },
        SiteState::Quiet => Decision::Show { sound: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_means_what_its_name_says() {
        let decide = |state| decide(&Settings { state, notifications: true });
        assert_eq!(decide(SiteState::Alert), Decision::Show { sound: true });
        assert_eq!(decide(SiteState::Quiet), Decision::Show { sound: false });
        assert_eq!(decide(SiteState::History), Decision::Record);
        assert_eq!(decide(SiteState::Blocked), Decision::Discard);
    }

    #[test]
    fn without_notifications_everything_but_blocked_is_recorded() {
        let decide = |state| decide(&Settings { state, notifications: false });
        for state in [SiteState::Alert, SiteState::Quiet, SiteState::History] {
            assert_eq!(decide(state), Decision::Record);
        }
        assert_eq!(decide(SiteState::Blocked), Decision::Discard);
    }
}
