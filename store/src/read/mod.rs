//! The store as the socket's handlers see it: a read-only connection and rows to show.
//!
//! Each question is answered from one state of the store, however many statements it takes.

mod calls;
mod files;
mod inbox;
mod log;
mod messages;
mod owners;
mod peers;
mod questions;

use std::fmt;
use std::sync::Arc;

use p2p_core::Time;
use p2p_core::call::Call;
use p2p_core::record::{File, Message, Question};
use rusqlite::{Connection, Transaction};

use super::error::StoreError;
use super::seal::Vault;
use super::sql::Db;

pub use log::Wanted;

/// Answers questions about what is kept. Belongs to one thread at a time; make one a thread.
pub struct Reader {
    sql: Connection,
    vault: Arc<Vault>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

/// A call, and what became of its conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct CallRow {
    /// The call.
    pub call: Call,
    /// When the last message was written or arrived, the opening counting as one, and whether we
    /// wrote it.
    pub last: Option<(Time, bool)>,
    /// Entries of the event log that the reader was not shown.
    pub unread: u32,
}

/// A message, and how far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// The message.
    pub message: Message,
    /// Relays that took it, of how many that it was given to.
    pub relays: (u32, u32),
    /// Whether the peer said that its agent was shown it; never for incoming ones.
    pub read: bool,
}

/// A file, and how much of it got through.
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
    /// The channels that took it: direct messages first, the others in the order of telling.
    pub told: Vec<String>,
    /// The channels that still try: a direct message that no relay took yet.
    pub telling: Vec<String>,
    /// The channels that did not.
    pub refused: Vec<String>,
    /// The message that passed it on to the peer, unless it was a quiet one.
    pub to_peer: Option<MessageRow>,
    /// Whether the call is over.
    pub over: bool,
}

/// Topics, names and questions are nobody's business in a log.
macro_rules! hide {
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
hide!(CallRow.call, FileRow.file, QuestionRow.question);

impl Reader {
    pub(super) fn new(sql: Connection, vault: Arc<Vault>) -> Self {
        Self { sql, vault }
    }

    /// One state of the store.
    pub(super) fn view(&self) -> Result<View<'_>, StoreError> {
        Ok(View { state: self.sql.unchecked_transaction()?, vault: &self.vault })
    }
}

/// One state of the store; see [`Reader::view`].
pub(super) struct View<'a> {
    state: Transaction<'a>,
    vault: &'a Vault,
}

impl View<'_> {
    pub(super) fn db(&self) -> Db<'_> {
        Db { sql: &self.state, vault: self.vault }
    }
}
