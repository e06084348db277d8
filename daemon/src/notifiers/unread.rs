//! The entries of the event log that our agent has not read.

use p2p_core::record::{Event, EventKind};
use p2p_store::{LogQuery, Reader, StoreError};

use crate::readers::AGENT;

/// Returns unread entries of these kinds after a sequence number, the oldest first.
pub(super) fn unread(
    store: &Reader,
    kinds: &[EventKind],
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = LogQuery { after, reader: Some(AGENT), call: None, kinds, limit };
    Ok(store.log(wanted)?.events)
}
