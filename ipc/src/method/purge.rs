//! `purge`: deletes ended calls.

use serde::{Deserialize, Serialize};

use crate::view::CallView;

/// Deletes ended calls, with their messages and the files that came in them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PurgeParams {
    /// This call: `c7` or the UUID.
    pub call: Option<String>,
    /// Calls that ended this many days ago, or longer.
    pub older_than_days: Option<u32>,
    /// Delete; otherwise the answer only lists the calls.
    #[serde(default)]
    pub confirmed: bool,
}

/// The answer to [`PurgeParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PurgeResult {
    /// True if the calls were deleted.
    pub deleted: bool,
    /// The calls that were deleted, or would be.
    pub calls: Vec<PurgedCall>,
    /// Calls that are as old, and stay.
    pub kept: Vec<KeptCall>,
    /// Size of the store on disk now, in bytes.
    pub store_bytes: u64,
}

/// A call that is deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PurgedCall {
    /// The call.
    #[serde(flatten)]
    pub call: CallView,
    /// Number of its messages.
    pub messages: u32,
    /// Number of its files.
    pub files: u32,
}

/// A call that stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptCall {
    /// `c7`.
    pub handle: String,
    /// The reason why the call stays.
    pub reason: KeptReason,
}

/// Reason why a call stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptReason {
    /// A reader has not been shown all of it.
    Unread,
    /// The call is open, or something of it is still on its way.
    Unfinished,
}
