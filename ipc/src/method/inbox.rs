//! `inbox`, `wait`, `watch`, `read`, `pending`: reading once, with a wait, as a stream.

use serde::{Deserialize, Serialize};

use crate::view::{CallView, FileView, ItemKind, ItemView, MessageView, QuestionView};

/// Reads unread items. An item counts as read only after [`ConfirmParams`] says so.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct InboxParams {
    /// The reader whose cursor to use; the agent's own when left out.
    pub reader: Option<String>,
    /// Only this call.
    pub call: Option<String>,
    /// This many of the newest items instead, read or not; moves no cursor.
    pub last: Option<u32>,
    /// Maximum number of items.
    pub limit: u32,
    /// Maximum number of bytes of text in all; a longer message is cut.
    pub max_bytes: u32,
}

/// Waits for [`InboxParams`] to have something to read, or for the named call to end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WaitParams {
    /// The items to read.
    pub inbox: InboxParams,
    /// Return only when an unread item of one of these kinds is there; any kind when empty.
    #[serde(default)]
    pub kinds: Vec<ItemKind>,
    /// Maximum wait, in milliseconds.
    pub wait_ms: u64,
}

/// The answer to [`InboxParams`] and [`WaitParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxResult {
    /// Oldest first.
    pub items: Vec<ItemView>,
    /// Number of unread items beyond the limits.
    pub remaining: u32,
    /// Send these as [`ConfirmParams::marks`] once the items were shown: one mark for each item.
    pub marks: Vec<ReadMark>,
    /// The named call, or the only open one.
    pub call: Option<CallView>,
    /// Our last message in that call, with its receipt.
    pub last_sent: Option<MessageView>,
    /// True if the named call has ended and no file of it is on its way: nothing more will come.
    #[serde(default)]
    pub finished: bool,
    /// Number of messages at the end of that call that were short and asked nothing; absent when
    /// there are too few to suggest ending the call.
    #[serde(default)]
    pub small_talk: Option<u32>,
}

/// A position in the log, in one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// The conversation, opaque.
    pub conversation: String,
    /// The last entry that was shown.
    pub seq: u64,
}

/// Reads the event log behind a number, once there is an entry. A client that asks repeatedly
/// follows the log at its own pace, and costs the daemon nothing in between.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WatchParams {
    /// Only entries that this reader has not been shown; every entry when left out.
    pub reader: Option<String>,
    /// Only this call.
    pub call: Option<String>,
    /// Only these kinds; any when empty.
    #[serde(default)]
    pub kinds: Vec<ItemKind>,
    /// Only entries behind this number.
    pub after: u64,
    /// Maximum number of items.
    pub limit: u32,
    /// Maximum number of bytes of text in all; a longer message is cut.
    pub max_bytes: u32,
    /// Maximum wait for the first entry, in milliseconds.
    pub wait_ms: u64,
}

/// The answer to [`WatchParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WatchResult {
    /// Oldest first.
    pub items: Vec<ItemView>,
    /// With a reader: send these as [`ConfirmParams::marks`] once the items were shown.
    pub marks: Vec<ReadMark>,
    /// Pass this as [`WatchParams::after`] next.
    pub seq: u64,
    /// Number of entries up to there that are no longer kept and were not shown, of any call and
    /// kind.
    pub missed: u64,
    /// Number to pass as `after` when entries are missing: reading then begins with the first entry
    /// that is kept.
    pub resume_after: u64,
}

/// Marks items as shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfirmParams {
    /// The reader whose cursor to move; the agent's own when left out.
    pub reader: Option<String>,
    /// The marks of the items that were shown.
    pub marks: Vec<ReadMark>,
}

/// Requests one thing in full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadParams {
    /// `m41`, `c7`, `f3` or `q2`.
    pub handle: String,
}

/// The answer to [`ReadParams`]: exactly one field is set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReadResult {
    /// For `m41`.
    pub message: Option<MessageView>,
    /// For `c7`.
    pub call: Option<CallView>,
    /// For `f3`.
    pub file: Option<FileView>,
    /// For `q2`.
    pub question: Option<QuestionView>,
}

/// Requests the counts of what waits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PendingParams {
    /// The reader whose cursor to use; the agent's own when left out.
    pub reader: Option<String>,
}
