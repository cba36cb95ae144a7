//! Keeps the stream of pushes and the power failures in step: however slow the machine is, every failure meets a stream.

use anyhow::{Context as _, Result};
use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::process::PATIENCE;

/// How far everything has come.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) pushes: u32,
    accepted: watch::Sender<u32>,
    pub(super) kills: Outages,
    pub(super) service_kills: Outages,
    service: watch::Sender<State>,
}

/// Power failures of one kind.
#[derive(Debug)]
pub(super) struct Outages {
    pub(super) total: u32,
    pushes: u32,
    done: watch::Sender<u32>,
}

/// Whether the push service is there, and which run of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    run: u32,
    up: bool,
}

impl Progress {
    pub(super) fn new(pushes: u32, kills: u32, service_kills: u32) -> Self {
        let outages = |total| Outages { total, pushes, done: watch::Sender::new(0) };
        Self {
            pushes,
            accepted: watch::Sender::new(0),
            kills: outages(kills),
            service_kills: outages(service_kills),
            service: watch::Sender::new(State { run: 0, up: true }),
        }
    }

    pub(super) fn accepted(&self) -> u32 {
        *self.accepted.borrow()
    }

    pub(super) fn accept(&self) {
        self.accepted.send_modify(|accepted| *accepted += 1);
    }

    /// Returns when another push may be sent: not so far ahead that a power failure would come after the last one. At once
    /// when there have been enough.
    pub(super) async fn may_push(&self) -> Result<()> {
        let accepted = self.accepted();
        if accepted >= self.pushes {
            return Ok(());
        }
        for outages in [&self.kills, &self.service_kills] {
            let mut done = outages.done.subscribe();
            done.wait_for(|&done| accepted < outages.allowed(done)).await?;
        }
        Ok(())
    }

    /// Returns when the next power failure of this kind is due; `false`: there have been enough.
    pub(super) async fn next(&self, outages: &Outages, rng: &mut Rng) -> Result<bool> {
        let Some(at) = outages.next_at(rng) else { return Ok(false) };
        self.accepted.subscribe().wait_for(|&accepted| accepted >= at).await?;
        Ok(true)
    }

    /// The push service as it is now.
    pub(super) fn service(&self) -> State {
        *self.service.borrow()
    }

    pub(super) fn service_is_down(&self) {
        self.service.send_modify(|state| state.up = false);
    }

    pub(super) fn service_is_up(&self) {
        self.service.send_modify(|state| *state = State { run: state.run + 1, up: true });
    }

    /// Returns once the push service is back from the power failure that came after `before`.
    pub(super) async fn service_is_back(&self, before: State) -> Result<()> {
        let mut states = self.service.subscribe();
        let back = states.wait_for(|state| state.up && state.run > before.run);
        timeout(PATIENCE, back)
            .await
            .context("the push service did not answer, though nobody killed it")??;
        Ok(())
    }
}

impl Outages {
    pub(super) fn is_over(&self) -> bool {
        *self.done.borrow() >= self.total
    }

    pub(super) fn happened(&self) {
        self.done.send_modify(|done| *done += 1);
    }

    /// After how many pushes, when so many are done: each has an equal share of the stream, and one more that it may run
    /// ahead.
    fn allowed(&self, done: u32) -> u32 {
        self.share(done.saturating_add(2))
    }

    /// After how many pushes the next is due.
    fn next_at(&self, rng: &mut Rng) -> Option<u32> {
        let done = *self.done.borrow();
        let (first, last) = (self.share(done), self.share(done + 1).saturating_sub(1));
        (done < self.total).then(|| rng.u32(first..=last.max(first)))
    }

    fn share(&self, parts: u32) -> u32 {
        let all = u64::from(self.pushes) * u64::from(parts) / u64::from(self.total + 1);
        u32::try_from(all).unwrap_or(u32::MAX).min(self.pushes)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn every_failure_comes_before_the_stream_has_to_wait_for_it() {
        for (pushes, total) in [(2000, 200), (10, 3), (5, 9), (100, 1)] {
            let outages = Outages { total, pushes, done: watch::Sender::new(0) };
            let mut rng = Rng::with_seed(1);
            for done in 0..total {
                let at = outages.next_at(&mut rng).unwrap();
                assert!(at <= outages.allowed(done), "{at} of {pushes}, {done} of {total}");
                assert!(at < pushes);
                outages.happened();
            }
            assert!(outages.is_over() && outages.next_at(&mut rng).is_none());
            assert_eq!(outages.allowed(total), pushes);
        }
    }

    #[tokio::test]
    async fn the_stream_waits_for_failures_and_for_nothing_else() {
        let progress = Progress::new(4, 3, 0);
        for _ in 0..2 {
            assert_eq!(progress.may_push().now_or_never().map(|allowed| allowed.is_ok()), Some(true));
            progress.accept();
        }
        assert!(progress.may_push().now_or_never().is_none());
        progress.kills.happened();
        for _ in 2..6 {
            assert!(progress.may_push().now_or_never().is_some());
            progress.accept();
            progress.kills.happened();
        }
    }
}
