//! Random bytes from the operating system.

/// Returns random bytes of the operating system's source.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    use chacha20poly1305::aead::OsRng;
    use chacha20poly1305::aead::rand_core::RngCore;
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}
