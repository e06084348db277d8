//! Calls, and the comparison of both ends' transcripts.

use serde::{Deserialize, Serialize};

use super::peer::PeerView;

/// State of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// We called; no sign of the peer yet.
    Dialing,
    /// We called; the peer's daemon says that the call rings there.
    Ringing,
    /// A contact rings us.
    Incoming,
    /// A stranger rings us: nothing was sent back.
    Knocking,
    /// We accepted; the caller has not confirmed yet.
    Connecting,
    /// Both ends are in the call.
    Active,
    /// The call has ended; `reason` says how.
    Ended,
}

/// Reason why a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Either side ended the call after talking.
    Completed,
    /// The callee said no.
    Declined,
    /// The callee is in as many calls as it takes.
    Busy,
    /// The callee's daemon had the call, or was online, and nobody answered.
    NoAnswer,
    /// No relay reaches the callee, or there was no sign of the callee.
    Unreachable,
    /// The caller gave up.
    Cancelled,
    /// The other end fell silent.
    PeerLost,
    /// Both ends rang each other, and the other call continues.
    Merged,
    /// Either side blocked the other.
    Blocked,
    /// An internal error.
    Failed,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// `c7`.
    pub handle: String,
    /// The call's UUID, the same on both ends.
    pub id: String,
    /// The other end.
    pub peer: PeerView,
    /// True if this agent placed the call.
    pub outgoing: bool,
    /// The call's state.
    pub state: CallState,
    /// The caller's topic: untrusted when `outgoing` is false.
    pub topic: String,
    /// A note to ourselves; never sent.
    pub note: Option<String>,
    /// Time at which the call was placed or came in.
    pub opened_ms: u64,
    /// Time at which the call became active.
    pub answered_ms: Option<u64>,
    /// Time at which the call ended.
    pub ended_ms: Option<u64>,
    /// Time at which a ringing call stops ringing.
    pub expires_ms: Option<u64>,
    /// The reason why the call ended.
    pub reason: Option<EndReason>,
    /// The closing message of the side that ended the call: untrusted when `ended_by_peer`.
    pub reason_text: Option<String>,
    /// True if the peer ended the call.
    pub ended_by_peer: bool,
    /// The call that this one became, when both ends rang each other.
    pub merged_into: Option<String>,
    /// Items that the default reader has not been shown.
    pub unread: u32,
    /// The side whose turn it is; absent before the first message.
    pub turn: Option<Turn>,
    /// Time at which the last message was written or arrived.
    #[serde(alias = "last_ms")]
    pub last_message_ms: Option<u64>,
    /// True if the owner speaks in this call, instead of the agent.
    #[serde(default)]
    pub taken_over: bool,
}

/// The side that is to speak next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The peer wrote last.
    Mine,
    /// We wrote last.
    Theirs,
}

/// Digest of the messages in one direction of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestView {
    /// Number of messages.
    pub count: u64,
    /// SHA-256 over all of them, 64 hex digits.
    pub sha256: String,
}

/// Result of comparing the transcripts of both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonOutcome {
    /// The peer's daemon confirmed both directions.
    Same,
    /// The peer has another transcript.
    Different,
    /// The peer has not confirmed, or not both directions.
    Unconfirmed,
}

/// The transcripts of both ends of a call, compared by their digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonView {
    /// The result.
    #[serde(alias = "agreement")]
    pub outcome: ComparisonOutcome,
    /// The messages that we sent.
    #[serde(alias = "said")]
    pub sent: DigestView,
    /// The messages that the peer says it received from us.
    #[serde(alias = "peer_heard")]
    pub peer_received: Option<DigestView>,
    /// The messages that we received.
    #[serde(alias = "heard")]
    pub received: DigestView,
    /// The messages that the peer says it sent.
    #[serde(alias = "peer_said")]
    pub peer_sent: Option<DigestView>,
}
