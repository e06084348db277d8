//! The methods that read what came: once, waiting, as a stream.

use serde::{Deserialize, Serialize};

use crate::view::{Call, File, Item, ItemKind, Message, Question};

/// Reads what was not shown yet. Nothing counts as shown before [`Confirm`] says so.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Inbox {
    /// Whose cursor; the agent's own when left out.
    pub reader: Option<String>,
    /// Only this call.
    pub call: Option<String>,
    /// The newest so many instead, shown before or not; moves no cursor.
    pub last: Option<u32>,
    /// At most so many items.
    pub limit: u32,
    /// At most so many bytes of text, in whole; a longer message is cut.
    pub max_bytes: u32,
}

/// [`Inbox`] once there is something, or the call that it names is over.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Wait {
    /// What to read, and how.
    pub inbox: Inbox,
    /// Return only when an unread item of one of these kinds is there; any kind when empty.
    #[serde(default)]
    pub kinds: Vec<ItemKind>,
    /// How long to wait.
    pub wait_ms: u64,
}

/// The answer to [`Inbox`] and [`Wait`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxResult {
    /// Oldest first.
    pub items: Vec<Item>,
    /// Unread items that did not fit.
    pub left: u32,
    /// What to send as [`Confirm::marks`] once the items were shown, one mark an item.
    pub marks: Vec<Mark>,
    /// The call asked about, when one was named or only one is open: how things stand there.
    pub call: Option<Call>,
    /// Our last message in that call, with its receipt.
    pub last_sent: Option<Message>,
    /// The call that was named is over, and no file is on its way in it: waiting for more is of
    /// no use.
    #[serde(default)]
    pub over: bool,
    /// Number of messages at the end of that call that were short and asked nothing, when there
    /// are enough of them to suggest ending it.
    #[serde(default)]
    pub small_talk: Option<u32>,
}

/// A place in the log, in one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The conversation, opaque.
    pub conversation: String,
    /// Everything up to here was shown.
    pub seq: u64,
}

/// Reads the event log from a number on, once there is something. A client that asks again and
/// again follows the log at its own pace, and costs the daemon nothing in between.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Watch {
    /// Only what this reader was not shown; every entry when left out.
    pub reader: Option<String>,
    /// Only this call.
    pub call: Option<String>,
    /// Only these kinds; any when empty.
    #[serde(default)]
    pub kinds: Vec<ItemKind>,
    /// Only entries behind this number.
    pub after: u64,
    /// At most so many items.
    pub limit: u32,
    /// At most so many bytes of text, in whole; a longer message is cut.
    pub max_bytes: u32,
    /// How long to wait for the first.
    pub wait_ms: u64,
}

/// The answer to [`Watch`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WatchResult {
    /// Oldest first.
    pub items: Vec<Item>,
    /// With a reader: what to send as [`Confirm::marks`] once the items were shown, one an item.
    pub marks: Vec<Mark>,
    /// Pass this as [`Watch::after`] next.
    pub seq: u64,
    /// How many entries of the log up to there are gone that were not shown, whatever call or
    /// kind they were of.
    pub missed: u64,
    /// Where entries are gone: pass this to begin with the first that is there.
    pub before: u64,
}

/// Says that items were shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirm {
    /// Whose cursor; the agent's own when left out.
    pub reader: Option<String>,
    /// The marks of the items that were shown.
    pub marks: Vec<Mark>,
}

/// Shows one thing in full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Read {
    /// `m41`, `c7`, `f3` or `q2`.
    pub handle: String,
}

/// The answer to [`Read`]: exactly one field is set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReadResult {
    /// For `m41`.
    pub message: Option<Message>,
    /// For `c7`.
    pub call: Option<Call>,
    /// For `f3`.
    pub file: Option<File>,
    /// For `q2`.
    pub question: Option<Question>,
}

/// Asks what waits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PendingParams {
    /// Whose cursor; the agent's own when left out.
    pub reader: Option<String>,
}
