//! `purge`: deletes calls that are over.

use serde::{Deserialize, Serialize};

use crate::view::Call;

/// Deletes calls that are over, with all that was said in them and the files that came in them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Purge {
    /// This one: `c7` or the UUID.
    pub call: Option<String>,
    /// Those that ended so many days ago, or longer.
    pub older_than_days: Option<u32>,
    /// Do it; otherwise only what would be done is told.
    #[serde(default)]
    pub yes: bool,
}

/// The answer to [`Purge`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Purged {
    /// Whether it was done.
    pub done: bool,
    /// What was deleted, or would be.
    pub calls: Vec<PurgedCall>,
    /// Calls that are as old, and stay.
    pub kept: Vec<KeptCall>,
    /// Bytes that the store has on disk now.
    pub store_bytes: u64,
}

/// A call that is deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PurgedCall {
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// Messages in it.
    pub messages: u32,
    /// Files in it.
    pub files: u32,
}

/// A call that stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptCall {
    /// `c7`.
    pub handle: String,
    /// Why: `unread`, or `unfinished` where something of it is still on its way.
    pub why: KeptBecause,
}

/// Why a call stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptBecause {
    /// Somebody was not shown all of it.
    Unread,
    /// It is open, or something of it is still on its way.
    Unfinished,
}
