//! Changes of what is kept.

use crate::call::Call;
use crate::ids::{CallId, Conversation, PublicKey, RumorId, StreamId};
use crate::policy::Policy;
use crate::record::{
    Answer, Counters, Event, File, FileState, Invite, Message, Note, Owner, Peer, Question,
    StreamIn, StreamOut, Takeover, Tombstone,
};
use crate::rumor::Rumor;
use crate::text::Blob;
use crate::time::Time;

/// A change of what is kept.
#[derive(Debug, Clone)]
pub enum Change {
    /// Handles were given out.
    Counters(Counters),
    /// A key.
    Peer(Peer),
    /// A key was forgotten.
    PeerGone(PublicKey),
    /// A call in its present state.
    Call(Box<Call>),
    /// A new message.
    Message(Box<Message>),
    /// How a message fared at the relays.
    Relays {
        /// The message's rumor.
        rumor: RumorId,
        /// Relays that took it.
        accepted: u32,
        /// Relays that it was given to.
        relays: u32,
    },
    /// The peer's daemon stored a message.
    Delivered(RumorId),
    /// A message was given up.
    Undelivered(RumorId),
    /// A message was taken back before anybody had it.
    Cancelled(RumorId),
    /// A message moved to another stream. In another call it starts anew: queued.
    Moved {
        /// Its old id.
        from: RumorId,
        /// Its new id.
        to: RumorId,
        /// Where it is now.
        conversation: Conversation,
        /// Its new place.
        slot: (StreamId, u64),
        /// When its new rumor says it was written, in seconds.
        claimed_at: u64,
    },
    /// A sending stream in its present state. Shown to the peer's agent up to `read`.
    StreamOut(StreamOut),
    /// A receiving stream in its present state. What it held up to `upto` is released.
    StreamIn(StreamIn),
    /// A rumor waits for its acknowledgement.
    Outbox {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor.
        rumor: Box<Rumor>,
        /// Since when.
        since: Time,
    },
    /// A relay took it.
    Taken(StreamId, u64),
    /// Acknowledged or given up: nothing of the stream up to this number waits any more.
    OutboxDone(StreamId, u64),
    /// One number of a stream waits no more.
    OutboxGone(StreamId, u64),
    /// Received beyond a gap.
    Held {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor.
        rumor: Box<Rumor>,
    },
    /// A piece of a file.
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
    /// This rumor was taken in.
    Seen(RumorId, Time),
    /// A call ended before it was known here.
    Tombstone(Tombstone),
    /// A call is gone, with everything in it, unless a reader has not been shown all of it.
    CallGone(CallId),
    /// A file.
    File(Box<File>),
    /// How a file stands.
    FileState(u32, FileState),
    /// A file of ours belongs to this call now.
    FileMoved(u32, CallId),
    /// A question.
    Question(Box<Question>),
    /// The owner's answer to a question.
    Answered {
        /// Which.
        question: u32,
        /// What.
        answer: Answer,
    },
    /// An owner.
    Owner(Owner),
    /// A key is no owner any more.
    OwnerGone(PublicKey),
    /// A direct message of ours to an owner.
    Note(Note),
    /// A call that a human took over.
    Takeover(Takeover),
    /// It is the agent's again.
    TakeoverOver(CallId),
    /// What strangers may do, by an owner's word.
    Policy(Policy),
    /// A token.
    Invite(Invite),
    /// A token is worthless.
    InviteGone(u32),
    /// An entry of the event log.
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
}
