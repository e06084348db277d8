//! The methods, each with its parameters and its result. They are named like the verbs.
//!
//! A method that waits takes `wait_ms` and answers by then with what is known; the daemon caps it
//! at [`MAX_WAIT_MS`]. Leaving a connection cancels only the waiting, never what was asked for.

mod invite;
mod mail;
mod owner;
mod purge;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::view::{
    Agent, Call, Channel, Comparison, Contact, Daemon, File, Identity, Message, Pending, Question,
    Relay, RelayAnswer,
};

pub use invite::{Invite, Invites, InvitesResult, MadeInvite, MakeInvite, RevokeInvite};
pub use mail::{
    Confirm, Inbox, InboxResult, Mark, PendingParams, Read, ReadResult, Wait, Watch, WatchResult,
};
pub use owner::{
    FollowQuestion, OrderKind, OwnerOrder, OwnerPair, OwnerShow, OwnerState, OwnerTold,
    PairingCode, SetPassphrase,
};
pub use purge::{KeptBecause, KeptCall, Purge, Purged, PurgedCall};

/// The longest wait of one request, in milliseconds.
pub const MAX_WAIT_MS: u64 = 10 * 60 * 1000;

/// A method: its name and what it answers with. The implementing type is its parameters.
pub trait Method: Serialize + DeserializeOwned {
    /// The name on the wire.
    const NAME: &'static str;
    /// What it answers with.
    type Result: Serialize + DeserializeOwned;
}

macro_rules! methods {
    ($($name:literal: $params:ty => $result:ty;)*) => {
        $(impl Method for $params { const NAME: &'static str = $name; type Result = $result; })*
        /// Every method's name, in the order of the table.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

methods! {
    "hello": Hello => HelloResult;
    "status": Status => StatusResult;
    "list": List => ListResult;
    "call": PlaceCall => PlacedCall;
    "follow_call": FollowCall => Call;
    "answer": Answer => Call;
    "send": Send => Sent;
    "dm": Dm => Sent;
    "follow_message": FollowMessage => Followed;
    "cancel": Cancel => Cancelled;
    "sendfile": SendFile => File;
    "files": Files => FilesResult;
    "file": FetchFile => FileBytes;
    "inbox": Inbox => InboxResult;
    "wait": Wait => InboxResult;
    "watch": Watch => WatchResult;
    "confirm": Confirm => Done;
    "read": Read => ReadResult;
    "pending": PendingParams => Pending;
    "escalate": Escalate => Question;
    "questions": Questions => QuestionsResult;
    "follow_question": FollowQuestion => Question;
    "owner": OwnerShow => OwnerState;
    "owner_pair": OwnerPair => PairingCode;
    "owner_order": OwnerOrder => OwnerTold;
    "owner_passphrase": SetPassphrase => Done;
    "end": End => Ended;
    "calls": Calls => CallsResult;
    "transcript": Transcript => TranscriptResult;
    "verify": Verify => Verified;
    "purge": Purge => Purged;
    "contacts": Contacts => ContactsResult;
    "contact": EditContact => EditedContact;
    "invite": MakeInvite => MadeInvite;
    "invites": Invites => InvitesResult;
    "invite_revoke": RevokeInvite => Done;
    "stop": Stop => Done;
}

/// Settles the version, and compares settings: the first request of every connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol versions that the client speaks.
    pub versions: Vec<u32>,
    /// Name and version of the client, for the log.
    pub client: String,
    /// The client's `P2P_*` variables that configure a daemon. One that differs from the running
    /// daemon's is the error `env_differs`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// The answer to [`Hello`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HelloResult {
    /// The version that both go on with.
    pub version: u32,
    /// The daemon's package version.
    pub daemon: String,
}

/// Everything `p2p` and `p2p status` show.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Status {
    /// Measure a round trip to each relay first.
    #[serde(default)]
    pub probe: bool,
    /// Whose unread items to count; the agent's own when left out.
    pub reader: Option<String>,
}

/// The answer to [`Status`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusResult {
    /// This agent.
    pub identity: Identity,
    /// The service.
    pub daemon: Daemon,
    /// Each relay.
    pub relays: Vec<Relay>,
    /// Seconds that the relays' clocks are ahead of this machine's, where that is much.
    pub clock_ahead_s: Option<i64>,
    /// Calls that are not over, and ended ones with unread items.
    pub calls: Vec<Call>,
    /// Questions that wait for the owner.
    pub questions: Vec<Question>,
    /// Unread direct messages.
    pub unread_dms: u32,
    /// What waits.
    pub pending: Pending,
    /// The number of the event log's last entry. What it tells of is in this answer already.
    #[serde(default)]
    pub seq: u64,
    /// The channels that are configured, and how they do.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// Since when another daemon runs with this key to which this one yielded, by its clock.
    #[serde(default)]
    pub twin_since_ms: Option<u64>,
    /// The npubs of the humans who own this agent.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// Asks the relays who is online.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct List {
    /// Only agents that announce this capability.
    pub can: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// How long to wait for relays, in milliseconds.
    pub wait_ms: u64,
}

/// The answer to [`List`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListResult {
    /// Who is online, newest announcement first; never this agent itself.
    pub agents: Vec<Agent>,
    /// Agents that were left out by the limit.
    pub more: u32,
    /// Which relays answered.
    pub relays: Vec<RelayAnswer>,
}

/// Places a call. The same peer and topic again return the call that is open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlaceCall {
    /// A contact's name, an npub, 64 hex digits, or a key prefix that `list` showed.
    pub agent: String,
    /// What it is about: at most 200 bytes.
    pub topic: String,
    /// The opening message: at most 8 KiB, sent with the ring, so that a missed call has it too.
    pub message: Option<String>,
    /// A note to ourselves.
    pub note: Option<String>,
    /// Another call, even if one with this topic is open.
    #[serde(default)]
    pub new: bool,
    /// How long it rings, in seconds; the configured lifetime when left out.
    pub ring_s: Option<u64>,
    /// How long to wait for a first relay at most, in milliseconds; a few seconds when left out.
    #[serde(default)]
    pub wait_ms: Option<u64>,
    /// A token of the callee's that lets us ring.
    #[serde(default)]
    pub invite: Option<String>,
}

/// The answer to [`PlaceCall`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlacedCall {
    /// The call, in whatever state it is.
    pub call: Call,
    /// False when an open call was returned.
    pub new: bool,
    /// The call was ringing here and was accepted by calling back.
    pub accepted: bool,
    /// The opening message's handle, when a new call carries one.
    pub message: Option<String>,
}

/// Waits until a call leaves the state that the client saw last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowCall {
    /// `c7` or the UUID.
    pub call: String,
    /// The state the client knows; answers at once when it is no longer so.
    pub seen: crate::view::CallState,
    /// How long to wait.
    pub wait_ms: u64,
}

/// Answers a call that rings here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// Which; may be left out when exactly one rings.
    pub call: Option<String>,
    /// Take it, or not.
    pub accept: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// Sends words in a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Send {
    /// Which; may be left out when it is clear.
    pub call: Option<String>,
    /// At most 24 KiB of UTF-8.
    pub text: String,
    /// Send even if the same words went out within two minutes.
    #[serde(default)]
    pub again: bool,
    /// The verb was `request`, which hints then repeat.
    #[serde(default)]
    pub request: bool,
}

/// Sends a direct message, outside any call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dm {
    /// As in [`PlaceCall::agent`].
    pub to: String,
    /// At most 24 KiB of UTF-8.
    pub text: String,
    /// Send even if the same words went out within two minutes.
    #[serde(default)]
    pub again: bool,
}

/// The answer to [`Send`] and [`Dm`]: the message is durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sent {
    /// The message.
    pub message: Message,
    /// The call, for `send`.
    pub call: Option<Call>,
    /// True when the same words had been sent within two minutes, and this is that message.
    pub repeated: bool,
}

/// Until when [`FollowMessage`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// At least one relay took it.
    Sent,
    /// The peer's daemon stored it.
    Delivered,
    /// The peer's agent was shown it.
    Read,
    /// The peer wrote something in that conversation after it.
    Reply,
}

/// Waits for a receipt or a reply.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowMessage {
    /// `m41`.
    pub message: String,
    /// What to wait for.
    pub until: Until,
    /// How long.
    pub wait_ms: u64,
}

/// The answer to [`FollowMessage`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Followed {
    /// The message as it stands.
    pub message: Message,
    /// Whether what was waited for is so.
    pub reached: bool,
    /// The call as it stands: it may have ended meanwhile.
    pub call: Option<Call>,
}

/// Takes back a message, or a file, that no relay was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cancel {
    /// `m41`, or `f3` for a file of ours.
    pub message: String,
}

/// The answer to [`Cancel`]: nobody will ever hear it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cancelled {
    /// The message as it stands.
    pub message: Message,
}

/// Sends a file in a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendFile {
    /// Which call; may be left out when it is clear.
    pub call: Option<String>,
    /// The name the peer sees; directories are cut off.
    pub name: String,
    /// The bytes in standard Base64: at most 256 KiB of them.
    pub base64: String,
}

/// Lists files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Files {
    /// Only those of this call.
    pub call: Option<String>,
}

/// The answer to [`Files`], newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FilesResult {
    /// The files.
    pub files: Vec<File>,
}

/// Fetches a received file's bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FetchFile {
    /// `f3`.
    pub file: String,
}

/// The answer to [`FetchFile`]: its hash was checked again just now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileBytes {
    /// What it is.
    pub file: File,
    /// The bytes in standard Base64.
    pub base64: String,
}

/// Asks the owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Escalate {
    /// Which call; may be left out when it is clear.
    pub call: Option<String>,
    /// The question.
    pub question: String,
    /// Answers to choose from.
    #[serde(default)]
    pub options: Vec<String>,
    /// Do not tell the peer.
    #[serde(default)]
    pub quiet: bool,
}

/// Lists questions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Questions {}

/// The answer to [`Questions`], newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QuestionsResult {
    /// The questions.
    pub questions: Vec<Question>,
}

/// Ends, cancels or refuses a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct End {
    /// Which; may be left out when it is clear.
    pub call: Option<String>,
    /// A closing word for the peer.
    pub reason: Option<String>,
}

/// The answer to [`End`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ended {
    /// The call.
    pub call: Call,
    /// The last messages, oldest first, at most twenty.
    pub messages: Vec<Message>,
    /// How many there are in whole.
    pub total: u32,
}

/// Lists calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Calls {
    /// At most so many.
    pub limit: u32,
}

/// The answer to [`Calls`], newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallsResult {
    /// The calls.
    pub calls: Vec<Call>,
    /// Older calls that were left out.
    pub more: u32,
}

/// Shows a call's messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transcript {
    /// `c7` or the UUID; the only or newest call when left out.
    pub call: Option<String>,
    /// Only messages after this handle, for paging.
    pub after: Option<String>,
    /// Only the last so many.
    pub tail: Option<u32>,
}

/// The answer to [`Transcript`]: a page of at most 600 KiB of text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriptResult {
    /// The call.
    pub call: Call,
    /// Oldest first, in full.
    pub messages: Vec<Message>,
    /// The files of the call.
    pub files: Vec<File>,
    /// What the owner was asked while these messages were said; oldest first.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// How many messages there are in whole.
    pub total: u32,
    /// What both ends have of it, once it is over.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// Pass this as `after` for the next page; nothing when this was the last.
    pub next: Option<String>,
}

/// Compares what both ends have of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verify {
    /// `c7` or the UUID.
    pub call: String,
    /// The messages of an exported transcript, to be checked instead of those that are stored.
    #[serde(default)]
    pub messages: Option<Vec<Message>>,
    /// Its files.
    #[serde(default)]
    pub files: Vec<File>,
    /// Whether who exported it placed the call: the other end's export is checked as such.
    #[serde(default)]
    pub placed: Option<bool>,
}

/// The answer to [`Verify`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verified {
    /// The call.
    pub call: Call,
    /// Whether an export was checked.
    pub exported: bool,
    /// What came of it.
    pub comparison: Comparison,
}

/// Lists contacts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Contacts {}

/// The answer to [`Contacts`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContactsResult {
    /// By name.
    pub contacts: Vec<Contact>,
}

/// What to do with a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactAction {
    /// Pin a name to a key.
    Add,
    /// Let it ring; undoes a block.
    Allow,
    /// Drop everything from it.
    Block,
    /// Forget it.
    Remove,
}

/// Changes a contact.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EditContact {
    /// What to do.
    pub action: ContactAction,
    /// Which agent, as in [`PlaceCall::agent`].
    pub agent: String,
    /// The pet name, for `add`; the name that it claims when left out.
    pub name: Option<String>,
}

/// The answer to [`EditContact`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EditedContact {
    /// The contact as it is now.
    #[serde(flatten)]
    pub contact: Contact,
    /// The pet name that `add` replaced.
    pub renamed_from: Option<String>,
}

/// Stops the daemon.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Stop {}

/// An empty answer.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Done {}
