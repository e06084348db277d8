//! State and commands that all connections of a proxy share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::plan::Plan;

/// A command to every connection.
#[derive(Debug, Clone)]
pub(crate) enum Order {
    /// Cut the connection.
    Cut,
    /// Pass nothing any more, either way, and leave the connection open.
    Freeze,
    /// Tell the client this.
    Say(String),
    /// End every subscription, with these words or without a word.
    End(Option<String>),
    /// Demand authentication (NIP-42).
    Demand,
}

/// State that the connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Address of the relay.
    pub upstream: String,
    /// Faults to inject.
    pub plan: Mutex<Plan>,
    /// Commands to connections.
    pub orders: broadcast::Sender<Order>,
}

impl Shared {
    pub(crate) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
