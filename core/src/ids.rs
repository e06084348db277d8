//! Identifiers: keys, rumors, calls, streams, daemon runs.

use core::fmt::{self, Write as _};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// Error for text that is not the expected id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct BadId(pub &'static str);

/// Writes bytes as lower-case hex.
pub(crate) fn to_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().try_for_each(|byte| {
        f.write_char(DIGITS[usize::from(byte >> 4)])?;
        f.write_char(DIGITS[usize::from(byte & 15)])
    })
}

/// Reads exactly `N` bytes of lower- or upper-case hex.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub [u8; $bytes]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                to_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                to_hex(&self.0[..self.0.len().min(4)], f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                from_hex(text).map(Self).ok_or(BadId($what))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }
    };
}

hex_id! {
    /// X-only secp256k1 public key (BIP-340): the identity of a user on Nostr.
    PublicKey, 32, "a public key of 64 hex digits"
}
hex_id! {
    /// Id of an unsigned event (NIP-01, NIP-59). Duplicates are recognized by this id alone.
    RumorId, 32, "a rumor id of 64 hex digits"
}
hex_id! {
    /// SHA-256 of a file.
    Sha256, 32, "a SHA-256 of 64 hex digits"
}
hex_id! {
    /// Id of a stream: the numbering of one direction of a lane. Random, so that a restored store is
    /// noticed.
    StreamId, 8, "a stream id of 16 hex digits"
}
hex_id! {
    /// Id of a daemon run. Two runs with the same key are two machines.
    InstanceId, 8, "an instance id of 16 hex digits"
}

impl RumorId {
    /// Returns the first eight bytes, enough to tell two rumors of an author apart.
    #[must_use]
    pub fn start(self) -> [u8; 8] {
        let mut start = [0; 8];
        start.copy_from_slice(&self.0[..8]);
        start
    }
}

impl PublicKey {
    /// Returns the key as NIP-19 `npub1…`.
    #[must_use]
    pub fn npub(&self) -> String {
        bech32::encode::<bech32::Bech32>(bech32::Hrp::parse_unchecked("npub"), &self.0)
            .unwrap_or_else(|_| self.to_string())
    }

    /// Reads `npub1…` or 64 hex digits, with or without NIP-21's `nostr:` before it.
    ///
    /// # Errors
    /// [`BadId`], if the text is neither. The curve is not checked here.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let text = text.strip_prefix("nostr:").unwrap_or(text);
        if let Ok(key) = text.parse() {
            return Ok(key);
        }
        let bad = BadId("an npub or a public key of 64 hex digits");
        match bech32::decode(text) {
            Ok((hrp, bytes)) if hrp.as_str() == "npub" => {
                bytes.try_into().map(Self).map_err(|_| bad)
            }
            _ => Err(bad),
        }
    }
}

/// Minimum length of a prefix that names a key, in characters after `npub1` or of hex.
const PREFIX: usize = 4;

/// Returns true if a text is long enough to name a key by its prefix, as npub or as hex.
#[must_use]
pub fn is_key_prefix(text: &str) -> bool {
    let text = text.to_lowercase();
    match text.strip_prefix("npub1") {
        Some(rest) => rest.len() >= PREFIX && rest.chars().all(|c| c.is_ascii_alphanumeric()),
        None => text.len() >= PREFIX && text.chars().all(|c| c.is_ascii_hexdigit()),
    }
}

/// Id of a call: a UUID that the caller chose. The smaller id survives when both ring each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub uuid::Uuid);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        to_hex(&self.0.as_bytes()[..4], f)
    }
}

impl FromStr for CallId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        uuid::Uuid::try_parse(text).map(Self).map_err(|_| BadId("a call's UUID"))
    }
}

/// Place of a message: a call, or direct messages with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversation {
    /// Call.
    Call(CallId),
    /// Direct messages with a key, outside any call.
    Direct(PublicKey),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npub_matches_the_vector_of_nip_19() {
        let hex = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
        let npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
        let key: PublicKey = hex.parse().unwrap();
        assert_eq!(key.npub(), npub);
        for text in [hex, npub, &format!("nostr:{npub}"), &hex.to_uppercase()] {
            assert_eq!(PublicKey::parse(text), Ok(key), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_a_key_is_refused() {
        for text in ["", "npub1", "bob", "7e7e", "zz".repeat(32).as_str(), "é".repeat(32).as_str()]
        {
            assert!(PublicKey::parse(text).is_err(), "{text}");
        }
    }
}
