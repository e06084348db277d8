//! `invite`: tokens that let strangers ring.

use serde::{Deserialize, Serialize};

/// Makes a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteParams {
    /// Number of strangers who may ring with the token.
    pub uses: u32,
    /// Hours until the token expires.
    pub hours: u32,
}

/// The answer to [`InviteParams`]. The token is not kept and never shown again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteResult {
    /// The invite.
    #[serde(flatten)]
    pub invite: InviteView,
    /// The token: whoever has it may ring.
    pub token: String,
    /// The npub to ring with the token.
    pub npub: String,
}

/// Lists the valid tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitesParams {}

/// The answer to [`InvitesParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InvitesResult {
    /// Oldest first.
    pub invites: Vec<InviteView>,
}

/// A valid token, without the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// The number that revokes the token.
    pub id: u32,
    /// Number of strangers who may still ring with the token.
    pub uses_left: u32,
    /// Time at which the token expires.
    pub expires_ms: u64,
    /// Time at which the token was created.
    pub created_ms: u64,
}

/// Revokes a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokeInviteParams {
    /// The token's number.
    pub id: u32,
}
