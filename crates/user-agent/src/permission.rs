//! What becomes of a push: a pure decision from the user's settings.

use crate::api::SiteState;

/// What the user has set for a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SiteSettings {
    pub(crate) state: SiteState,
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
pub(crate) fn decide(settings: &SiteSettings) -> Decision {
    let SiteSettings { state } = settings;
    match state {
        SiteState::Alert => Decision::Show { sound: true },
        SiteState::Quiet => Decision::Show { sound: false },
        SiteState::History => Decision::Record,
        SiteState::Blocked => Decision::Discard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_means_what_its_name_says() {
        let decide = |state| decide(&SiteSettings { state });
        assert_eq!(decide(SiteState::Alert), Decision::Show { sound: true });
        assert_eq!(decide(SiteState::Quiet), Decision::Show { sound: false });
        assert_eq!(decide(SiteState::History), Decision::Record);
        assert_eq!(decide(SiteState::Blocked), Decision::Discard);
    }
}
