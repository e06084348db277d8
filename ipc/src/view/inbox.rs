//! Items of the inbox, and the summary of what waits.

use serde::{Deserialize, Serialize};

use super::call::CallView;
use super::file::FileView;
use super::message::MessageView;
use super::question::QuestionView;

/// Kind of an inbox item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A contact rings.
    Ring,
    /// A stranger rings.
    Knock,
    /// A call of ours was answered.
    Answered,
    /// A message, or an escalation by the peer.
    Message,
    /// A file is complete, or failed.
    File,
    /// The owner answered a question.
    Reply,
    /// A call ended.
    End,
    /// A call rang and stopped before it was answered.
    Missed,
    /// A message of ours was given up.
    Undelivered,
    /// Something that the agent should know about a conversation.
    Notice,
}

/// One item of the inbox: an entry of the event log, with the things that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// The entry's number in the log: grows, never reused.
    pub seq: u64,
    /// The item's kind.
    pub kind: ItemKind,
    /// Time of the event.
    pub at_ms: u64,
    /// The call that the item belongs to.
    pub call: Option<CallView>,
    /// The message.
    pub message: Option<MessageView>,
    /// The file.
    pub file: Option<FileView>,
    /// The question, with its answer.
    #[serde(default)]
    pub question: Option<QuestionView>,
    /// A plain sentence of our own, for notices.
    pub text: Option<String>,
}

/// Counts of what waits for the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PendingView {
    /// Calls that ring here, knocks among them.
    pub ringing: u32,
    /// Items that the reader was not shown.
    pub unread: u32,
    /// Questions that the owner has not answered, in calls that have not ended.
    pub questions: u32,
    /// At most 170 characters of our own text; absent when nothing waits.
    pub line: Option<String>,
}
