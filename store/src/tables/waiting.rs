//! Rumors that wait for their acknowledgement, rumors that arrived out of order, pieces of files,
//! and the ids of rumors that were received.

use p2p_core::engine::{OutboxEntry, StoredChunk};
use p2p_core::{Blob, Rumor, RumorId, StreamId, Time};
use rusqlite::named_params;

use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};

/// Table `outbox`.
pub(crate) const OUTBOX: Table = Table { name: "outbox", key: &["stream", "number"] };
/// Table `held`.
pub(crate) const HELD: Table = Table { name: "held", key: &["stream", "number"] };
/// Table `chunks`.
pub(crate) const CHUNKS: Table = Table { name: "chunks", key: &["stream", "number"] };
/// Table `seen`.
pub(crate) const SEEN: Table = Table { name: "seen", key: &["rumor"] };

type Result<T> = std::result::Result<T, StoreError>;

/// A place in a stream.
type Slot = (StreamId, u64);

fn key((stream, number): Slot) -> String {
    format!("{stream}/{number}")
}

/// Writes a rumor that waits for its acknowledgement.
pub(crate) fn put_outbox(db: Db<'_>, slot: Slot, rumor: &Rumor, since: Time) -> Result<()> {
    db.run(
        "INSERT INTO outbox (stream, number, rumor, taken, since)
         VALUES (:stream, :number, :rumor, 0, :since)
         ON CONFLICT (stream, number) DO UPDATE SET rumor = excluded.rumor,
             taken = excluded.taken, since = excluded.since",
        named_params! {
            ":stream": slot.0.to_string(),
            ":number": slot.1.cast_signed(),
            ":rumor": db.place(&OUTBOX, key(slot)).seal_json("rumor", rumor)?,
            ":since": since.0.cast_signed(),
        },
    )?;
    Ok(())
}

/// Records that a relay accepted a rumor.
pub(crate) fn taken(db: Db<'_>, (stream, number): Slot) -> Result<()> {
    db.run(
        "UPDATE outbox SET taken = 1 WHERE stream = ?1 AND number = ?2",
        (stream.to_string(), number.cast_signed()),
    )?;
    Ok(())
}

/// Removes the rumors of a stream up to a number: acknowledged or given up.
pub(crate) fn outbox_done(db: Db<'_>, (stream, upto): Slot) -> Result<()> {
    db.run(
        "DELETE FROM outbox WHERE stream = ?1 AND number BETWEEN 0 AND ?2",
        (stream.to_string(), bound(upto)),
    )?;
    Ok(())
}

/// Removes one rumor of a stream.
pub(crate) fn outbox_gone(db: Db<'_>, (stream, number): Slot) -> Result<()> {
    db.run(
        "DELETE FROM outbox WHERE stream = ?1 AND number = ?2",
        (stream.to_string(), number.cast_signed()),
    )?;
    Ok(())
}

/// Keeps a rumor that arrived out of order.
pub(crate) fn put_held(db: Db<'_>, slot: Slot, rumor: &Rumor) -> Result<()> {
    db.run(
        "INSERT INTO held (stream, number, rumor) VALUES (:stream, :number, :rumor)
         ON CONFLICT (stream, number) DO UPDATE SET rumor = excluded.rumor",
        named_params! {
            ":stream": slot.0.to_string(),
            ":number": slot.1.cast_signed(),
            ":rumor": db.place(&HELD, key(slot)).seal_json("rumor", rumor)?,
        },
    )?;
    Ok(())
}

/// Removes the out-of-order rumors up to a number: they are in order now.
pub(crate) fn held_released(db: Db<'_>, (stream, upto): Slot) -> Result<()> {
    db.run(
        "DELETE FROM held WHERE stream = ?1 AND number BETWEEN 0 AND ?2",
        (stream.to_string(), bound(upto)),
    )?;
    Ok(())
}

/// Keeps a piece of a file.
pub(crate) fn put_chunk(db: Db<'_>, slot: Slot, rumor: RumorId, bytes: &[u8]) -> Result<()> {
    db.run(
        "INSERT INTO chunks (stream, number, rumor, size, bytes)
         VALUES (:stream, :number, :rumor, :size, :bytes)
         ON CONFLICT (stream, number) DO UPDATE SET rumor = excluded.rumor,
             size = excluded.size, bytes = excluded.bytes",
        named_params! {
            ":stream": slot.0.to_string(),
            ":number": slot.1.cast_signed(),
            ":rumor": rumor.to_string(),
            ":size": i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            ":bytes": db.place(&CHUNKS, key(slot)).seal("bytes", bytes)?,
        },
    )?;
    Ok(())
}

/// Removes the pieces of a file that is complete or given up.
pub(crate) fn chunks_gone(db: Db<'_>, stream: StreamId) -> Result<()> {
    db.run("DELETE FROM chunks WHERE stream = ?1", [stream.to_string()])?;
    Ok(())
}

/// Records the id of a received rumor; the first time counts.
pub(crate) fn put_seen(db: Db<'_>, rumor: RumorId, at: Time) -> Result<()> {
    db.run(
        "INSERT OR IGNORE INTO seen (rumor, at) VALUES (?1, ?2)",
        (rumor.to_string(), at.0.cast_signed()),
    )?;
    Ok(())
}

/// Reads a row of `outbox`.
pub(crate) fn read_outbox(row: &Cells<'_>) -> Result<OutboxEntry> {
    Ok(OutboxEntry {
        stream: row.id("stream")?,
        number: row.number("number")?,
        rumor: row.json("rumor")?,
        taken: row.flag("taken")?,
        since: row.time("since")?,
    })
}

/// Reads a row of `held`.
pub(crate) fn read_held(row: &Cells<'_>) -> Result<(StreamId, u64, Rumor)> {
    Ok((row.id("stream")?, row.number("number")?, row.json("rumor")?))
}

/// Reads a row of `chunks` without its bytes.
pub(crate) fn read_chunk(row: &Cells<'_>) -> Result<StoredChunk> {
    Ok(StoredChunk {
        stream: row.id("stream")?,
        number: row.number("number")?,
        rumor: row.id("rumor")?,
        size: row.number("size")?,
    })
}

/// Returns the bytes of a piece of a file.
pub(crate) fn chunk_bytes(db: Db<'_>, (stream, number): Slot) -> Result<Option<Blob>> {
    db.first(
        &CHUNKS,
        "SELECT stream, number, bytes FROM chunks WHERE stream = ?1 AND number = ?2",
        (stream.to_string(), number.cast_signed()),
        |row| row.bytes("bytes").map(Into::into),
    )
}

/// Returns the bound as stored. Numbers keep their bits on disk, so numbers from 2^63 on are
/// negative there and beyond every bound.
fn bound(upto: u64) -> i64 {
    i64::try_from(upto).unwrap_or(i64::MAX)
}
