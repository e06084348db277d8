//! Types of the content of a rumor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::{CallId, Conversation, InstanceId, PublicKey, RumorId, Sha256, StreamId};
use crate::text::{Blob, Text};
use crate::time::Time;

/// Rumor kind of everything but text. No such event is ever published outside a gift wrap.
pub const CONTROL_KIND: u16 = 25714;
/// Kind of a NIP-17 direct message.
pub const TEXT_KIND: u16 = 14;
/// Wire version that this crate speaks.
pub const VERSION: &str = "1";

/// Maximum length of a message's text, in bytes of UTF-8: one padding step below the 64 KiB that
/// relays accept (NIP-44 pads in steps).
pub const TEXT_LIMIT: usize = 24 * 1024;
/// Maximum length of an opening message, in bytes: it travels inside the offer.
pub const OPENING_LIMIT: usize = 8 * 1024;
/// Maximum length of a topic, in bytes.
pub const TOPIC_LIMIT: usize = 200;
/// Maximum length of a reason, in bytes.
pub const REASON_LIMIT: usize = 500;
/// Maximum length of a claimed name, in bytes.
pub const NAME_LIMIT: usize = 64;
/// Maximum number of options of an escalation, and maximum length of an option in bytes.
pub const OPTIONS_LIMIT: (usize, usize) = (10, 200);
/// Maximum size of a file that travels in chunks, in bytes.
pub const FILE_LIMIT: usize = 256 * 1024;
/// Size of a chunk in bytes of the file. It makes an event of 55 KB, safe for relays with a limit
/// of 64 KiB.
pub const CHUNK_SIZE: usize = 20 * 1024;
/// Maximum number of chunks of a file, for any chunk size that a peer may choose.
pub const CHUNKS_LIMIT: u64 = 256;

/// Place in a stream. Numbers start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Stream.
    pub stream: StreamId,
    /// Number in the stream.
    pub number: u64,
    /// Id of the rumor that held the same message in an abandoned stream.
    pub was: Option<RumorId>,
    /// Start of the id of the previous rumor in the stream. A different rumor there means that a
    /// store was restored from a backup.
    pub prev: Option<[u8; 8]>,
}

impl Slot {
    /// Returns a place without a previous rumor and without an earlier place.
    #[must_use]
    pub const fn new(stream: StreamId, number: u64) -> Self {
        Self { stream, number, was: None, prev: None }
    }
}

/// Cumulative acknowledgement of a stream by its receiver. It has no number and is never
/// acknowledged itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Stream.
    pub stream: StreamId,
    /// Cumulative ack: highest number up to which everything is stored.
    pub upto: u64,
    /// First eight bytes of the id of rumor `upto`. A different rumor there means that a store was
    /// restored from a backup.
    pub id: Option<[u8; 8]>,
    /// Highest number up to which the agent was shown everything, as far as that is disclosed.
    pub read: u64,
    /// Ranges that are stored out of order beyond a gap, both ends included.
    pub held: Vec<(u64, u64)>,
}

/// Decoded rumor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Key of the author.
    pub from: PublicKey,
    /// Rumor id.
    pub id: RumorId,
    /// Time of writing by the sender's clock, in seconds.
    pub created_at: u64,
    /// Run of the sender's daemon.
    pub instance: Option<InstanceId>,
    /// True if the human behind the sender speaks.
    pub by_human: bool,
    /// Messages to which this rumor replies.
    pub reply_to: Vec<RumorId>,
    /// Acknowledgements that travel with the rumor.
    pub acks: Vec<Ack>,
    /// Content.
    pub body: Body,
}

/// Content of a rumor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Text from an ordinary app: kind 14 without any tag of ours.
    Plain(Text),
    /// Control message of a call.
    Control(CallId, Control),
    /// Acknowledgements without other content.
    Ack,
    /// Request to open a new stream from this number on: the receiver stored another rumor under
    /// it.
    Reset(Slot),
    /// Item with a place in the text lane.
    Numbered(Conversation, Slot, Item),
    /// Chunk of a file; the numbers count chunks.
    Chunk(CallId, Slot, Blob),
    /// Message of a daemon run to other runs with the same key.
    DuplicateInstance(DuplicateInstance),
}

/// Message of a daemon run to another run with the same key: a probe, or the answer to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateInstance {
    /// Start time of the run by its own clock.
    pub started: Time,
    /// Run to which this is the answer; `None` in a probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<InstanceId>,
}

/// Control message of a call. Control messages are idempotent, unnumbered, and may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The caller rings.
    Offer(Offer),
    /// The callee's daemon confirms that the call rings there. Sent to contacts only.
    Ringing,
    /// The callee accepts the call.
    Accept(Accept),
    /// The caller confirms: both are in the call.
    Established,
    /// The callee rejects the call. Repeated until [`Control::Ended`].
    Reject(Closing),
    /// The caller gives up. Repeated until [`Control::Ended`].
    Cancel(Closing),
    /// Either side ends the call. Repeated until [`Control::Ended`].
    End(Closing),
    /// Confirmation of `Reject`, `Cancel` or `End`.
    Ended,
}

/// Ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Topic of the call.
    pub topic: Text,
    /// Opening message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Text>,
    /// Duration of ringing, in seconds. Only the caller decides that the ring expired.
    pub lifetime: u64,
    /// Name that the caller claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Invite token of the callee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<Text>,
}

/// Acceptance of a ring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    /// Call of the callee that the accepted call replaces, when both rang each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CallId>,
    /// Name that the callee claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
}

/// Reason for the end of a call. Values on the wire are `snake_case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The conversation was finished.
    Completed,
    /// The callee declined.
    Declined,
    /// The callee is at its limit of calls.
    Busy,
    /// The callee's daemon received the ring, or was online, but the ring was not answered.
    NoAnswer,
    /// No relay is known for the callee, or the callee showed no sign of life.
    Unreachable,
    /// The caller gave up.
    Cancelled,
    /// The other end fell silent.
    PeerLost,
    /// Both rang each other, and the other call goes on.
    Merged,
    /// Either side blocked the other.
    Blocked,
    /// An error, or any reason of a later version.
    #[serde(other)]
    Failed,
}

/// Content of the final control message of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Reason for the end.
    pub reason: Reason,
    /// Closing text.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub text: Text,
    /// Call that goes on, for [`Reason::Merged`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<CallId>,
    /// Last number of each of the sender's streams.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last: BTreeMap<StreamId, u64>,
}

impl Closing {
    /// Returns a closing with only a reason and a text.
    #[must_use]
    pub fn new(reason: Reason, text: impl Into<Text>) -> Self {
        Self { reason, text: text.into(), into: None, last: BTreeMap::new() }
    }
}

/// Item with a place in the text lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Text.
    Text(Text),
    /// Question that the sender put to its human.
    Escalation(Escalation),
    /// File that follows in a lane of its own.
    File(FileOffer),
    /// Transcript digest of one direction, sent after the call ended.
    Digest(Summary),
    /// Empty item: this number will never hold anything else.
    Void,
    /// Type of a later version: stored, acknowledged, and shown as unsupported.
    Unknown(Text),
}

/// Question to the owner, as reported to the peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// Question.
    pub question: Text,
    /// Answers to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Text>,
}

/// Transcript digest of one direction of a call, by its sender's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Side whose messages the digest covers.
    #[serde(rename = "of")]
    pub side: Side,
    /// Digest of all these messages.
    #[serde(flatten)]
    pub digest: Digest,
}

/// Direction of a call, seen from the sender of the digest. Values on the wire are `snake_case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Messages that the sender of the digest sent.
    Sender,
    /// Messages that the receiver of the digest sent, as they arrived.
    Receiver,
}

/// Announcement of a file that follows in chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOffer {
    /// Name of the file; untrusted.
    pub name: Text,
    /// Total size in bytes.
    pub size: u64,
    /// SHA-256 of the whole file.
    pub sha256: Sha256,
    /// Stream that carries the chunks.
    pub stream: StreamId,
    /// Size of each chunk but the last, in bytes.
    pub chunk: u64,
}

impl FileOffer {
    /// Returns the number of chunks.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.size.div_ceil(self.chunk.max(1)).max(1)
    }
}
