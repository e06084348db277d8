//! What the engine wants kept: plain records that the host's store writes in its own format.

use crate::digest::{Entry, EntryFields};
use crate::ids::{CallId, Conversation, PublicKey, RumorId, Sha256, StreamId};
use crate::opening::opening_id;
use crate::text::Text;
use crate::time::Time;

/// The last number of each series of handles; handles are never reused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// `c7`.
    pub calls: u32,
    /// `m41`.
    pub messages: u32,
    /// `f3`.
    pub files: u32,
    /// `q2`.
    pub questions: u32,
    /// Invites.
    pub invites: u32,
    /// The event log.
    pub events: u64,
}

/// What a key is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Never dealt with.
    Stranger,
    /// It may ring: we called it, answered it, or were told to let it.
    Allowed,
    /// Everything from it is dropped.
    Blocked,
}

/// What runs behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaks {
    /// Not known.
    Unknown,
    /// An ordinary app: it sent a message without any tag of ours.
    Plain,
    /// A daemon like this one: valid presence or control was seen.
    P2p,
}

/// A key that we dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The key.
    pub key: PublicKey,
    /// The pet name, unique.
    pub name: Option<Text>,
    /// The name it last claimed; untrusted.
    pub claimed: Option<Text>,
    /// What it is to us.
    pub standing: Standing,
    /// What runs behind it.
    pub speaks: Speaks,
    /// When it was first dealt with.
    pub since: Time,
}

impl Peer {
    /// A key without history.
    #[must_use]
    pub fn stranger(key: PublicKey, now: Time) -> Self {
        let (standing, speaks) = (Standing::Stranger, Speaks::Unknown);
        Self { key, name: None, claimed: None, standing, speaks, since: now }
    }
}

/// What a message holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Words.
    Text(Text),
    /// A question that its writer also put to its human.
    Escalation {
        /// What is asked.
        question: Text,
        /// Answers to choose from.
        options: Vec<Text>,
    },
    /// A file.
    File {
        /// Its handle here.
        file: u32,
        /// Its name.
        name: Text,
    },
    /// A type that this version does not know.
    Unsupported(Text),
}

impl Content {
    /// What it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Escalation { .. } => "escalation",
            Self::File { .. } => "file",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// What is shown of it: words, a question and its choices, a name.
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

/// How far an outgoing message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Durable here.
    Queued,
    /// A relay took it.
    Sent,
    /// The peer's daemon stored it.
    Delivered,
    /// Given up, or never to go out.
    Undelivered,
    /// Taken back by our agent before anybody had it.
    Cancelled,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `m41`.
    pub handle: u32,
    /// What it belongs to.
    pub conversation: Conversation,
    /// The other end.
    pub peer: PublicKey,
    /// Its author.
    pub by: Speaker,
    /// Its id, the same on both ends.
    pub rumor: RumorId,
    /// Its place, where it has one.
    pub slot: Option<(StreamId, u64)>,
    /// What it holds.
    pub content: Content,
    /// When it was written or arrived here.
    pub at: Time,
    /// When its writer says it was written, in seconds.
    pub claimed_at: u64,
    /// How far it got, for outgoing ones.
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

/// How a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Chunks are under way.
    Transferring,
    /// Stored here at this path, or acknowledged in whole by the peer.
    Complete(Option<Text>),
    /// Given up, and why.
    Failed(Text),
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `f3`.
    pub handle: u32,
    /// The call.
    pub call: CallId,
    /// The other end.
    pub peer: PublicKey,
    /// Whether we send it.
    pub outgoing: bool,
    /// A safe name.
    pub name: Text,
    /// Bytes in whole.
    pub size: u64,
    /// SHA-256 of the whole.
    pub sha256: Sha256,
    /// The lane.
    pub stream: StreamId,
    /// Bytes in a chunk.
    pub chunk: u64,
    /// How it stands.
    pub state: FileState,
    /// When it was offered.
    pub at: Time,
}

/// A question to the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `q2`.
    pub handle: u32,
    /// The call it came up in.
    pub call: CallId,
    /// What is asked.
    pub question: Text,
    /// Answers to choose from.
    pub options: Vec<Text>,
    /// Whether the peer was left out.
    pub quiet: bool,
    /// When.
    pub at: Time,
    /// By which an answer names it: four characters of Crockford's base32.
    pub code: Text,
    /// What the owner said.
    pub answer: Option<Answer>,
}

/// A human whose word counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub key: PublicKey,
    /// Since when.
    pub since: Time,
    /// No questions and no words of peers go there before.
    pub muted_until: Option<Time>,
}

/// How an owner's word came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By a direct message of this key.
    Dm(PublicKey),
    /// Typed at a terminal, with the passphrase or a code.
    Terminal,
}

/// An owner's answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What.
    pub text: Text,
    /// How it came.
    pub via: Via,
    /// When.
    pub at: Time,
}

/// A direct message of ours to an owner, to which a reply may refer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// Its id.
    pub rumor: RumorId,
    /// To whom.
    pub owner: PublicKey,
    /// Its handle.
    pub message: u32,
    /// The call that it is about.
    pub call: Option<CallId>,
    /// The question that it puts.
    pub question: Option<u32>,
    /// When.
    pub at: Time,
}

/// A call in which a human speaks instead of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takeover {
    /// Which.
    pub call: CallId,
    /// Who took it, and how.
    pub by: Via,
    /// When the human last spoke there.
    pub last: Time,
}

/// A token that lets whoever has it ring. Only its hash is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// By which it is revoked.
    pub id: u32,
    /// SHA-256 of the token.
    pub hash: Sha256,
    /// How often it can still be used.
    pub uses: u32,
    /// Until when.
    pub expires: Time,
    /// When it was made.
    pub at: Time,
}

/// One line of a call, as an owner is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose it is.
    pub by: Speaker,
    /// What was said; of a file its name.
    pub text: Text,
}

/// Who said something in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Our agent.
    Agent,
    /// Our human.
    Human,
    /// The other agent.
    Peer,
    /// The other agent's human.
    PeersHuman,
}

impl Speaker {
    /// Returns our agent or our human.
    #[must_use]
    pub const fn ours(human: bool) -> Self {
        if human { Self::Human } else { Self::Agent }
    }

    /// Returns the other agent or its human.
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

/// What an entry of the event log tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A contact rings.
    Ring,
    /// A stranger rings.
    Knock,
    /// Our ring was answered.
    Answered,
    /// A message arrived.
    Message,
    /// A file is whole, or failed.
    File,
    /// The owner answered.
    Reply,
    /// A call ended, not by our agent.
    End,
    /// A ring stopped before it was answered.
    Missed,
    /// A message of ours was given up.
    Undelivered,
    /// Something the agent should know.
    Notice,
}

/// An entry of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub seq: u64,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Time,
    /// Where.
    pub conversation: Conversation,
    /// The message or file it tells of.
    pub subject: Option<u32>,
    /// A sentence of our own.
    pub text: Option<Text>,
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Words and what has a place among them.
    Text,
    /// Words to an ordinary app: no numbers on the wire, and done once a relay took them.
    Plain,
    /// The chunks of a file; its handle, once the file's offer is known.
    File(Option<u32>),
    /// The opening message of a call, which travels in the offer: a stream of one.
    Opening,
}

/// The sender's side of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOut {
    /// Its id.
    pub id: StreamId,
    /// What it belongs to.
    pub conversation: Conversation,
    /// Who receives it.
    pub peer: PublicKey,
    /// What it carries.
    pub lane: Lane,
    /// The last number given out.
    pub last: u64,
    /// The id of the rumor that has it.
    pub last_id: Option<RumorId>,
    /// Stored by the receiver up to here.
    pub acked: u64,
    /// Shown to the receiver's agent up to here.
    pub read: u64,
}

/// The receiver's side of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamIn {
    /// Its id.
    pub id: StreamId,
    /// What it belongs to.
    pub conversation: Conversation,
    /// Who sends it.
    pub peer: PublicKey,
    /// What it carries.
    pub lane: Lane,
    /// Stored without a gap up to here.
    pub upto: u64,
    /// The id of that rumor.
    pub upto_id: Option<RumorId>,
    /// Shown to our agent up to here.
    pub read: u64,
}

/// A call that ended before it was known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The call.
    pub call: CallId,
    /// Who said so.
    pub peer: PublicKey,
    /// How it ended.
    pub reason: crate::wire::Reason,
    /// When it was heard.
    pub at: Time,
}
