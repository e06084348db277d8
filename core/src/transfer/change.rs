//! Changes of what is kept about files.

use crate::ids::{CallId, RumorId, StreamId};
use crate::record::{File, FileState};
use crate::text::Blob;

/// A change of what is kept about files.
#[derive(Debug, Clone)]
pub enum TransferChange {
    /// A new file.
    File(Box<File>),
    /// The new state of a file.
    State(u32, FileState),
    /// A file of ours belongs to this call now.
    Moved(u32, CallId),
    /// A piece of a file arrived.
    Chunk {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor that brought it.
        rumor: RumorId,
        /// The bytes.
        bytes: Blob,
    },
    /// The pieces are no longer needed.
    ChunksGone(StreamId),
}
