//! The background service: one identity, its relays, its calls, its store, and the socket that
//! front ends drive it by.
//!
//! [`run`] wires the parts together. The engine and the store belong to one thread ([`host`]);
//! relays ([`relays`], the one module that knows the Nostr SDK), socket ([`socket`]), channels and
//! presence are tasks around it, and talk to it in messages.

mod channels;
pub mod config;
pub mod downloads;
mod gate;
pub mod host;
pub mod identity;
mod passphrase;
pub mod presence;
pub mod relay;
pub mod relays;
mod service;
pub mod socket;
mod steady;
pub mod store;
mod tidy;
mod verb;

pub use service::{Start, run};
pub use steady::now;

/// Fills `bytes` from the operating system's random source.
pub fn random(bytes: &mut [u8]) {
    use chacha20poly1305::aead::OsRng;
    use chacha20poly1305::aead::rand_core::RngCore;
    OsRng.fill_bytes(bytes);
}
