//! `invite`: tokens that let strangers ring.

use serde::{Deserialize, Serialize};

/// Makes a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MakeInvite {
    /// How many strangers may ring with it.
    pub uses: u32,
    /// For how many hours.
    pub hours: u32,
}

/// The answer to [`MakeInvite`]. The token is not kept and never shown again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MadeInvite {
    /// What is known of it.
    #[serde(flatten)]
    pub invite: Invite,
    /// The token: who has it may ring.
    pub token: String,
    /// Whom to ring with it.
    pub npub: String,
}

/// Lists the tokens that are good.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invites {}

/// The answer to [`Invites`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitesResult {
    /// Oldest first.
    pub invites: Vec<Invite>,
}

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// By which it is revoked.
    pub id: u32,
    /// How many strangers may still ring with it.
    pub uses: u32,
    /// Until when.
    pub expires_ms: u64,
    /// When it was made.
    pub made_ms: u64,
}

/// Makes a token worthless.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokeInvite {
    /// Which.
    pub id: u32,
}
