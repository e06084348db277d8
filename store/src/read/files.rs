//! Queries about files.

use p2p_core::record::FileState;
use p2p_core::{Blob, CallId, StreamId};
use rusqlite::Params;

use crate::error::StoreError;
use crate::reader::Reader;
use crate::rows::FileRow;
use crate::sql::Db;
use crate::tables::files::{self, FILES};
use crate::tables::waiting;

type Result<T> = std::result::Result<T, StoreError>;

/// Files with their progress: pieces that arrived here, or numbers that the peer acknowledged.
const SELECT: &str = "SELECT f.*,
         coalesce((SELECT sum(c.size) FROM chunks c WHERE c.stream = f.stream), 0) AS arrived,
         coalesce((SELECT s.acked FROM streams_out s WHERE s.id = f.stream), 0) AS acked
     FROM files f";

impl Reader {
    /// Returns the file with this handle.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn file(&self, handle: u32) -> Result<Option<FileRow>> {
        let view = self.view()?;
        Ok(rows(view.db(), "WHERE f.handle = ?1", [handle])?.pop())
    }

    /// Returns a piece of a received file, by its stream and number.
    ///
    /// # Errors
    /// See [`Self::file`].
    pub fn chunk(&self, stream: StreamId, number: u64) -> Result<Option<Blob>> {
        waiting::chunk_bytes(self.view()?.db(), (stream, number))
    }

    /// Returns the files of a call, or of all calls, the newest first.
    ///
    /// # Errors
    /// See [`Self::file`].
    pub fn files(&self, call: Option<CallId>) -> Result<Vec<FileRow>> {
        let view = self.view()?;
        match call {
            Some(call) => {
                rows(view.db(), "WHERE f.call = ?1 ORDER BY f.handle DESC", [call.to_string()])
            }
            None => rows(view.db(), "ORDER BY f.handle DESC", []),
        }
    }
}

fn rows(db: Db<'_>, condition: &str, params: impl Params) -> Result<Vec<FileRow>> {
    db.all(&FILES, &format!("{SELECT} {condition}"), params, |row| {
        let file = files::read(row)?;
        let through = match (&file.state, file.outgoing) {
            (FileState::Complete(_), _) => file.size,
            (_, true) => row.number("acked")?.saturating_mul(file.chunk),
            (_, false) => row.number("arrived")?,
        };
        Ok(FileRow { done_bytes: through.min(file.size), file })
    })
}
