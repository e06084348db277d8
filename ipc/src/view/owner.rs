//! The humans who own this agent.

use serde::{Deserialize, Serialize};

/// A human who owns this agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerView {
    /// NIP-19 public key.
    pub npub: String,
    /// The same key as 64 hex digits.
    pub hex: String,
    /// Time at which the owner was paired.
    pub since_ms: u64,
    /// Until when the owner is muted.
    pub muted_until_ms: Option<u64>,
}

/// An open pairing: whoever sends the code becomes an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingView {
    /// Time at which the code expires.
    pub expires_ms: u64,
    /// Number of wrong codes that close the pairing.
    pub tries_left: u32,
}
