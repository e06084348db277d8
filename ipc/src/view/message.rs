//! Messages and their receipts.

use serde::{Deserialize, Serialize};

use super::peer::PeerView;

/// Progress of an outgoing message. A receipt never overstates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Stored here; no relay has accepted the message.
    Queued,
    /// At least one relay accepted the message.
    Sent,
    /// The peer's daemon stored the message.
    Delivered,
    /// The peer's agent was shown the message.
    Read,
    /// Given up, or the call ended before the message could go out.
    Undelivered,
    /// Taken back before any relay was sent the message.
    Cancelled,
}

/// The receipt of an outgoing message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// The message's progress.
    pub state: DeliveryState,
    /// Number of relays that accepted the message.
    pub relays_ok: u32,
    /// Number of relays that the message was given to.
    pub relays: u32,
    /// The answer of each relay that answered; only in the result of `read`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<RelayReceiptView>,
    /// The diagnosis of a message that was not read yet; only in the result of `read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<DiagnosisView>,
}

/// Diagnosis of a message that was not read yet.
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

/// A relay's answer to a message of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayReceiptView {
    /// The relay's address; `*` stands for all when there was no relay to give the message to.
    pub url: String,
    /// True if the relay accepted the message.
    pub accepted: bool,
    /// The reason for a refusal, from the relay or from the connection; untrusted.
    pub cause: Option<String>,
}

/// Kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Text.
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
pub struct MessageView {
    /// `m41`.
    pub handle: String,
    /// The rumor id, 64 hex digits, the same on both ends.
    pub id: String,
    /// `c7`, or nothing for a direct message.
    pub call: Option<String>,
    /// The other end.
    pub peer: PeerView,
    /// True if this side wrote the message.
    pub outgoing: bool,
    /// True if the human behind that side wrote the message, not the agent.
    pub by_human: bool,
    /// The message's kind.
    pub kind: MessageKind,
    /// The text; for a file its name.
    pub text: String,
    /// `f3`, for a file.
    pub file: Option<String>,
    /// Time at which the message was written or arrived on this machine.
    pub at_ms: u64,
    /// Time of sending, in seconds by the sender's clock; absent for an opening message.
    #[serde(default)]
    pub sent_s: Option<u64>,
    /// The receipt, for outgoing messages.
    pub delivery: Option<DeliveryView>,
    /// True if the text was cut: `p2p read <handle>` shows all of it.
    pub truncated: bool,
    /// True if an owner of this agent wrote it, in a direct message.
    #[serde(default)]
    pub from_owner: bool,
    /// True for everything that a peer wrote.
    pub untrusted: bool,
}
