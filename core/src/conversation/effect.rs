//! Effects of conversations on other components.

use crate::ids::RumorId;
use crate::text::Text;

/// An effect of a conversation on the other components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationEffect {
    /// A message of ours has another id now.
    Moved {
        /// The old id.
        from: RumorId,
        /// The new id.
        to: RumorId,
    },
    /// The peer acknowledged every piece of a file.
    FileSent(u32),
    /// A file of ours will never arrive.
    FileFailed {
        /// The file.
        file: u32,
        /// The cause.
        why: Text,
        /// Way in which our agent is told.
        notice: Notice,
    },
}

/// The way in which our agent is told of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The event log has an entry about it.
    Event,
    /// Another event tells of it.
    Silent,
}

/// Effects in order.
pub type Effects = Vec<ConversationEffect>;
