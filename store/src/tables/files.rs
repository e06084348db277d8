//! Files, sent and received.

use p2p_core::CallId;
use p2p_core::record::{File, FileState};
use rusqlite::named_params;

use crate::error::StoreError;
use crate::sql::{Cells, Db, Place, Table};

/// Table `files`.
pub(crate) const FILES: Table = Table { name: "files", key: &["handle"] };

type State = (&'static str, Option<Vec<u8>>);

fn state_columns(state: &FileState, place: &Place<'_>) -> Result<State, StoreError> {
    Ok(match state {
        FileState::Transferring => ("transferring", None),
        FileState::Complete(path) => ("complete", place.seal_opt("detail", path.as_deref())?),
        FileState::Failed(why) => ("failed", Some(place.seal("detail", why)?)),
    })
}

/// Writes a file, new or known.
pub(crate) fn put(db: Db<'_>, file: &File) -> Result<(), StoreError> {
    let place = db.place(&FILES, file.handle);
    let (state, detail) = state_columns(&file.state, &place)?;
    db.run(
        "INSERT INTO files (handle, call, peer, outgoing, name, size, sha256, stream, chunk,
             state, detail, at)
         VALUES (:handle, :call, :peer, :outgoing, :name, :size, :sha256, :stream, :chunk,
             :state, :detail, :at)
         ON CONFLICT (handle) DO UPDATE SET call = excluded.call, peer = excluded.peer,
             outgoing = excluded.outgoing, name = excluded.name, size = excluded.size,
             sha256 = excluded.sha256, stream = excluded.stream, chunk = excluded.chunk,
             state = excluded.state, detail = excluded.detail, at = excluded.at",
        named_params! {
            ":handle": file.handle,
            ":call": file.call.to_string(),
            ":peer": file.peer.to_string(),
            ":outgoing": file.outgoing,
            ":name": place.seal("name", &file.name)?,
            ":size": file.size.cast_signed(),
            ":sha256": file.sha256.to_string(),
            ":stream": file.stream.to_string(),
            ":chunk": file.chunk.cast_signed(),
            ":state": state,
            ":detail": detail,
            ":at": file.at.0.cast_signed(),
        },
    )?;
    Ok(())
}

/// Writes the state of a file.
///
/// # Errors
/// When the file does not exist: the engine and the store disagree.
pub(crate) fn put_state(db: Db<'_>, handle: u32, state: &FileState) -> Result<(), StoreError> {
    let place = db.place(&FILES, handle);
    let (state, detail) = state_columns(state, &place)?;
    let changed = db.run(
        "UPDATE files SET state = :state, detail = :detail WHERE handle = :handle",
        named_params! { ":handle": handle, ":state": state, ":detail": detail },
    )?;
    if changed == 0 { Err(place.corrupt("handle", "is not there")) } else { Ok(()) }
}

/// Writes the call that a file belongs to.
///
/// # Errors
/// When the file does not exist: the engine and the store disagree.
pub(crate) fn put_call(db: Db<'_>, handle: u32, call: CallId) -> Result<(), StoreError> {
    let changed = db.run(
        "UPDATE files SET call = :call WHERE handle = :handle",
        named_params! { ":handle": handle, ":call": call.to_string() },
    )?;
    if changed == 0 {
        Err(db.place(&FILES, handle).corrupt("handle", "is not there"))
    } else {
        Ok(())
    }
}

/// Reads a file's row.
pub(crate) fn read(row: &Cells<'_>) -> Result<File, StoreError> {
    Ok(File {
        handle: row.small("handle")?,
        call: row.id("call")?,
        peer: row.id("peer")?,
        outgoing: row.flag("outgoing")?,
        name: row.text("name")?.into(),
        size: row.number("size")?,
        sha256: row.id("sha256")?,
        stream: row.id("stream")?,
        chunk: row.number("chunk")?,
        state: match row.clear("state")?.as_str() {
            "transferring" => FileState::Transferring,
            "complete" => FileState::Complete(row.opt("detail", Cells::text)?.map(Into::into)),
            "failed" => FileState::Failed(row.text("detail")?.into()),
            _ => return Err(row.corrupt("state", "is unknown")),
        },
        at: row.time("at")?,
    })
}
