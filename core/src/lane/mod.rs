//! Lanes: numbered streams that arrive complete and exactly once over a network that loses,
//! duplicates and reorders. A direction of a lane is an [`Outgoing`] on one side and an
//! [`Incoming`] on the other; the receiver acknowledges cumulatively and lists the ranges that it
//! stored out of order.

mod incoming;
mod outgoing;
mod schedule;

pub use incoming::{Arrival, Inbound, Incoming};
pub use outgoing::{AckOutcome, Attempts, Outgoing, Pending};
pub use schedule::Schedule;
