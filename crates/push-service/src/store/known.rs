//! Endpoints that were posted to lately: most messages go where others went before, and need not ask the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use webpush::ChannelId;

use super::Endpoint;
use crate::id::{Hash, Uaid};

/// Beyond this, all are forgotten and learnt anew. Each takes some 150 bytes.
const MOST: usize = 4096;

/// A copy of what the database says about some endpoints that are not revoked.
#[derive(Clone, Default)]
pub(super) struct KnownEndpoints(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    endpoints: HashMap<Hash, Endpoint>,
    revocations: u64,
}

/// A moment: what was read from the database after it, and before the next revocation, holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    revocations: u64,
}

impl KnownEndpoints {
    /// The endpoint; or since when what the database says about it can be noted.
    pub(super) fn get(&self, token: &Hash) -> Result<Endpoint, Moment> {
        let known = self.known();
        known.endpoints.get(token).cloned().ok_or(Moment { revocations: known.revocations })
    }

    /// Notes what was read from the database after this moment.
    pub(super) fn note(&self, since: Moment, token: Hash, endpoint: &Endpoint) {
        let mut known = self.known();
        if endpoint.channel.is_none() || known.revocations != since.revocations {
            return;
        }
        if known.endpoints.len() >= MOST {
            known.endpoints.clear();
        }
        known.endpoints.insert(token, endpoint.clone());
    }

    /// The endpoints of a channel have been revoked.
    pub(super) fn revoke(&self, uaid: Uaid, id: ChannelId) {
        self.revoke_if(|endpoint| {
            endpoint.channel.as_ref().is_some_and(|channel| channel.user_agent == uaid && channel.id == id)
        });
    }

    /// Some have been revoked.
    pub(super) fn revoke_some(&self) {
        self.revoke_if(|_| true);
    }

    fn revoke_if(&self, revoked: impl Fn(&Endpoint) -> bool) {
        let mut known = self.known();
        known.revocations += 1;
        known.endpoints.retain(|_, endpoint| !revoked(endpoint));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Channel;
    use super::*;

    fn endpoint(id: u8, user_agent: Uaid) -> Endpoint {
        let id = ChannelId::from_random_bytes([id; 16]);
        Endpoint { restricted_to: None, channel: Some(Channel { row: 1, id, user_agent }) }
    }

    fn learn(known: &KnownEndpoints, token: u8, endpoint: &Endpoint) {
        let since = known.get(&[token; 32]).unwrap_err();
        known.note(since, [token; 32], endpoint);
    }

    #[test]
    fn what_was_noted_is_known_until_its_channel_is_given_up() {
        let (known, uaid) = (KnownEndpoints::default(), Uaid::random().unwrap());
        let (first, second) = (endpoint(1, uaid), endpoint(2, uaid));
        learn(&known, 1, &first);
        learn(&known, 2, &second);
        assert_eq!(known.get(&[1; 32]).as_ref(), Ok(&first));
        known.revoke(Uaid::random().unwrap(), ChannelId::from_random_bytes([1; 16]));
        assert_eq!(known.get(&[1; 32]), Ok(first), "a channel of the same id, of somebody else");
        known.revoke(uaid, ChannelId::from_random_bytes([1; 16]));
        assert!(known.get(&[1; 32]).is_err());
        assert_eq!(known.get(&[2; 32]), Ok(second));
        known.revoke_some();
        assert!(known.get(&[2; 32]).is_err());
    }

    #[test]
    fn what_was_read_before_a_revocation_is_not_noted_after_it() {
        let (known, uaid) = (KnownEndpoints::default(), Uaid::random().unwrap());
        let since = known.get(&[1; 32]).unwrap_err();
        known.revoke(uaid, ChannelId::from_random_bytes([9; 16]));
        known.note(since, [1; 32], &endpoint(1, uaid));
        assert!(known.get(&[1; 32]).is_err());
    }

    #[test]
    fn revoked_endpoints_are_not_noted_and_no_more_than_there_is_room_for() {
        let (known, uaid) = (KnownEndpoints::default(), Uaid::random().unwrap());
        learn(&known, 1, &Endpoint { restricted_to: None, channel: None });
        assert!(known.get(&[1; 32]).is_err());
        for number in 0..2 * MOST {
            let mut token = [0; 32];
            token[..8].copy_from_slice(&number.to_be_bytes());
            let since = known.get(&token).unwrap_err();
            known.note(since, token, &endpoint(1, uaid));
            assert!(known.known().endpoints.len() <= MOST);
        }
    }
}
