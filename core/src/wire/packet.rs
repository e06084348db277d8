//! What a rumor says, as types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{CallId, Conversation, InstanceId, PublicKey, RumorId, Sha256, StreamId};
use crate::text::{Blob, Text};
use crate::time::Time;

/// The rumor kind of everything but words. It never stands on a relay outside a gift wrap.
pub const CONTROL_KIND: u16 = 25714;
/// NIP-17 direct message.
pub const TEXT_KIND: u16 = 14;
/// The wire version that this crate speaks.
pub const VERSION: &str = "1";

/// Longest words of one message, in bytes of UTF-8: one padding step below the 64 KiB that relays
/// take (NIP-44 pads in steps).
pub const TEXT_LIMIT: usize = 24 * 1024;
/// Longest opening message, in bytes: it travels inside the offer.
pub const OPENING_LIMIT: usize = 8 * 1024;
/// Longest topic, in bytes.
pub const TOPIC_LIMIT: usize = 200;
/// Longest reason, in bytes.
pub const REASON_LIMIT: usize = 500;
/// Longest claimed name, in bytes.
pub const NAME_LIMIT: usize = 64;
/// Most options of an escalation, and the longest of them in bytes.
pub const OPTIONS_LIMIT: (usize, usize) = (10, 200);
/// Largest file that travels in chunks, in bytes.
pub const FILE_LIMIT: usize = 256 * 1024;
/// Bytes of file in one chunk: an event of 55 KB, safe for relays that stop at 64 KiB.
pub const CHUNK_SIZE: usize = 20 * 1024;
/// Most chunks of one file, for any chunk size that a peer may choose.
pub const CHUNKS_LIMIT: u64 = 256;

/// A place in a stream. Numbers start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The stream.
    pub stream: StreamId,
    /// The number.
    pub number: u64,
    /// Where the same words stood before their stream was abandoned.
    pub was: Option<RumorId>,
    /// The start of the id of the rumor before it in the stream: another one there means that a
    /// store was restored from a backup.
    pub prev: Option<[u8; 8]>,
}

impl Slot {
    /// A place with nothing known of what stood before it, or elsewhere.
    #[must_use]
    pub const fn new(stream: StreamId, number: u64) -> Self {
        Self { stream, number, was: None, prev: None }
    }
}

/// A receiver's word on one stream. Unnumbered, cumulative, never acknowledged itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The stream.
    pub stream: StreamId,
    /// Everything up to here is stored.
    pub upto: u64,
    /// The first eight bytes of the id of rumor `upto`: another rumor there means that a store
    /// was restored from a backup.
    pub id: Option<[u8; 8]>,
    /// Everything up to here was shown to the agent, as far as that is disclosed.
    pub read: u64,
    /// Ranges that are stored beyond a gap, both ends included.
    pub held: Vec<(u64, u64)>,
}

/// A rumor, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Who wrote it.
    pub from: PublicKey,
    /// Its id.
    pub id: RumorId,
    /// When, by the sender's clock, in seconds.
    pub created_at: u64,
    /// The sender's daemon.
    pub instance: Option<InstanceId>,
    /// Whether the human behind the sender speaks.
    pub by_human: bool,
    /// The messages that it is a reply to.
    pub reply_to: Vec<RumorId>,
    /// What it acknowledges beside what it says.
    pub acks: Vec<Ack>,
    /// What it says.
    pub body: Body,
}

/// What a rumor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Words from an ordinary app: kind 14 without any tag of ours.
    Plain(Text),
    /// A move in a call.
    Control(CallId, Control),
    /// Nothing but acknowledgements.
    Ack,
    /// The receiver stored another rumor under this number: open a new stream from there on.
    Reset(Slot),
    /// Something with a place in the text lane.
    Numbered(Conversation, Slot, Item),
    /// A piece of a file; numbers count pieces.
    Chunk(CallId, Slot, Blob),
    /// A run of a daemon to others under the same key.
    DuplicateInstance(DuplicateInstance),
}

/// What one run of a daemon says to another with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateInstance {
    /// When it started, by its clock.
    pub started: Time,
    /// The run that it answers; nothing in a hello to whoever is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<InstanceId>,
}

/// The control lane: idempotent, waits for nothing, may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The caller rings.
    Offer(Offer),
    /// The callee's daemon says that it rings there. Said to contacts only.
    Ringing,
    /// The callee takes the call.
    Accept(Accept),
    /// The caller confirms: both are in the call.
    Established,
    /// The callee does not take it. Repeated until [`Control::Ended`].
    Reject(Closing),
    /// The caller gives up. Repeated until [`Control::Ended`].
    Cancel(Closing),
    /// Either side ends it. Repeated until [`Control::Ended`].
    End(Closing),
    /// The answer to the three above.
    Ended,
}

/// A ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What it is about.
    pub topic: Text,
    /// The opening message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Text>,
    /// How long it rings, in seconds. The caller alone decides that it expired.
    pub lifetime: u64,
    /// The name the caller claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// A token of the callee's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<Text>,
}

/// A ring taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// A call of the callee's own that this one replaces, when both rang each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CallId>,
    /// The name the callee claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// How a call ended. The words on the wire are `snake_case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// After talking.
    Completed,
    /// The callee said no.
    Declined,
    /// The callee is in as many calls as it takes.
    Busy,
    /// The callee's daemon had it, or was online, and nobody answered.
    NoAnswer,
    /// No relay to reach the callee by, or no sign of it.
    Unreachable,
    /// The caller gave up.
    Cancelled,
    /// The other end fell silent.
    PeerLost,
    /// Both rang each other, and the other call goes on.
    Merged,
    /// Either side blocked the other.
    Blocked,
    /// A fault, and whatever a later version may say.
    #[serde(other)]
    Failed,
}

/// The last word on a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// How it ended.
    pub reason: Reason,
    /// A closing word.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub text: Text,
    /// The call that goes on, for [`Reason::Merged`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<CallId>,
    /// The last number of each of the sender's streams.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last: BTreeMap<StreamId, u64>,
}

impl Closing {
    /// A closing with nothing but a reason and a word.
    #[must_use]
    pub fn new(reason: Reason, text: impl Into<Text>) -> Self {
        Self { reason, text: text.into(), into: None, last: BTreeMap::new() }
    }
}

/// What has a place in the text lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Words.
    Text(Text),
    /// The sender put a question to its human.
    Escalation(Escalation),
    /// A file is coming in a lane of its own.
    File(FileOffer),
    /// What was said in the call in one direction, once it is over.
    Digest(Summary),
    /// This number will never hold anything.
    Void,
    /// A type of a later version: kept, acknowledged, shown as unsupported.
    Unknown(Text),
}

/// A question to the owner, as the peer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// What is asked.
    pub question: Text,
    /// Answers to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Text>,
}

/// What was said in one direction of a call, by the word of who sends this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whose messages.
    #[serde(rename = "of")]
    pub side: Side,
    /// All of them.
    #[serde(flatten)]
    pub digest: Digest,
}

/// A direction, as seen by who tells of it. The words on the wire are `snake_case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What this summary's sender said.
    Sender,
    /// What its receiver said, as it was heard.
    Receiver,
}

/// A file about to come in chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOffer {
    /// Its name; untrusted.
    pub name: Text,
    /// Bytes in whole.
    pub size: u64,
    /// SHA-256 of the whole.
    pub sha256: Sha256,
    /// The stream that carries the chunks.
    pub stream: StreamId,
    /// Bytes in each chunk but the last.
    pub chunk: u64,
}

impl FileOffer {
    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.size.div_ceil(self.chunk.max(1)).max(1)
    }
}
