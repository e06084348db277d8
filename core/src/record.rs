//! Records that the engine keeps. They are plain values; the store writes them in its own format.

use crate::digest::{Entry, EntryFields};
use crate::ids::{CallId, Conversation, PublicKey, RumorId, Sha256, StreamId};
use crate::opening::opening_id;
use crate::text::Text;
use crate::time::Time;

/// The last number of each series of handles; handles are never reused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Last call handle (`c7`).
    pub calls: u32,
    /// Last message handle (`m41`).
    pub messages: u32,
    /// Last file handle (`f3`).
    pub files: u32,
    /// Last question handle (`q2`).
    pub questions: u32,
    /// Last number of an invite.
    pub invites: u32,
    /// Last number in the event log.
    pub events: u64,
}

/// Relation of a key to our agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Key without any history.
    Stranger,
    /// Key that may ring: our agent called or answered it, or allowed it.
    Allowed,
    /// Key whose messages and rings are all dropped.
    Blocked,
}

/// Kind of software behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaks {
    /// Not known yet.
    Unknown,
    /// Ordinary app: a message without any tag of ours arrived.
    Plain,
    /// Daemon like this one: valid presence or control was received.
    P2p,
}

/// Key with which our agent had contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Public key of the peer.
    pub key: PublicKey,
    /// Pet name, unique.
    pub name: Option<Text>,
    /// Name that the peer claimed last; untrusted.
    pub claimed: Option<Text>,
    /// Relation of the peer to our agent.
    pub standing: Standing,
    /// Kind of software behind the key.
    pub speaks: Speaks,
    /// Time of the first contact.
    pub since: Time,
}

impl Peer {
    /// Returns a peer without history.
    #[must_use]
    pub fn stranger(key: PublicKey, now: Time) -> Self {
        let (standing, speaks) = (Standing::Stranger, Speaks::Unknown);
        Self { key, name: None, claimed: None, standing, speaks, since: now }
    }
}

/// Content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(Text),
    /// Question that its author also put to their human.
    Escalation {
        /// Question.
        question: Text,
        /// Answers to choose from.
        options: Vec<Text>,
    },
    /// File.
    File {
        /// Handle of the file on this side.
        file: u32,
        /// Name of the file.
        name: Text,
    },
    /// Message type that this version does not know.
    Unsupported(Text),
}

impl Content {
    /// Returns the name of the content's type.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Escalation { .. } => "escalation",
            Self::File { .. } => "file",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// Returns the text to show: the text, the question and its options, or a name.
    #[must_use]
    pub fn shown(&self) -> Text {
        match self {
            Self::Text(text) => text.clone(),
            Self::Escalation { question, options } if options.is_empty() => question.clone(),
            Self::Escalation { question, options } => {
                format!("{}\n[{}]", question.as_str(), options.join(" / ")).into()
            }
            Self::File { name, .. } | Self::Unsupported(name) => name.clone(),
        }
    }
}

/// Delivery state of an outgoing message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Stored on this side.
    Queued,
    /// Accepted by a relay.
    Sent,
    /// Stored by the peer's daemon.
    Delivered,
    /// Given up, or never to be sent.
    Undelivered,
    /// Cancelled by our agent before it was transmitted.
    Cancelled,
}

/// Message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Handle (`m41`).
    pub handle: u32,
    /// Conversation of the message.
    pub conversation: Conversation,
    /// Key of the other side.
    pub peer: PublicKey,
    /// Author.
    pub by: Speaker,
    /// Rumor id, the same on both sides.
    pub rumor: RumorId,
    /// Place in a stream, if the message has one.
    pub slot: Option<(StreamId, u64)>,
    /// Content.
    pub content: Content,
    /// Time at which the message was written or arrived here.
    pub at: Time,
    /// Time of writing by the author's clock, in seconds.
    pub claimed_at: u64,
    /// Delivery state of an outgoing message.
    pub delivery: Delivery,
}

impl Message {
    /// Returns the message's entry. `file` is the hash of the file that the message announces.
    #[must_use]
    pub fn entry(&self, file: Option<Sha256>) -> Entry {
        let Self {
            by,
            content,
            // Part of `sent`.
            conversation: _,
            rumor: _,
            claimed_at: _,
            // Different on both ends.
            handle: _,
            peer: _,
            at: _,
            delivery: _,
            // A message may move to another stream.
            slot: _,
        } = self;
        let (kind, shown, by_human) = (content.kind(), &content.shown(), by.is_human());
        Entry::of(EntryFields { kind, shown, file, by_human, sent: self.sent() })
    }

    /// Returns the time at which the message was sent, in seconds by its sender's clock. An opening
    /// message has no time: each repetition of the ring has its own.
    #[must_use]
    pub fn sent(&self) -> Option<u64> {
        let opening = match self.conversation {
            Conversation::Call(call) => self.rumor == opening_id(call),
            Conversation::Direct(_) => false,
        };
        (!opening).then_some(self.claimed_at)
    }
}

/// State of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Chunks are still missing.
    Transferring,
    /// Complete: stored here at this path, or fully acknowledged by the peer.
    Complete(Option<Text>),
    /// Given up, with the reason.
    Failed(Text),
}

/// File of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Handle (`f3`).
    pub handle: u32,
    /// Call of the file.
    pub call: CallId,
    /// Key of the other side.
    pub peer: PublicKey,
    /// True if our side sends the file.
    pub outgoing: bool,
    /// Sanitized name.
    pub name: Text,
    /// Total size in bytes.
    pub size: u64,
    /// SHA-256 of the whole file.
    pub sha256: Sha256,
    /// Stream that carries the chunks.
    pub stream: StreamId,
    /// Size of a chunk in bytes.
    pub chunk: u64,
    /// State of the transfer.
    pub state: FileState,
    /// Time of the offer.
    pub at: Time,
}

/// Question to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Handle (`q2`).
    pub handle: u32,
    /// Call in which the question came up.
    pub call: CallId,
    /// Question.
    pub question: Text,
    /// Answers to choose from.
    pub options: Vec<Text>,
    /// True if the peer was not told of the question.
    pub quiet: bool,
    /// Time of asking.
    pub at: Time,
    /// Code by which an answer names the question: four characters of Crockford's base32.
    pub code: Text,
    /// Answer of the owner.
    pub answer: Option<Answer>,
}

/// Human who may command this agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Public key of the owner.
    pub key: PublicKey,
    /// Time of pairing.
    pub since: Time,
    /// Time before which the owner is sent no questions and no messages from calls.
    pub muted_until: Option<Time>,
}

/// Channel through which an owner's message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Direct message of this key.
    Dm(PublicKey),
    /// Terminal, with the passphrase or a code.
    Terminal,
}

/// Owner's answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Answer.
    pub text: Text,
    /// Channel through which the answer came.
    pub via: Via,
    /// Time of the answer.
    pub at: Time,
}

/// Direct message of ours to an owner, to which a reply may refer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// Rumor id of the message.
    pub rumor: RumorId,
    /// Owner who received the message.
    pub owner: PublicKey,
    /// Handle of the message.
    pub message: u32,
    /// Call that the message is about.
    pub call: Option<CallId>,
    /// Question that the message asks.
    pub question: Option<u32>,
    /// Time of sending.
    pub at: Time,
}

/// Call in which a human speaks instead of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takeover {
    /// Call that was taken over.
    pub call: CallId,
    /// Channel through which the human took over.
    pub by: Via,
    /// Time of the human's last message in the call.
    pub last: Time,
}

/// Token that lets its bearer ring. Only the hash of the token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// Number by which the invite is revoked.
    pub id: u32,
    /// SHA-256 of the token.
    pub hash: Sha256,
    /// Remaining number of uses.
    pub uses: u32,
    /// Time of expiry.
    pub expires: Time,
    /// Time of creation.
    pub at: Time,
}

/// Line of a call, as an owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Author.
    pub by: Speaker,
    /// Text of the message, or the name of a file.
    pub text: Text,
}

/// Author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Our agent.
    Agent,
    /// Our human.
    Human,
    /// Peer's agent.
    Peer,
    /// Peer's human.
    PeersHuman,
}

impl Speaker {
    /// Returns our agent or our human.
    #[must_use]
    pub const fn ours(human: bool) -> Self {
        if human { Self::Human } else { Self::Agent }
    }

    /// Returns the peer's agent or its human.
    #[must_use]
    pub const fn theirs(human: bool) -> Self {
        if human { Self::PeersHuman } else { Self::Peer }
    }

    /// Returns true for our agent and our human.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Agent | Self::Human)
    }

    /// Returns true for either side's human.
    #[must_use]
    pub const fn is_human(self) -> bool {
        matches!(self, Self::Human | Self::PeersHuman)
    }
}

/// Kind of an event log entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A contact rings.
    Ring,
    /// A stranger rings.
    Knock,
    /// The peer answered our ring.
    Answered,
    /// A message arrived.
    Message,
    /// A file is complete or failed.
    File,
    /// The owner answered a question.
    Reply,
    /// A call ended, not by our agent.
    End,
    /// A ring stopped before our agent answered it.
    Missed,
    /// A message of ours was given up.
    Undelivered,
    /// A notice to the agent.
    Notice,
}

/// Entry of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Number of the entry.
    pub seq: u64,
    /// Kind of event.
    pub kind: EventKind,
    /// Time of the event.
    pub at: Time,
    /// Conversation in which the event happened.
    pub conversation: Conversation,
    /// Handle of the message or file concerned.
    pub subject: Option<u32>,
    /// Explanation in a sentence of our own.
    pub text: Option<Text>,
}

/// Content type of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Messages and everything that has a place among them.
    Text,
    /// Messages to an ordinary app: without numbers on the wire, and done once a relay accepted
    /// them.
    Plain,
    /// Chunks of a file, with its handle once the file's offer is known.
    File(Option<u32>),
    /// Opening message of a call, which travels in the offer: a stream of a single message.
    Opening,
}

/// Sender's side of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOut {
    /// Stream id.
    pub id: StreamId,
    /// Conversation of the stream.
    pub conversation: Conversation,
    /// Receiver of the stream.
    pub peer: PublicKey,
    /// Content type of the stream.
    pub lane: Lane,
    /// Last number that was assigned.
    pub last: u64,
    /// Id of the rumor with the last number.
    pub last_id: Option<RumorId>,
    /// Highest number up to which the receiver stored everything.
    pub acked: u64,
    /// Highest number up to which the receiver's agent was shown everything.
    pub read: u64,
}

/// Receiver's side of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamIn {
    /// Stream id.
    pub id: StreamId,
    /// Conversation of the stream.
    pub conversation: Conversation,
    /// Sender of the stream.
    pub peer: PublicKey,
    /// Content type of the stream.
    pub lane: Lane,
    /// Cumulative ack: highest number up to which everything is stored.
    pub upto: u64,
    /// Id of the rumor with the number `upto`.
    pub upto_id: Option<RumorId>,
    /// Highest number up to which our agent was shown everything.
    pub read: u64,
}

/// Record of a call that ended before its offer arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// Id of the call.
    pub call: CallId,
    /// Peer that ended the call.
    pub peer: PublicKey,
    /// Reason for the end.
    pub reason: crate::wire::Reason,
    /// Time at which the end arrived.
    pub at: Time,
}
