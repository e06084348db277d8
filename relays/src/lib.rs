//! Relays: the one crate that knows Nostr's transport.
//!
//! Rumors and presence go in, verified messages and reports come out, all in our own types: no type of
//! a Nostr crate crosses this boundary. Inside, each relay has a task that keeps its connection up
//! (`transport/`), one task opens what arrives (`inbox/`), one finds the relays of receivers
//! (`directory/`), and `publish/` orders what a relay is sent. Nothing here is durable: the sender
//! keeps a message until it is acknowledged, and the receiver recognizes duplicates by their rumor id.
//!
//! The connection is our own, on top of the `nostr` crate's types, rather than the SDK's relay pool:
//! see `docs/decisions/` for the reasons.

mod backoff;
mod bucket;
mod clock;
mod context;
mod directory;
mod drops;
pub mod embedded;
mod event;
pub mod http;
mod identity;
mod inbox;
mod monotonic;
mod nip11;
mod nip59;
mod platform;
mod publish;
mod relays;
mod sanitize;
mod settings;
#[cfg(test)]
mod tests;
mod transport;

pub use self::directory::presence::FoundAgents;
pub use self::directory::profile::Profile;
pub use self::drops::{DropCounts, DropReason};
pub use self::event::RelayEvent;
pub use self::monotonic::now;
pub use self::nip11::RelayLimits;
pub use self::relays::{Relays, RelaysError};
pub use self::settings::{RelaySettings, RelaySpec, Roles};
pub use self::transport::status::{RelayState, RelayStatus};
