//! Commands to the task of a relay.

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::publish::packets::{Job, Notice};
use crate::transport::query::Query;

/// A command.
#[derive(Debug)]
pub(crate) enum RelayCommand {
    /// Publish a message for a peer.
    Publish(Job),
    /// Publish an event about ourselves.
    Notify(Notice),
    /// Ask for stored events.
    Ask(Query),
    /// Ask again for the messages that the relay stored.
    HearAgain,
    /// The machine slept: prove that the connection stands, or connect at once.
    Wake,
    /// Connect soon: somebody is using the daemon.
    Hasten,
    /// Send what waits, and close.
    Close {
        /// The latest time.
        by: Instant,
        /// Told when the connection is closed.
        done: oneshot::Sender<()>,
    },
}
