//! The outcome of one attempt to notify.

/// The outcome of one attempt to notify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The sink took the notification.
    Taken,
    /// The sink did not take it, and may take it later.
    Retry(String),
    /// The sink refused it for good.
    GiveUp(String),
}
