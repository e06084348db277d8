//! The humans whose word counts, as they are shown.

use serde::{Deserialize, Serialize};

/// A human whose word counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// NIP-19 public key.
    pub npub: String,
    /// The same key as 64 hex digits.
    pub hex: String,
    /// Since when.
    pub since_ms: u64,
    /// Until when this owner wants to hear nothing.
    pub muted_until_ms: Option<u64>,
}

/// A pairing that is open: whoever sends the code becomes an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairing {
    /// Until when the code is good.
    pub until_ms: u64,
    /// How many wrong codes close it.
    pub tries_left: u32,
}
