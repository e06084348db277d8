//! Tests of the crate as a whole: agents that meet at relays in memory, in virtual time, and one
//! test over real sockets on loopback.

mod agent;
mod connections;
mod fake_relay;
mod faults;
pub(crate) mod internet;
mod loopback;
mod messages;
mod presence;
mod stored;
