//! Changes of what is kept. Each component of the engine has an enum of its own; the store writes
//! each of them to the tables of that component.

use crate::record::{Counters, Event};

pub use crate::call::change::CallChange;
pub use crate::conversation::change::ConversationChange;
pub use crate::human::change::HumanChange;
pub use crate::peer::change::PeerChange;
pub use crate::transfer::change::TransferChange;

/// A change of what is kept, by the component that made it.
#[derive(Debug, Clone)]
pub enum Change {
    /// Of calls.
    Call(CallChange),
    /// Of messages and their streams.
    Conversation(ConversationChange),
    /// Of files.
    Transfer(TransferChange),
    /// Of owners and their questions.
    Human(HumanChange),
    /// Of keys.
    Peer(PeerChange),
    /// Of the event log.
    EventLog(EventLogChange),
}

/// A change of the event log and of the numbers that were given out.
#[derive(Debug, Clone)]
pub enum EventLogChange {
    /// Handles were given out.
    Counters(Counters),
    /// A new entry.
    Event(Event),
    /// A reader was shown everything up to here in a conversation.
    Cursor {
        /// The reader.
        reader: String,
        /// The conversation as the store names it.
        conversation: String,
        /// The entry.
        seq: u64,
    },
    /// A reader was removed.
    ReaderGone(String),
}

impl From<CallChange> for Change {
    fn from(change: CallChange) -> Self {
        Self::Call(change)
    }
}

impl From<ConversationChange> for Change {
    fn from(change: ConversationChange) -> Self {
        Self::Conversation(change)
    }
}

impl From<TransferChange> for Change {
    fn from(change: TransferChange) -> Self {
        Self::Transfer(change)
    }
}

impl From<HumanChange> for Change {
    fn from(change: HumanChange) -> Self {
        Self::Human(change)
    }
}

impl From<PeerChange> for Change {
    fn from(change: PeerChange) -> Self {
        Self::Peer(change)
    }
}

impl From<EventLogChange> for Change {
    fn from(change: EventLogChange) -> Self {
        Self::EventLog(change)
    }
}
