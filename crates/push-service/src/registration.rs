//! Who may become a user agent of this service: everybody who reaches it, or those who know a token.

use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::id::{self, Hash};

/// Enough that guessing is hopeless, even for a token somebody thought up.
const MIN_LENGTH: usize = 16;
const MAX_LENGTH: usize = 256;

/// The last path segment of the only WebSocket URL that is answered. Autopush clients are configured with a URL and know
/// no credentials, so the URL is the credential.
#[derive(Clone)]
pub struct RegistrationToken {
    text: String,
    hash: Hash,
}

/// A text that cannot be a registration token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a registration token is {MIN_LENGTH} to {MAX_LENGTH} of the characters A-Z a-z 0-9 - . _ ~")]
pub struct InvalidRegistrationToken;

impl RegistrationToken {
    /// As it stands in the URL.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the token. Takes the same time for every wrong one of the same length.
    pub(crate) fn is(&self, candidate: &str) -> bool {
        self.hash.ct_eq(&id::hash(candidate.as_bytes())).into()
    }
}

impl FromStr for RegistrationToken {
    type Err = InvalidRegistrationToken;

    fn from_str(text: &str) -> Result<Self, InvalidRegistrationToken> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&text.len()) || !text.bytes().all(unreserved) {
            return Err(InvalidRegistrationToken);
        }
        Ok(Self { text: text.to_owned(), hash: id::hash(text.as_bytes()) })
    }
}

/// Redacted: whoever knows it can register.
impl fmt::Debug for RegistrationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_enough_and_stands_in_a_url_as_it_is() {
        for good in ["0123456789abcdef", "A-._~A-._~A-._~A"] {
            assert!(good.parse::<RegistrationToken>().is_ok(), "{good:?}");
        }
        let long = "a".repeat(MAX_LENGTH + 1);
        for bad in
            ["", "0123456789abcde", "0123456789abcdef/", "0123456789abcde%20", "0123456789abcdé", &long]
        {
            assert_eq!(bad.parse::<RegistrationToken>().err(), Some(InvalidRegistrationToken), "{bad:?}");
        }
    }

    #[test]
    fn only_the_token_itself_is_it_and_it_is_never_shown() {
        let token: RegistrationToken = "0123456789abcdef".parse().unwrap();
        assert!(token.is("0123456789abcdef"));
        for other in ["", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"] {
            assert!(!token.is(other), "{other:?}");
        }
        assert!(!format!("{token:?}").contains("0123"));
    }
}
