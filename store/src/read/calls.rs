//! Queries about calls.

use p2p_core::call::Call;
use p2p_core::{CallId, Conversation};
use rusqlite::{Params, named_params};

use super::inbox::{UNREAD, unread_in};
use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::rows::CallRow;
use crate::sql::{Db, Table};
use crate::tables::calls::{self, CALLS};
use crate::tables::messages::MESSAGES;

type Result<T> = std::result::Result<T, StoreError>;

impl Reader {
    /// Returns the newest calls first, and the number of older calls.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn calls(&self, reader: &str, limit: u32) -> Result<(Vec<CallRow>, u32)> {
        let view = self.view()?;
        let newest = "SELECT * FROM calls ORDER BY handle DESC LIMIT ?1";
        let rows = rows(view.db(), reader, newest, [limit])?;
        let all = view.db().count("SELECT count(*) FROM calls", [])?;
        let shown = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        Ok((rows, all.saturating_sub(shown)))
    }

    /// Returns the call with this handle.
    ///
    /// # Errors
    /// See [`Self::calls`].
    pub fn call(&self, reader: &str, handle: u32) -> Result<Option<CallRow>> {
        let view = self.view()?;
        Ok(rows(view.db(), reader, "SELECT * FROM calls WHERE handle = ?1", [handle])?.pop())
    }

    /// Returns the call with this id.
    ///
    /// # Errors
    /// See [`Self::calls`].
    pub fn call_by_id(&self, reader: &str, id: CallId) -> Result<Option<CallRow>> {
        let view = self.view()?;
        let sql = "SELECT * FROM calls WHERE id = ?1";
        Ok(rows(view.db(), reader, sql, [id.to_string()])?.pop())
    }

    /// Returns the calls that have not ended, the newest first.
    ///
    /// # Errors
    /// See [`Self::calls`].
    pub fn open_calls(&self, reader: &str) -> Result<Vec<CallRow>> {
        let view = self.view()?;
        let sql = "SELECT * FROM calls WHERE phase <> 'ended' ORDER BY handle DESC";
        rows(view.db(), reader, sql, [])
    }

    /// Returns the ended calls with entries that the reader was not shown, the newest first.
    ///
    /// # Errors
    /// See [`Self::calls`].
    pub fn calls_with_unread(&self, reader: &str) -> Result<Vec<CallRow>> {
        let view = self.view()?;
        let sql = format!(
            "{UNREAD} SELECT * FROM calls WHERE phase = 'ended'
                 AND 'c:' || id IN (SELECT conversation FROM unread) ORDER BY handle DESC"
        );
        let params = named_params! { ":reader": reader, ":place": None::<String> };
        rows(view.db(), reader, &sql, params)
    }
}

fn rows(db: Db<'_>, reader: &str, sql: &str, params: impl Params) -> Result<Vec<CallRow>> {
    let calls = db.all(&CALLS, sql, params, calls::read)?;
    calls.into_iter().map(|call| row(db, reader, call)).collect()
}

fn row(db: Db<'_>, reader: &str, call: Call) -> Result<CallRow> {
    const LAST: &Table = &MESSAGES;
    let conversation = conversation_key(&Conversation::Call(call.id));
    let last = db.first(
        LAST,
        "SELECT handle, at, outgoing FROM messages WHERE conversation = ?1
         ORDER BY handle DESC LIMIT 1",
        [&conversation],
        |row| Ok((row.time("at")?, row.flag("outgoing")?)),
    )?;
    let opening = call.opening.is_some().then_some((call.opened, call.outgoing));
    let unread = unread_in(db, reader, &conversation)?;
    Ok(CallRow { last: last.or(opening), unread, call })
}
