//! Keys that this agent dealt with, and strangers.

pub mod change;
pub(crate) mod peers;
