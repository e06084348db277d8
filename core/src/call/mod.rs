//! Calls: the state machine of one call, and every call of this agent.

pub(crate) mod calls;
pub mod change;
pub mod state;
pub mod step;
#[cfg(test)]
mod tests;

pub use state::{
    By, CONNECT_LIMIT, Call, Connecting, Dialing, Ended, Incoming, RING_GRACE, Resend, Ringing,
    STALE, State, WORD_LIFETIME, is_stale,
};
pub use step::{Effect, Event};
