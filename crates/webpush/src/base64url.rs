//! base64url as Web Push uses it: written without padding, read with or without.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    TOLERANT.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    TOLERANT.decode(text).ok()
}
