//! Senders that identified themselves lately. They show one token with many messages, and to check its signature takes
//! several times as long as everything else about a message.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use webpush::vapid::{self, Credentials, VapidError};

use crate::id::{self, Hash};

/// Beyond this, all are forgotten and checked anew. Each takes some 100 bytes.
const MOST: usize = 1024;

/// Tokens that were checked, by the hash of what was shown.
#[derive(Default)]
pub(crate) struct KnownSenders(Mutex<HashMap<Hash, Known>>);

#[derive(Clone, Copy)]
struct Known {
    /// Hash of the sender's key.
    key: Hash,
    expires: u64,
}

impl KnownSenders {
    /// Returns the hash of the sender's key. Only what went well is remembered, and no longer than the token says.
    pub(super) fn verify(
        &self,
        credentials: &Credentials<'_>,
        origin: &str,
        now: u64,
    ) -> Result<Hash, VapidError> {
        // Neither a token nor a key in base64url has a blank.
        let shown = id::hash([credentials.token, " ", credentials.key].concat().as_bytes());
        let known = self.known().get(&shown).copied();
        let Some(known) = known else {
            let sender = credentials.verify(origin, now)?;
            let known = Known { key: id::hash(sender.key.0.as_bytes()), expires: sender.expires };
            self.note(shown, known);
            return Ok(known.key);
        };
        if let Err(error) = vapid::check_expiry(known.expires, now) {
            self.known().remove(&shown);
            return Err(error);
        }
        Ok(known.key)
    }

    fn note(&self, shown: Hash, sender: Known) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(shown, sender);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Hash, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use getrandom::SysRng;
    use getrandom::rand_core::UnwrapErr;
    use webpush::vapid::VapidKey;

    use super::*;

    const ORIGIN: &str = "https://push.example.net";
    const NOW: u64 = 1_800_000_000;

    fn verify(known: &KnownSenders, authorization: &str, now: u64) -> Result<Hash, VapidError> {
        known.verify(&Credentials::read(authorization, None)?, ORIGIN, now)
    }

    #[test]
    fn a_token_is_good_for_as_long_as_it_says_whether_or_not_it_is_known() {
        let (known, key) = (KnownSenders::default(), VapidKey::generate(&mut UnwrapErr(SysRng)));
        let sender = Ok(id::hash(key.public().0.as_bytes()));
        let signed = key.authorization(ORIGIN, NOW + 60, None);
        for now in [NOW, NOW + 1, NOW + 120] {
            assert_eq!(verify(&known, &signed, now), sender);
            assert_eq!(known.known().len(), 1);
        }
        for _ in 0..2 {
            assert_eq!(verify(&known, &signed, NOW + 121), Err(VapidError::Expired));
            assert!(known.known().is_empty());
        }
        assert_eq!(verify(&known, &signed, NOW + 120), sender);
        assert_eq!(verify(&known, &signed, NOW - 86_400), Err(VapidError::FutureExpirationToken));
    }

    #[test]
    fn a_known_token_vouches_for_its_own_key_and_no_other() {
        let (known, key) = (KnownSenders::default(), VapidKey::generate(&mut UnwrapErr(SysRng)));
        let signed = key.authorization(ORIGIN, NOW, None);
        verify(&known, &signed, NOW).unwrap();
        let other = VapidKey::generate(&mut UnwrapErr(SysRng)).public().to_string();
        let forged = signed.replace(&key.public().to_string(), &other);
        assert_eq!(verify(&known, &forged, NOW), Err(VapidError::Signature));
        let altered = signed.replace("t=ey", "t=ez");
        assert!(verify(&known, &altered, NOW).is_err());
        assert_eq!(known.known().len(), 1, "what failed is not remembered");
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let known = KnownSenders::default();
        for number in 0..2 * MOST {
            known.note(id::hash(&number.to_be_bytes()), Known { key: [0; 32], expires: NOW });
            assert!(known.known().len() <= MOST);
        }
    }
}
