//! Lanes: numbered streams that arrive whole and once over a network that loses, doubles and
//! reorders. A direction of a lane is an [`Outgoing`] on one side and an [`Incoming`] on the
//! other; the receiver acknowledges cumulatively and names what it holds beyond a gap.

mod incoming;
mod outgoing;
mod schedule;

pub use incoming::{Arrival, Inbound, Incoming};
pub use outgoing::{AckOutcome, Attempts, Outgoing, Pending};
pub use schedule::Schedule;
