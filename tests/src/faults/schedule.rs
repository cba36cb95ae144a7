//! What goes wrong, and when.

use std::ops::Range;

use fastrand::Rng;

use super::Fault;

/// Decides for every connection. The same seed and the same traffic meet the same faults.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Where randomness comes from.
    pub seed: u64,
    /// What may happen. Empty: nothing.
    pub faults: Vec<Fault>,
    /// How many frames or TLS records pass between two faults, both directions counted.
    pub spacing: Range<u32>,
}

/// When one connection meets a fault.
#[derive(Debug)]
pub(super) struct Upcoming {
    pub(super) rng: Rng,
    spacing: Range<u32>,
    left: u32,
}

/// Which fault is next, whichever connection meets it: each as often as any other.
#[derive(Debug)]
pub(super) struct Deck {
    faults: Vec<Fault>,
    left: Vec<Fault>,
    rng: Rng,
}

impl Schedule {
    pub(super) fn deck(&self) -> Deck {
        Deck { faults: self.faults.clone(), left: Vec::new(), rng: Rng::with_seed(self.seed) }
    }

    /// By number, from 0.
    pub(super) fn of_connection(&self, number: u64) -> Upcoming {
        // Generators of neighbouring seeds begin alike: one of them makes the seeds.
        let mut rng = Rng::with_seed(Rng::with_seed(self.seed ^ number.rotate_left(32)).u64(..));
        let left = rng.u32(self.spacing.clone());
        Upcoming { rng, spacing: self.spacing.clone(), left }
    }
}

impl Upcoming {
    /// Something is about to be forwarded: whether something is to go wrong with it.
    pub(super) fn is_due(&mut self) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        self.left = self.rng.u32(self.spacing.clone());
        true
    }

    /// Nothing could go wrong: with the next, then.
    pub(super) fn postpone(&mut self) {
        self.left = 0;
    }
}

impl Deck {
    /// The next fault of those that are possible.
    pub(super) fn deal(&mut self, possible: impl Fn(Fault) -> bool) -> Option<Fault> {
        if self.left.is_empty() {
            self.left.clone_from(&self.faults);
            self.rng.shuffle(&mut self.left);
        }
        let place = self.left.iter().position(|&fault| possible(fault))?;
        Some(self.left.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Framing;

    fn schedule(seed: u64) -> Schedule {
        Schedule { seed, faults: Fault::all(Framing::WebSocket), spacing: 0..5 }
    }

    fn due(seed: u64, connection: u64) -> Vec<bool> {
        let mut upcoming = schedule(seed).of_connection(connection);
        (0..100).map(|_| upcoming.is_due()).collect()
    }

    fn dealt(seed: u64) -> Vec<Fault> {
        let mut deck = schedule(seed).deck();
        (0..80).filter_map(|_| deck.deal(|_| true)).collect()
    }

    #[test]
    fn the_seed_and_the_connection_decide() {
        assert_eq!((due(1, 0), dealt(1)), (due(1, 0), dealt(1)));
        assert_ne!(due(1, 0), due(1, 1));
        assert_ne!(due(1, 0), due(2, 0));
        assert_ne!(dealt(1), dealt(2));
        assert!(due(1, 0).contains(&true) && due(1, 0).contains(&false));
    }

    #[test]
    fn everything_happens_equally_often_where_it_is_possible() {
        for fault in Fault::all(Framing::WebSocket) {
            assert_eq!(dealt(1).iter().filter(|&&dealt| dealt == fault).count(), 10, "{fault:?}");
        }
        let mut deck = Schedule { faults: vec![Fault::Garbage, Fault::Delay], ..schedule(1) }.deck();
        assert_eq!(deck.deal(|fault| fault != Fault::Garbage), Some(Fault::Delay));
        assert_eq!(deck.deal(|fault| fault != Fault::Garbage), None);
        assert_eq!(deck.deal(|_| true), Some(Fault::Garbage));
        assert_eq!(Schedule { faults: Vec::new(), ..schedule(1) }.deck().deal(|_| true), None);
    }
}
