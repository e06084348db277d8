//! Changes of what is kept about messages and their streams.

use crate::ids::{Conversation, RumorId, StreamId};
use crate::record::{Message, StreamIn, StreamOut};
use crate::rumor::Rumor;
use crate::time::Time;

/// A change of what is kept about messages and their streams.
#[derive(Debug, Clone)]
pub enum ConversationChange {
    /// A new message.
    Message(Box<Message>),
    /// Relays answered for a message.
    Relays {
        /// The message's rumor.
        rumor: RumorId,
        /// The number of relays that took it.
        accepted: u32,
        /// The number of relays that it was given to.
        relays: u32,
    },
    /// The peer's daemon stored a message.
    Delivered(RumorId),
    /// A message was given up.
    Undelivered(RumorId),
    /// A message was taken back before anybody had it.
    Cancelled(RumorId),
    /// A message moved to another stream. In another call it is queued anew.
    Moved {
        /// The old id.
        from: RumorId,
        /// The new id.
        to: RumorId,
        /// The conversation that it is in now.
        conversation: Conversation,
        /// The new place.
        slot: (StreamId, u64),
        /// The time at which the new rumor says that it was written, in seconds.
        claimed_at: u64,
    },
    /// A sending stream in its present state. The peer's agent was shown it up to `read`.
    StreamOut(StreamOut),
    /// A receiving stream in its present state. Its rumors up to `upto` are in order now.
    StreamIn(StreamIn),
    /// A rumor waits for its acknowledgement.
    Outbox {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor.
        rumor: Box<Rumor>,
        /// Time at which the rumor began to wait.
        since: Time,
    },
    /// A relay took a rumor that waits.
    Taken(StreamId, u64),
    /// Nothing of the stream up to this number waits any more: acknowledged or given up.
    OutboxDone(StreamId, u64),
    /// One number of a stream waits no more.
    OutboxGone(StreamId, u64),
    /// A rumor arrived out of order.
    OutOfOrder {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor.
        rumor: Box<Rumor>,
    },
    /// A rumor was received.
    Seen(RumorId, Time),
}
