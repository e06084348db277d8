//! Queries about owners, their decisions, and the messages that an owner is shown.

use p2p_core::policy::Policy;
use p2p_core::record::{Invite, Line, Owner, Takeover};
use p2p_core::{CallId, Conversation};

use crate::error::StoreError;
use crate::reader::Reader;
use crate::rows::MessageRow;
use crate::tables::meta;
use crate::tables::owners::{self, INVITES, OWNERS, TAKEOVERS};

type Result<T> = std::result::Result<T, StoreError>;

/// Maximum number of messages of a call that an owner is shown.
const LINES: u32 = 8;

impl Reader {
    /// Returns the owners, the first one first.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn owners(&self) -> Result<Vec<Owner>> {
        let sql = "SELECT * FROM owners ORDER BY since, key";
        self.view()?.db().all(&OWNERS, sql, [], owners::read)
    }

    /// Returns the takeover of a call, if a human speaks there instead of the agent.
    ///
    /// # Errors
    /// See [`Self::owners`].
    pub fn takeover(&self, call: CallId) -> Result<Option<Takeover>> {
        let sql = "SELECT * FROM takeovers WHERE call = ?1";
        self.view()?.db().first(&TAKEOVERS, sql, [call.to_string()], owners::read_takeover)
    }

    /// Returns the invites, used up or not, in the order of creation.
    ///
    /// # Errors
    /// See [`Self::owners`].
    pub fn invites(&self) -> Result<Vec<Invite>> {
        let sql = "SELECT * FROM invites ORDER BY id";
        self.view()?.db().all(&INVITES, sql, [], owners::read_invite)
    }

    /// Returns the policy for strangers, if an owner set one.
    ///
    /// # Errors
    /// See [`Self::owners`].
    pub fn policy(&self) -> Result<Option<Policy>> {
        meta::policy(self.view()?.db())
    }

    /// Returns the hash of the passphrase that proves an owner at a terminal.
    ///
    /// # Errors
    /// See [`Self::owners`].
    pub fn passphrase(&self) -> Result<Option<String>> {
        meta::passphrase(self.view()?.db())
    }

    /// Returns the last messages of a call, the oldest first, without cancelled ones.
    ///
    /// # Errors
    /// See [`Self::owners`].
    pub fn last_lines(&self, call: CallId) -> Result<Vec<Line>> {
        let rows = self.newest_messages(Conversation::Call(call), LINES)?;
        Ok(rows.into_iter().rev().map(line).collect())
    }
}

fn line(row: MessageRow) -> Line {
    Line { by: row.message.by, text: row.message.content.shown() }
}
