//! `readers`: names under which the inbox is read, each with cursors of its own.

use serde::{Deserialize, Serialize};

/// Lists the readers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadersParams {}

/// The answer to [`ReadersParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadersResult {
    /// The readers, by name.
    pub readers: Vec<ReaderView>,
}

/// A reader of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderView {
    /// The name, as in `inbox --reader`.
    pub name: String,
    /// Entries that the reader was not shown.
    pub unread: u32,
    /// The time of the last entry that the reader was shown.
    pub shown_to_ms: Option<u64>,
}

/// Removes a reader. Entries that only this reader was not shown can then be deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemoveReaderParams {
    /// The reader's name.
    pub name: String,
}
