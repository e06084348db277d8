//! Publishing: what waits for a relay, in which order and at which pace it goes, and what came of it.

pub(crate) mod delivery;
pub(crate) mod outbox;
pub(crate) mod pace;
pub(crate) mod packets;
pub(crate) mod queue;
pub(crate) mod verdict;
pub(crate) mod withdrawal;
