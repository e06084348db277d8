//! The sending and the receiving side of streams.

use p2p_core::record::{Lane, StreamIn, StreamOut};
use rusqlite::named_params;

use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};

/// Table `streams_out`.
pub(crate) const STREAMS_OUT: Table = Table { name: "streams_out", key: &["id"] };
/// Table `streams_in`.
pub(crate) const STREAMS_IN: Table = Table { name: "streams_in", key: &["id"] };

fn lane_columns(lane: Lane) -> (&'static str, Option<u32>) {
    match lane {
        Lane::Text => ("text", None),
        Lane::Plain => ("plain", None),
        Lane::File(file) => ("file", file),
        Lane::Opening => ("opening", None),
    }
}

fn lane(row: &Cells<'_>) -> Result<Lane, StoreError> {
    match row.clear("lane")?.as_str() {
        "text" => Ok(Lane::Text),
        "plain" => Ok(Lane::Plain),
        "file" => Ok(Lane::File(row.opt("file", Cells::small)?)),
        "opening" => Ok(Lane::Opening),
        _ => Err(row.corrupt("lane", "is unknown")),
    }
}

/// Writes a sending stream, new or known.
pub(crate) fn put_out(db: Db<'_>, stream: &StreamOut) -> Result<(), StoreError> {
    let (lane, file) = lane_columns(stream.lane);
    db.run(
        "INSERT INTO streams_out (id, conversation, peer, lane, file, last, last_id, acked, read)
         VALUES (:id, :conversation, :peer, :lane, :file, :last, :last_id, :acked, :read)
         ON CONFLICT (id) DO UPDATE SET conversation = excluded.conversation,
             peer = excluded.peer, lane = excluded.lane, file = excluded.file,
             last = excluded.last, last_id = excluded.last_id, acked = excluded.acked,
             read = excluded.read",
        named_params! {
            ":id": stream.id.to_string(),
            ":conversation": conversation_key(&stream.conversation),
            ":peer": stream.peer.to_string(),
            ":lane": lane,
            ":file": file,
            ":last": stream.last.cast_signed(),
            ":last_id": stream.last_id.map(|id| id.to_string()),
            ":acked": stream.acked.cast_signed(),
            ":read": stream.read.cast_signed(),
        },
    )?;
    Ok(())
}

/// Writes a receiving stream, new or known.
pub(crate) fn put_in(db: Db<'_>, stream: &StreamIn) -> Result<(), StoreError> {
    let (lane, file) = lane_columns(stream.lane);
    db.run(
        "INSERT INTO streams_in (id, conversation, peer, lane, file, upto, upto_id, read)
         VALUES (:id, :conversation, :peer, :lane, :file, :upto, :upto_id, :read)
         ON CONFLICT (id) DO UPDATE SET conversation = excluded.conversation,
             peer = excluded.peer, lane = excluded.lane, file = excluded.file,
             upto = excluded.upto, upto_id = excluded.upto_id, read = excluded.read",
        named_params! {
            ":id": stream.id.to_string(),
            ":conversation": conversation_key(&stream.conversation),
            ":peer": stream.peer.to_string(),
            ":lane": lane,
            ":file": file,
            ":upto": stream.upto.cast_signed(),
            ":upto_id": stream.upto_id.map(|id| id.to_string()),
            ":read": stream.read.cast_signed(),
        },
    )?;
    Ok(())
}

/// Reads a sending stream's row.
pub(crate) fn read_out(row: &Cells<'_>) -> Result<StreamOut, StoreError> {
    Ok(StreamOut {
        id: row.id("id")?,
        conversation: row.conversation()?,
        peer: row.id("peer")?,
        lane: lane(row)?,
        last: row.number("last")?,
        last_id: row.opt("last_id", Cells::id)?,
        acked: row.number("acked")?,
        read: row.number("read")?,
    })
}

/// Reads a receiving stream's row.
pub(crate) fn read_in(row: &Cells<'_>) -> Result<StreamIn, StoreError> {
    Ok(StreamIn {
        id: row.id("id")?,
        conversation: row.conversation()?,
        peer: row.id("peer")?,
        lane: lane(row)?,
        upto: row.number("upto")?,
        upto_id: row.opt("upto_id", Cells::id)?,
        read: row.number("read")?,
    })
}
