//! When a session connects, waits, asks and gives up: written down a second time, for the random histories of
//! [`model`](super::model) to be compared with.

use std::time::Duration;

use super::Moment;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What a session is doing, and since when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    /// `until`: `None` after close code 4774.
    Waiting {
        until: Option<Moment>,
        not_before: Moment,
    },
    Opening {
        since: Moment,
        stale: bool,
    },
    Greeting {
        since: Moment,
    },
    Greeted {
        since: Moment,
        heard: Moment,
        pinged: Option<Moment>,
        unanswered: bool,
        doubted: Option<Moment>,
    },
    Closing,
}

/// Follows a session by what happens to it and what it does.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) phase: Phase,
    failures: i32,
}

impl Reference {
    pub(super) fn new(now: Moment) -> Self {
        Self { phase: Phase::Waiting { until: Some(now), not_before: Moment::default() }, failures: 0 }
    }

    /// The session wants a socket.
    pub(super) fn connect(&mut self, now: Moment) {
        let Phase::Waiting { until, not_before } = self.phase else {
            panic!("connects while {:?}", self.phase)
        };
        assert!(now >= not_before, "the service wanted to be left alone for longer");
        assert!(until.is_some_and(|until| now >= until), "too early: {until:?}");
        self.phase = Phase::Opening { since: now, stale: false };
    }

    /// Somebody makes a request that was not open before.
    pub(super) fn asked(&mut self, now: Moment) {
        if let Phase::Waiting { until: until @ None, not_before } = &mut self.phase {
            *until = Some(now.max(*not_before));
        }
    }

    pub(super) fn connected(&mut self, now: Moment) {
        if let Phase::Opening { .. } = self.phase {
            self.phase = Phase::Greeting { since: now };
        }
    }

    pub(super) fn greeted(&mut self, now: Moment) {
        assert!(matches!(self.phase, Phase::Greeting { .. }), "greeted while {:?}", self.phase);
        self.phase =
            Phase::Greeted { since: now, heard: now, pinged: None, unanswered: false, doubted: None };
    }

    pub(super) fn heard(&mut self, now: Moment) {
        if let Phase::Greeted { heard, unanswered, doubted, .. } = &mut self.phase {
            (*heard, *unanswered, *doubted) = (now, false, None);
        }
    }

    pub(super) fn pings(&mut self, now: Moment) {
        let Phase::Greeted { heard, pinged, unanswered, doubted, .. } = &mut self.phase else {
            panic!("pings while {:?}", self.phase)
        };
        assert!(doubted.is_some() || now >= *heard + seconds(390), "pings without a reason");
        assert!(pinged.is_none_or(|at| now >= at + seconds(60)), "pings too often");
        (*pinged, *unanswered, *doubted) = (Some(now), true, None);
    }

    pub(super) fn closes(&mut self, now: Moment) {
        self.proved(now);
        self.phase = Phase::Closing;
    }

    /// The wait that the session must announce.
    pub(super) fn disconnected(
        &mut self,
        now: Moment,
        code: Option<u16>,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<Duration> {
        self.proved(now);
        let jitter = if (0.0..=1.0).contains(&jitter) { jitter } else { 1.0 };
        let waits = (2_f64.powi(self.failures).min(900.0) * jitter).max(0.1);
        self.failures += 1;
        let asked = retry_after.unwrap_or_default().min(seconds(86_400));
        let waits = Duration::from_secs_f64(waits).max(asked);
        let until = (code != Some(4774)).then_some(now + waits);
        self.phase = Phase::Waiting { until, not_before: now + asked };
        until.map(|_| waits)
    }

    /// The network changed or the machine woke.
    pub(super) fn reconnect_now(&mut self, now: Moment) {
        self.failures = 0;
        match &mut self.phase {
            Phase::Waiting { until, not_before } => *until = Some(now.max(*not_before)),
            Phase::Opening { stale, .. } => *stale = true,
            Phase::Greeted { doubted, .. } => drop(doubted.get_or_insert(now)),
            Phase::Greeting { .. } | Phase::Closing => {}
        }
    }

    /// Somebody waits.
    pub(super) fn attempt_now(&mut self, now: Moment) {
        if let Phase::Waiting { until: Some(until), not_before } = &mut self.phase {
            *until = now.max(*not_before);
        }
    }

    /// The latest moment at which the session has to do something by itself, requests aside.
    pub(super) fn deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::Waiting { until, .. } => until,
            Phase::Opening { since, stale } => Some(since + if stale { seconds(5) } else { seconds(30) }),
            Phase::Greeting { since } => Some(since + seconds(10)),
            Phase::Greeted { pinged: Some(pinged), unanswered: true, .. } => Some(pinged + seconds(10)),
            Phase::Greeted { heard, pinged, doubted, .. } => {
                let wanted = doubted.unwrap_or(heard + seconds(390));
                Some(pinged.map_or(wanted, |pinged| wanted.max(pinged + seconds(60))))
            }
            Phase::Closing => None,
        }
    }

    /// A connection silent through a whole sleep is not asked about any more.
    pub(super) fn is_hopeless(&self, now: Moment) -> bool {
        matches!(self.phase, Phase::Greeted { heard, .. } if now >= heard + seconds(450))
    }

    /// A connection of half a minute was a good one.
    fn proved(&mut self, now: Moment) {
        if let Phase::Greeted { since, .. } = self.phase
            && now >= since + seconds(30)
        {
            self.failures = 0;
        }
    }
}
