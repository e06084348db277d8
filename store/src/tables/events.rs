//! The event log and the readers' cursors in it.

use p2p_core::record::Event;
use rusqlite::named_params;

use crate::codes::DiskCode;
use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};

/// Table `events`.
pub(crate) const EVENTS: Table = Table { name: "events", key: &["seq"] };

/// Writes a new entry. A number that exists is an error: the log is never rewritten.
pub(crate) fn put(db: Db<'_>, event: &Event) -> Result<(), StoreError> {
    let place = db.place(&EVENTS, event.seq);
    db.run(
        "INSERT INTO events (seq, kind, at, conversation, subject, text)
         VALUES (:seq, :kind, :at, :conversation, :subject, :text)",
        named_params! {
            ":seq": event.seq.cast_signed(),
            ":kind": event.kind.code(),
            ":at": event.at.0.cast_signed(),
            ":conversation": conversation_key(&event.conversation),
            ":subject": event.subject,
            ":text": place.seal_opt("text", event.text.as_deref())?,
        },
    )?;
    Ok(())
}

/// Moves a cursor, forward only.
pub(crate) fn put_cursor(
    db: Db<'_>,
    reader: &str,
    conversation: &str,
    seq: u64,
) -> Result<(), StoreError> {
    db.run(
        "INSERT INTO cursors (reader, conversation, seq) VALUES (?1, ?2, ?3)
         ON CONFLICT (reader, conversation) DO UPDATE SET seq = max(seq, excluded.seq)",
        (reader, conversation, i64::try_from(seq).unwrap_or(i64::MAX)),
    )?;
    Ok(())
}

/// Removes a reader's cursors.
pub(crate) fn remove_reader(db: Db<'_>, reader: &str) -> Result<(), StoreError> {
    db.run("DELETE FROM cursors WHERE reader = ?1", [reader])?;
    Ok(())
}

/// Reads an entry's row.
pub(crate) fn read(row: &Cells<'_>) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.number("seq")?,
        kind: row.code("kind")?,
        at: row.time("at")?,
        conversation: row.conversation()?,
        subject: row.opt("subject", Cells::small)?,
        text: row.opt("text", Cells::text)?.map(Into::into),
    })
}
