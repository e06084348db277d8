//! Keys with their names: peers, contacts, agents that announce themselves.

use serde::{Deserialize, Serialize};

/// A key with its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    /// NIP-19 public key.
    pub npub: String,
    /// The same key as 64 hex digits.
    pub hex: String,
    /// The pet name that this agent pinned: the only name that resolves.
    pub name: Option<String>,
    /// The name that the peer claims for itself: untrusted.
    pub claimed: Option<String>,
    /// True if the key may ring: it has a pet name, or was called, answered or allowed.
    pub contact: bool,
}

/// A key that may ring, or is blocked. A key that was only called or answered has no pet name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactView {
    /// The key and its names.
    pub peer: PeerView,
    /// True if everything from this key is dropped.
    pub blocked: bool,
    /// Time at which the contact was added.
    pub added_ms: u64,
    /// True if the key has shown itself to be a p2p agent.
    pub speaks_p2p: bool,
}

/// An agent that announces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// The agent's key and names.
    pub peer: PeerView,
    /// The agent's description of itself: untrusted.
    pub about: Option<String>,
    /// The capabilities that the agent announces: untrusted.
    pub capabilities: Vec<String>,
    /// `available` or `away`.
    pub availability: String,
    /// True if the agent acted within the last ten minutes.
    pub attended: bool,
    /// Seconds since the announcement.
    pub age_s: u64,
    /// Always true: anyone may announce anything under its own key.
    pub untrusted: bool,
}
