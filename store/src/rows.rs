//! Rows that the socket's handlers show: a record, and what the rest of the store says about it.

use std::fmt;

use p2p_core::call::Call;
use p2p_core::record::{File, Message, Question};
use p2p_core::{Text, Time};

use crate::tables::messages::Receipt;

/// A call, with the state of its conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct CallRow {
    /// The call.
    pub call: Call,
    /// The time of the last message, the opening included, and whether we wrote it.
    pub last: Option<(Time, bool)>,
    /// Entries of the event log that the reader was not shown.
    pub unread: u32,
}

/// A message, and how far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// The message.
    pub message: Message,
    /// Relays that accepted the message, of how many it was given to.
    pub relays: (u32, u32),
    /// The peer said that its agent was shown the message; never true for incoming messages.
    pub read: bool,
}

/// The stored facts about the delivery of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagnosisRow {
    /// The relays' answers.
    pub receipts: Vec<Receipt>,
    /// The time at which the receiver's last message arrived.
    pub peer_heard: Option<Time>,
    /// The reason why the message was given up.
    pub problem: Option<Text>,
}

/// A file, and how much of it was transferred.
#[derive(Clone, PartialEq, Eq)]
pub struct FileRow {
    /// The file.
    pub file: File,
    /// Bytes that arrived here, or that the peer acknowledged.
    pub done_bytes: u64,
}

/// A question to the owner.
#[derive(Clone, PartialEq, Eq)]
pub struct QuestionRow {
    /// The question.
    pub question: Question,
    /// The notifiers that accepted the question: direct messages first, the others in the order
    /// in which they were notified.
    pub told: Vec<String>,
    /// The notifiers that still try: a direct message that no relay accepted yet.
    pub telling: Vec<String>,
    /// The notifiers that refused the question.
    pub refused: Vec<String>,
    /// The message that passed the question on to the peer, unless the question is quiet.
    pub to_peer: Option<MessageRow>,
    /// The call has ended.
    pub over: bool,
}

/// Keeps topics, names and questions out of logs.
macro_rules! redact {
    ($($row:ident.$field:ident),*) => {$(
        impl fmt::Debug for $row {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($row))
                    .field("handle", &self.$field.handle)
                    .finish_non_exhaustive()
            }
        }
    )*};
}
redact!(CallRow.call, FileRow.file, QuestionRow.question);
