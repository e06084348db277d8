//! Tokens that let strangers ring: whoever has one may, so that only its hash is kept here.

use core::fmt;

use sha2::Digest;

use crate::ids::{BadId, Sha256};

/// Prefix of a token. A `1` and the rest in bech32 (BIP-173) follow, so that a copying mistake is
/// noticed.
const PREFIX: &str = "p2pi";

/// Maximum number of uses of one invite.
pub const INVITE_USES: u32 = 1000;
/// Maximum lifetime of an invite, in hours: a year.
pub const INVITE_HOURS: u64 = 366 * 24;

/// A token: sixteen random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token(pub [u8; 16]);

impl Token {
    /// Reads `p2pi1…`.
    ///
    /// # Errors
    /// [`BadId`], if the text is not a token or was copied wrongly.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let bad = BadId("an invite token (p2pi1…)");
        match bech32::decode(text) {
            Ok((prefix, bytes)) if prefix.as_str() == PREFIX => {
                bytes.try_into().map(Self).map_err(|_| bad)
            }
            _ => Err(bad),
        }
    }

    /// Returns the hash that the inviting side stores.
    #[must_use]
    pub fn hash(&self) -> Sha256 {
        let mut hash = sha2::Sha256::new();
        hash.update(b"p2p invite ");
        hash.update(self.0);
        Sha256(hash.finalize().into())
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = bech32::Hrp::parse_unchecked(PREFIX);
        let text = bech32::encode::<bech32::Bech32>(prefix, &self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

/// Hides the token: whoever reads it in a log could ring.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_parsed_and_a_mistyped_token_is_refused() {
        let token = Token([7; 16]);
        let text = token.to_string();
        assert!(text.starts_with("p2pi1") && text.len() == 37, "{text}");
        assert_eq!(Token::parse(&text), Ok(token));
        let last = if text.ends_with('q') { "p" } else { "q" };
        let mistyped = format!("{}{last}", &text[..36]);
        let npub = crate::PublicKey([1; 32]).npub();
        for wrong in ["", "p2pi1", &text[..36], &mistyped, &npub] {
            assert!(Token::parse(wrong).is_err(), "{wrong}");
        }
        assert!(!format!("{token:?}").contains(&text[5..]));
    }
}
