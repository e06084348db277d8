//! The background service: one identity, its relays, its calls, its store, and the socket that
//! front ends drive it by.
//!
//! [`run`] wires the parts together. The engine and the store belong to one thread ([`host`]);
//! relays ([`p2p_relays`], the one crate that knows the Nostr SDK), socket ([`socket`]), channels and
//! presence are tasks around it, and talk to it in messages.

mod channels;
pub mod downloads;
mod gate;
mod hints;
pub mod host;
pub mod identity;
mod passphrase;
pub mod presence;
pub mod relay;
mod service;
mod settings;
pub mod socket;
mod tidy;
mod verb;

pub use p2p_relays::now;
pub use service::{Start, run};

/// Fills `bytes` from the operating system's random source.
pub fn random(bytes: &mut [u8]) {
    use chacha20poly1305::aead::OsRng;
    use chacha20poly1305::aead::rand_core::RngCore;
    OsRng.fill_bytes(bytes);
}
