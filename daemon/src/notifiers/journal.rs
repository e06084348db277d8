//! The journal of notifiers: the facts that they store through the engine's thread.

use std::future::Future;

use tokio::sync::watch;

/// Stores the facts of notifiers. Implemented by the handle to the engine's thread.
pub(crate) trait Journal: Send + Sync + 'static {
    /// Stores a small value under a key. Returns true once it is durable.
    fn note(&self, key: String, value: String) -> impl Future<Output = bool> + Send;

    /// Stores whether a notifier took a question. Returns true once that is durable.
    fn question_notified(
        &self,
        question: u32,
        notifier: &'static str,
        taken: bool,
    ) -> impl Future<Output = bool> + Send;

    /// Returns a counter that moves with each commit.
    fn changes(&self) -> watch::Receiver<u64>;
}
