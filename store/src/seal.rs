//! Sealing of text: XChaCha20-Poly1305 under a random data key, which the identity's key wraps.
//!
//! Table, row and column are authenticated with each value, so a value that was moved does not
//! open. Lengths are not hidden.

use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::aead::{Aead, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// Bytes of nonce ahead of each ciphertext.
const NONCE: usize = 24;
/// Separates this use of the identity's key from other uses.
const DOMAIN: &[u8] = b"p2p store v1";
/// The associated data of the wrapped data key.
const WRAP: &[u8] = b"vault/1/data_key";

/// The data key, which seals and opens values. Its `Debug` shows nothing.
pub(crate) struct Vault(XChaCha20Poly1305);

impl core::fmt::Debug for Vault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Makes a new data key. Returns it together with its wrapped form, which is stored.
    pub(crate) fn create(secret: &[u8; 32]) -> Result<(Self, Vec<u8>), StoreError> {
        let key: [u8; 32] = random()?;
        let wrapped = Self::wrapper(secret).seal(WRAP, &key)?;
        Ok((Self(XChaCha20Poly1305::new(&key.into())), wrapped))
    }

    /// Unwraps a stored data key. Returns `None` when it belongs to another identity.
    pub(crate) fn unlock(secret: &[u8; 32], wrapped: &[u8]) -> Option<Self> {
        let key: [u8; 32] = Self::wrapper(secret).open(WRAP, wrapped)?.try_into().ok()?;
        Some(Self(XChaCha20Poly1305::new(&key.into())))
    }

    fn wrapper(secret: &[u8; 32]) -> Self {
        let key = Sha256::new().chain_update(DOMAIN).chain_update(secret).finalize();
        Self(XChaCha20Poly1305::new(&key))
    }

    /// Seals a value. Returns nonce, ciphertext and tag.
    pub(crate) fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE] = random()?;
        let payload = Payload { msg: plain, aad };
        let cipher =
            self.0.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| StoreError::Seal)?;
        Ok([nonce.as_slice(), &cipher].concat())
    }

    /// Opens a value. Returns `None` when it was changed, or moved to another place.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, msg) = sealed.split_at_checked(NONCE)?;
        self.0.decrypt(XNonce::from_slice(nonce), Payload { msg, aad }).ok()
    }
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(|_| StoreError::Seal)?;
    Ok(bytes)
}
