//! What the daemon shows of its state: plain values with stable field names.
//!
//! Times are milliseconds since the Unix epoch, by this machine's clock, in fields that end in
//! `_ms`. A field that holds text a peer wrote stands in a value with `"untrusted": true`, or
//! says so in its own documentation.

mod owner;

use serde::{Deserialize, Serialize};

pub use owner::{Owner, Pairing};

/// A key and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// NIP-19 public key.
    pub npub: String,
    /// The same key as 64 hex digits.
    pub hex: String,
    /// The pet name that this agent pinned: the only name that resolves.
    pub name: Option<String>,
    /// The name that the peer claims for itself: untrusted.
    pub claimed: Option<String>,
    /// Whether the key may ring: it has a pet name, or was called, answered or allowed.
    pub contact: bool,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// We called; no sign of the peer yet.
    Dialing,
    /// We called; the peer's daemon says that it rings there.
    Ringing,
    /// A contact rings us.
    Incoming,
    /// A stranger rings us: nothing was sent back.
    Knocking,
    /// We accepted; the caller has not confirmed yet.
    Connecting,
    /// Both ends are in the call.
    Active,
    /// It is over; `reason` says how.
    Ended,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Either side ended it after talking.
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
    /// Both rang each other; the other call goes on.
    Merged,
    /// Either side blocked the other.
    Blocked,
    /// A fault.
    Failed,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// `c7`.
    pub handle: String,
    /// The call's UUID, the same on both ends.
    pub id: String,
    /// The other end.
    pub peer: Peer,
    /// Whether this agent placed the call.
    pub outgoing: bool,
    /// Where it stands.
    pub state: CallState,
    /// What the caller wants to talk about: untrusted when `outgoing` is false.
    pub topic: String,
    /// A note to ourselves; never sent.
    pub note: Option<String>,
    /// When it was placed or came in.
    pub opened_ms: u64,
    /// When it became active.
    pub answered_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// When a call that rings stops ringing.
    pub expires_ms: Option<u64>,
    /// How it ended.
    pub reason: Option<EndReason>,
    /// What the side that ended it said: untrusted when `ended_by_peer`.
    pub reason_text: Option<String>,
    /// Whether the peer's word ended it.
    pub ended_by_peer: bool,
    /// The call that this one became, when both rang each other.
    pub merged_into: Option<String>,
    /// Items that the default reader has not been shown.
    pub unread: u32,
    /// Whose turn it is by who wrote last: `mine`, `theirs`, or nothing before the first message.
    pub turn: Option<Turn>,
    /// When the last message was written or arrived.
    pub last_ms: Option<u64>,
    /// Whether the owner speaks there now, and not this agent.
    #[serde(default)]
    pub taken_over: bool,
}

/// Who is to speak next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The peer wrote last.
    Mine,
    /// We wrote last.
    Theirs,
}

/// How far a message got. Nothing shows more than is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Durable here; no relay has taken it.
    Queued,
    /// At least one relay took it.
    Sent,
    /// The peer's daemon stored it.
    Delivered,
    /// The peer's agent was shown it.
    Read,
    /// It was given up, or the call ended before it could go out.
    Undelivered,
    /// It was taken back before any relay was sent it.
    Cancelled,
}

/// The receipt of an outgoing message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How far it got.
    pub state: DeliveryState,
    /// Relays that took it.
    pub relays_ok: u32,
    /// Relays that it was given to.
    pub relays: u32,
    /// What each relay said that answered: in `read` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<RelayReceipt>,
    /// The message's outlook: in `read` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<DiagnosisView>,
}

/// What is known about a message that was not read yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisView {
    /// The next event; nothing more happens to a message without one.
    pub waits_for: Option<WaitsForView>,
    /// Number of times that the daemon gave the message to the relays since its start.
    pub attempts: u32,
    /// The time of the next attempt, if nothing happens before.
    pub next_attempt_ms: Option<u64>,
    /// The last sign of life of the peer.
    pub peer_seen_ms: Option<u64>,
    /// The reason why the message was given up.
    pub problem: Option<String>,
}

/// The event that a message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsForView {
    /// The call is not answered yet.
    Answer,
    /// No relay has accepted the message.
    Relay,
    /// The peer's daemon has not acknowledged the message.
    Acknowledgement,
}

/// What a relay said of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayReceipt {
    /// Its address; `*` stands for all, where it could be given to none.
    pub url: String,
    /// Whether it took it.
    pub ok: bool,
    /// Why not: words of the relay or of the connection; untrusted.
    pub cause: Option<String>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Words.
    Text,
    /// A question that its side also put to its human.
    Escalation,
    /// A file; `file` names it.
    File,
    /// A type that this version does not know.
    Unsupported,
}

/// One message of a call, or a direct message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `m41`.
    pub handle: String,
    /// The rumor id, 64 hex digits, the same on both ends.
    pub id: String,
    /// `c7`, or nothing for a direct message.
    pub call: Option<String>,
    /// The other end.
    pub peer: Peer,
    /// Whether this agent wrote it.
    pub outgoing: bool,
    /// Whether the human behind that side said it, and not the agent.
    pub by_human: bool,
    /// What it is.
    pub kind: MessageKind,
    /// The words; for a file its name.
    pub text: String,
    /// `f3`, for a file.
    pub file: Option<String>,
    /// When it was written here, or arrived here.
    pub at_ms: u64,
    /// When it was sent, in seconds by its sender's clock; nothing for an opening message.
    #[serde(default)]
    pub sent_s: Option<u64>,
    /// For outgoing messages.
    pub delivery: Option<Delivery>,
    /// The rest was cut: `p2p read <handle>` shows it.
    pub truncated: bool,
    /// Whether an owner of this agent wrote it, in a direct message.
    #[serde(default)]
    pub from_owner: bool,
    /// True for everything that a peer wrote.
    pub untrusted: bool,
}

/// What was said in one direction of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// How many messages.
    pub count: u64,
    /// SHA-256 over all of them, 64 hex digits.
    pub sha256: String,
}

/// Whether both ends of a call have the same of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// The peer's daemon said so for both directions.
    Same,
    /// It has something else.
    Different,
    /// It has not said, or not for both directions.
    Unconfirmed,
}

/// What both ends have of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// What it comes to.
    pub agreement: Agreement,
    /// What we said.
    pub said: Digest,
    /// What the peer heard of it, by its word.
    pub peer_heard: Option<Digest>,
    /// What we heard.
    pub heard: Digest,
    /// What the peer said, by its word.
    pub peer_said: Option<Digest>,
}

/// How a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Chunks are on their way.
    Transferring,
    /// Whole, with the right hash: stored here, or acknowledged by the peer.
    Complete,
    /// Given up; `cause` says why.
    Failed,
}

/// One file, sent or received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// `f3`.
    pub handle: String,
    /// `c7`.
    pub call: String,
    /// The other end.
    pub peer: Peer,
    /// Whether this agent sent it.
    pub outgoing: bool,
    /// The name, made safe; for a received file chosen by the peer.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes that got through so far.
    pub done: u64,
    /// SHA-256, 64 hex digits.
    pub sha256: String,
    /// How it stands.
    pub state: FileState,
    /// Why it failed.
    pub cause: Option<String>,
    /// Where a received file was stored.
    pub path: Option<String>,
    /// When it was offered.
    pub at_ms: u64,
    /// True for received files.
    pub untrusted: bool,
}

/// Whether a question to the owner still waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    /// The owner has not answered.
    Open,
    /// The owner answered.
    Answered,
    /// The call was over before an answer came.
    Closed,
}

/// A question to the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// `q2`.
    pub handle: String,
    /// `c7`.
    pub call: String,
    /// The other end of that call.
    pub peer: Peer,
    /// What was asked.
    pub question: String,
    /// Answers to choose from.
    pub options: Vec<String>,
    /// Whether the peer was left out.
    pub quiet: bool,
    /// When it was asked.
    pub at_ms: u64,
    /// Whether it still waits.
    pub state: QuestionState,
    /// By which an answer names it: `K7QX`.
    #[serde(default)]
    pub code: String,
    /// The owner's channels that took it: `dm`, `command`, …
    pub told: Vec<String>,
    /// The owner's channels that are still being tried.
    #[serde(default)]
    pub telling: Vec<String>,
    /// The owner's channels that did not.
    pub failed: Vec<String>,
    /// How far the message got that passed it on to the peer; nothing for a quiet one.
    pub peer_delivery: Option<Delivery>,
    /// The owner's answer.
    pub answer: Option<String>,
    /// When it came.
    #[serde(default)]
    pub answered_ms: Option<u64>,
    /// How it came: `dm` or `terminal`.
    #[serde(default)]
    pub answer_via: Option<String>,
}

/// What an item of the inbox tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A contact rings.
    Ring,
    /// A stranger rings.
    Knock,
    /// A call of ours was answered.
    Answered,
    /// Words, or an escalation by the peer.
    Message,
    /// A file is whole, or failed.
    File,
    /// The owner answered a question.
    Reply,
    /// A call ended.
    End,
    /// A call rang and stopped before it was answered.
    Missed,
    /// A message of ours was given up.
    Undelivered,
    /// Something that the agent should know about a conversation.
    Notice,
}

/// One item of the inbox: an entry of the event log, with what it points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its number in the log: grows, never reused.
    pub seq: u64,
    /// What happened.
    pub kind: ItemKind,
    /// When.
    pub at_ms: u64,
    /// The call it belongs to.
    pub call: Option<Call>,
    /// The message.
    pub message: Option<Message>,
    /// The file.
    pub file: Option<File>,
    /// The question, with the answer that came to it.
    #[serde(default)]
    pub question: Option<Question>,
    /// A plain sentence of our own, for notices.
    pub text: Option<String>,
}

/// A way to tell the owner, or to wake the agent, besides what waits in the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// `dm`, `command`, `webhook`, `openclaw` or `desktop`.
    pub name: String,
    /// `ok`, `failing` or `unusable`.
    pub state: String,
    /// What it has not taken: it is tried again, or was given up and is not read yet.
    pub undelivered: u32,
    /// Why it fails, or what is wrong with it though it works.
    pub cause: Option<String>,
    /// Since when it fails.
    pub since_ms: Option<u64>,
}

/// A relay's part in what we do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// Its address.
    pub url: String,
    /// `presence`, `inbox`, `index`, or `peer` for one that only a peer uses.
    pub roles: Vec<String>,
    /// Whether a connection is up now.
    pub connected: bool,
    /// `connected`, `not listening`, `connecting`, `waiting to retry`, …
    pub state: String,
    /// Why it is not connected, or what it last refused.
    pub cause: Option<String>,
    /// Since when it is in this state.
    pub since_ms: u64,
    /// Whether it serves our inbox subscription now.
    pub listening: bool,
    /// Round trip in milliseconds, measured by `status --probe`.
    pub rtt_ms: Option<u64>,
    /// Why it did not take the last event that was written to it.
    pub refusal: Option<String>,
    /// Since when it takes none.
    pub refusing_since_ms: Option<u64>,
    /// Events a minute that are written to it, where it showed that there is a limit.
    pub writes_per_minute: Option<u32>,
    /// What it says that it demands, in words.
    pub demands: Vec<String>,
}

/// An agent that announces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its key and names.
    pub peer: Peer,
    /// What it says of itself: untrusted.
    pub about: Option<String>,
    /// What it says it can do: untrusted.
    pub capabilities: Vec<String>,
    /// `available` or `away`.
    pub availability: String,
    /// Whether its agent acted within the last ten minutes.
    pub attended: bool,
    /// Seconds since it announced itself.
    pub age_s: u64,
    /// Always true: anyone may announce anything under its own key.
    pub untrusted: bool,
}

/// What one relay answered to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayAnswer {
    /// Its address.
    pub url: String,
    /// Whether it answered in time.
    pub answered: bool,
    /// Why not.
    pub cause: Option<String>,
}

/// A key that may ring, or is blocked; one that was only called or answered has no pet name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The key and its names.
    pub peer: Peer,
    /// Whether everything from this key is dropped.
    pub blocked: bool,
    /// When it was added.
    pub added_ms: u64,
    /// Whether the key has shown itself to be an agent of ours.
    pub speaks_p2p: bool,
}

/// This agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The announced name.
    pub name: String,
    /// NIP-19 public key.
    pub npub: String,
    /// The same key as 64 hex digits.
    pub hex: String,
    /// What is announced about it.
    pub about: Option<String>,
    /// Announced capabilities.
    pub capabilities: Vec<String>,
    /// Where the secret key is kept.
    pub path: String,
    /// `public` or `off`.
    pub presence: String,
    /// Whether the identity was made by this run of the daemon.
    pub new: bool,
}

/// What waits for the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pending {
    /// Calls that ring here, knocks among them.
    pub ringing: u32,
    /// Items that the reader was not shown.
    pub unread: u32,
    /// Questions that the owner has not answered, in calls that are not over.
    pub questions: u32,
    /// At most 170 characters of our own words, or nothing when nothing waits.
    pub line: Option<String>,
}

/// The running service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    /// The package version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started_ms: u64,
    /// `autostarted` (a process of its own), `transient` (by `systemd-run`), `service` (a unit of
    /// systemd) or `foreground`.
    pub how: String,
    /// Random per start; carried in presence, so that two daemons with one key notice.
    pub instance: String,
    /// Where everything is kept.
    pub paths: Paths,
}

/// Where things are on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// The configuration file (it need not exist).
    pub config: String,
    /// The database.
    pub store: String,
    /// Received files.
    pub downloads: String,
    /// The log.
    pub log: String,
    /// The socket.
    pub socket: String,
}
