//! How far this computer's clock is from a push service's. Certificates, and the signatures of senders, depend on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::HeaderMap;
use http::header::DATE;
use jiff::{SignedDuration, Timestamp};

/// The latest comparison. Cheap to clone; all clones see the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Skew(Arc<Mutex<Option<SignedDuration>>>);

impl Skew {
    /// Compares with an answer's `Date`, if it has one. It tells whole seconds, and was written a moment ago.
    pub(super) fn note(&self, headers: &HeaderMap, now: Timestamp) {
        let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let Some(theirs) = date.and_then(|date: SystemTime| Timestamp::try_from(date).ok()) else { return };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now.duration_since(theirs));
    }

    /// How far this clock is ahead, or behind when negative; `None` when no service has told a time.
    pub(crate) fn get(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_where_an_answer_has_a_date() {
        let skew = Skew::default();
        let now = "1994-11-06T08:50:37Z".parse().unwrap();
        let note =
            |date: &str| skew.clone().note(&[(DATE, date.parse().unwrap())].into_iter().collect(), now);
        skew.note(&HeaderMap::new(), now);
        note("yesterday");
        assert_eq!(skew.get(), None);
        note("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(skew.get(), Some(SignedDuration::from_secs(60)));
        note("Sun, 06 Nov 1994 09:50:37 GMT");
        assert_eq!(skew.get(), Some(SignedDuration::from_hours(-1)));
    }
}
