//! The background service: one identity, its relays, its calls, its store, and the socket that
//! front ends use.
//!
//! [`run`] composes the parts. One thread owns the engine and the store (`engine`). Relays
//! ([`p2p_relays`], the one crate that knows Nostr), the socket (`socket`), notifiers and presence
//! are tasks around it that reach it through messages.

mod auth_throttle;
mod context;
pub mod demo_relay;
mod downloads;
mod engine;
mod errors;
mod hints;
pub mod identity;
mod notifiers;
mod passphrase;
mod presence;
mod random;
mod readers;
mod relay_events;
mod retention;
mod runtime;
mod service;
mod settings;
mod socket;
mod verb;

pub use p2p_relays::now;
pub use service::{Start, run};
