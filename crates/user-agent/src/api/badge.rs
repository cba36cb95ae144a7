//! What a site asks to be shown beside its name.

use serde::{Deserialize, Serialize};
use webpush::payload::AppBadge;

/// W3C's badge of an application: how much is new, as the site itself counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    /// Something is.
    Flag,
    /// So much is; never 0.
    Count(u32),
}

impl Badge {
    /// `None`: nothing is new. More than anybody counts is as much as fits.
    pub(crate) fn of(asked: AppBadge) -> Option<Self> {
        match asked {
            AppBadge::Clear | AppBadge::Count(0) => None,
            AppBadge::Unspecified => Some(Self::Flag),
            AppBadge::Count(count) => Some(Self::Count(u32::try_from(count).unwrap_or(u32::MAX))),
        }
    }

    /// As a number in the database.
    pub(crate) fn stored(badge: Option<Self>) -> i64 {
        match badge {
            None => 0,
            Some(Self::Flag) => -1,
            Some(Self::Count(count)) => count.into(),
        }
    }

    /// What was stored.
    pub(crate) fn read(stored: i64) -> Option<Self> {
        match stored {
            0 => None,
            ..0 => Some(Self::Flag),
            count => Some(Self::Count(u32::try_from(count).unwrap_or(u32::MAX))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_is_stored_as_it_was_asked_for() {
        let asked = [AppBadge::Clear, AppBadge::Count(0), AppBadge::Unspecified, AppBadge::Count(7)];
        let badges = [None, None, Some(Badge::Flag), Some(Badge::Count(7))];
        assert_eq!(asked.map(Badge::of), badges);
        assert_eq!(badges.map(|badge| Badge::read(Badge::stored(badge))), badges);
        assert_eq!(Badge::of(AppBadge::Count(u64::MAX)), Some(Badge::Count(u32::MAX)));
    }
}
