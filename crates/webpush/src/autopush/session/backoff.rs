//! How long to wait before the next attempt: exponential with full jitter.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);
const SHORTEST: Duration = Duration::from_millis(100);

/// A service may ask for a longer wait, but cannot silence us for good.
const LONGEST_ASKED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The connection was a good one, or the network is a new one.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The delay after one more failure. `jitter` from 0 to 1; anything else counts as 1.
    pub(super) fn next(&mut self, jitter: f64, asked_for: Option<Duration>) -> Duration {
        let jitter = if (0.0..=1.0).contains(&jitter) { jitter } else { 1.0 };
        let doubled = 2_u32.checked_pow(self.failures).and_then(|factor| FIRST.checked_mul(factor));
        let ceiling = doubled.unwrap_or(LONGEST).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(jitter).max(SHORTEST).max(within_reason(asked_for))
    }
}

/// What the service asked for, as far as we obey.
pub(super) fn within_reason(asked_for: Option<Duration>) -> Duration {
    asked_for.unwrap_or_default().min(LONGEST_ASKED_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_quarter_of_an_hour() {
        let mut backoff = Backoff::default();
        let delays: Vec<u64> = (0..12).map(|_| backoff.next(1.0, None).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        for _ in 0..100 {
            assert_eq!(backoff.next(1.0, None), LONGEST);
        }
        backoff.reset();
        assert_eq!(backoff.next(0.5, None), Duration::from_millis(500));
    }

    #[test]
    fn no_jitter_makes_a_busy_loop_or_a_panic() {
        for jitter in [0.0, -0.0, 1e-300] {
            assert_eq!(Backoff::default().next(jitter, None), SHORTEST);
        }
        for jitter in [f64::NAN, f64::INFINITY, -1.0, 1e9] {
            assert_eq!(Backoff::default().next(jitter, None), FIRST);
        }
    }

    #[test]
    fn the_service_may_ask_for_more_time_within_reason() {
        let minute = Duration::from_secs(60);
        assert_eq!(Backoff::default().next(1.0, Some(minute)), minute);
        assert_eq!(Backoff::default().next(1.0, Some(SHORTEST)), FIRST);
        assert_eq!(Backoff::default().next(1.0, Some(Duration::MAX)), LONGEST_ASKED_FOR);
    }
}
