//! Which versions were acknowledged on this connection. autopush 1.83 on Redis never removes a stored message by its ack
//! but sends it again at once: answering every copy is a loop that ends with the service deleting the user.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::MessageVersion;

/// An ack can be lost in the service, so a second one is sent; a third never helps.
const MOST_ACKS: u8 = 2;

/// More than a stored batch (21) with ample room for messages that arrive meanwhile.
const REMEMBERED: usize = 1000;

#[derive(Default)]
pub(super) struct Acknowledged {
    times: HashMap<Arc<str>, u8>,
    order: VecDeque<Arc<str>>,
}

impl std::fmt::Debug for Acknowledged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Acknowledged({} versions)", self.order.len())
    }
}

impl Acknowledged {
    /// Whether to acknowledge this version (once more); a yes is counted.
    pub(super) fn admit(&mut self, version: &MessageVersion) -> bool {
        if let Some(times) = self.times.get_mut(version.as_str()) {
            let admitted = *times < MOST_ACKS;
            *times = times.saturating_add(1);
            return admitted;
        }
        let version: Arc<str> = version.as_str().into();
        self.times.insert(version.clone(), 1);
        self.order.push_back(version);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.times.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_admitted_twice_and_forgotten_after_a_thousand_others() {
        let version = |n: usize| MessageVersion::try_from(format!("v{n}")).unwrap();
        let mut acknowledged = Acknowledged::default();
        let admitted: Vec<bool> = (0..4).map(|_| acknowledged.admit(&version(0))).collect();
        assert_eq!(admitted, [true, true, false, false]);
        for n in 1..=REMEMBERED {
            assert!(acknowledged.admit(&version(n)));
            assert!(acknowledged.times.len() <= REMEMBERED && acknowledged.order.len() <= REMEMBERED);
        }
        assert!(acknowledged.admit(&version(0)));
    }
}
