//! Deletion of a call with everything in it.

use p2p_core::{CallId, Conversation};

use super::conditions::{BUSY, unread};
use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::sql::Db;

/// Deletes a call with everything that was said in it. The files that it brought stay in their
/// folder. Does nothing while a reader has not been shown all of the call, or the call is busy.
pub(crate) fn delete_call(db: Db<'_>, call: CallId) -> Result<(), StoreError> {
    let conversation = conversation_key(&Conversation::Call(call));
    let call = call.to_string();
    let deleted = db.run(
        &format!("DELETE FROM calls AS c WHERE c.id = ?1 AND NOT {BUSY} AND NOT {}", unread("?2")),
        (&call, &conversation),
    )?;
    if deleted == 0 {
        return Ok(());
    }
    for table in ["held", "chunks"] {
        let sql = format!(
            "DELETE FROM {table} WHERE stream IN (SELECT id FROM streams_in WHERE conversation = ?1)"
        );
        db.run(&sql, [&conversation])?;
    }
    for table in ["messages", "events", "cursors", "streams_in", "streams_out"] {
        db.run(&format!("DELETE FROM {table} WHERE conversation = ?1"), [&conversation])?;
    }
    db.run(
        "DELETE FROM notes WHERE question IN (SELECT handle FROM questions WHERE call = ?1)",
        [&call],
    )?;
    for table in ["files", "questions", "notes", "takeovers"] {
        db.run(&format!("DELETE FROM {table} WHERE call = ?1"), [&call])?;
    }
    Ok(())
}
