//! The context that the workers of all notifiers share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p2p_core::PublicKey;
use p2p_store::Reader;

/// The context that the workers of all notifiers share.
pub(crate) struct SinkContext<J> {
    pub journal: J,
    pub reader: Arc<Mutex<Reader>>,
    pub me: PublicKey,
}

impl<J> SinkContext<J> {
    /// Returns the store, to read from. The guard must not be held across an await.
    pub fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
