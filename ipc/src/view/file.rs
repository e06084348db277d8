//! Files, sent and received.

use serde::{Deserialize, Serialize};

use super::peer::PeerView;

/// State of a file's transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileTransferState {
    /// Chunks are on their way.
    Transferring,
    /// Complete, with the right hash: stored here, or acknowledged by the peer.
    Complete,
    /// Given up; `cause` says why.
    Failed,
}

/// One file, sent or received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// `f3`.
    pub handle: String,
    /// `c7`.
    pub call: String,
    /// The other end.
    pub peer: PeerView,
    /// True if this agent sent the file.
    pub outgoing: bool,
    /// The name, made safe; the peer chose the name of a received file.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
    /// Bytes transferred until now.
    #[serde(alias = "done")]
    pub transferred: u64,
    /// SHA-256, 64 hex digits.
    pub sha256: String,
    /// The transfer's state.
    pub state: FileTransferState,
    /// The reason for a failure.
    pub cause: Option<String>,
    /// The path where a received file was stored.
    pub path: Option<String>,
    /// Time of the offer.
    pub at_ms: u64,
    /// True for received files.
    pub untrusted: bool,
}
