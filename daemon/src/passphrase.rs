//! The passphrase that proves an owner at a terminal. The store holds only an argon2id hash with its
//! salt and cost in the usual form (`$argon2id$…`).

use argon2::Argon2;
use argon2::password_hash::{Error, PasswordHash, PasswordHasher, PasswordVerifier, SaltString};

use crate::random::random_bytes;

/// Returns the hash of a passphrase.
///
/// # Errors
/// The error of argon2 when the passphrase is too long.
pub fn hash(passphrase: &str) -> Result<String, Error> {
    let salt = SaltString::encode_b64(&random_bytes::<16>())?;
    Ok(Argon2::default().hash_password(passphrase.as_bytes(), &salt)?.to_string())
}

/// Returns true if the hash was made of this passphrase.
#[must_use]
pub fn fits(hash: &str, passphrase: &str) -> bool {
    let verify = |hash: PasswordHash<'_>| {
        Argon2::default().verify_password(passphrase.as_bytes(), &hash).is_ok()
    };
    PasswordHash::new(hash).is_ok_and(verify)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_fits_its_hash_and_each_hash_has_a_new_salt() {
        let kept = hash("correct horse").unwrap();
        assert!(kept.starts_with("$argon2id$") && !kept.contains("horse"), "{kept}");
        assert!(fits(&kept, "correct horse"));
        assert!(!fits(&kept, "correct hors") && !fits(&kept, "") && !fits("", ""));
        assert_ne!(hash("correct horse").unwrap(), kept);
    }
}
