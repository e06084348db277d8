//! What is deleted, and when. Nothing that a reader has not been shown, nothing that waits to be
//! delivered, nothing of a call that is open.

use std::time::Duration;

use p2p_core::call::WORD_LIFETIME;
use p2p_core::engine::{SEEN_KEPT, SEEN_LEAST};
use p2p_core::{CallId, Conversation, Time};
use rusqlite::{OptionalExtension, named_params};

use super::conversation::conversation_key;
use super::error::StoreError;
use super::sql::Db;
use super::tables::calls::CALLS;
use super::tables::files::FILES;
use super::{Reader, Store};

type Result<T> = std::result::Result<T, StoreError>;

/// Rows that one transaction deletes of a table: others wait for it.
const STEP: usize = 500;
/// How long an entry of the log is kept once it was shown.
const EVENTS_KEPT: Duration = Duration::from_secs(92 * 24 * 3600);
/// How long an owner's reply may refer to what it was told.
pub(super) const NOTES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Pages that may lie free before the file is written anew, and the part of the file they must be.
const FREE: (i64, i64) = (256, 4);

/// How far everybody was shown a conversation: the agent, always, and who else ever read there.
/// `{}` is the conversation.
fn passed(conversation: &str) -> String {
    format!(
        "(SELECT iif(max(k.reader = 'agent'), min(k.seq), 0) FROM cursors k
          WHERE k.conversation = {conversation})"
    )
}

/// Whether somebody was not shown all of a conversation. An empty cursor counts as 0.
fn unread(conversation: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM events u WHERE u.conversation = {conversation}
             AND u.seq > coalesce({}, 0))",
        passed(conversation)
    )
}

/// Whether something of a call (a row `c` of `calls`) is not done: it is open, its last word or a
/// message waits to be delivered, or a file is on its way.
const BUSY: &str = "(c.phase <> 'ended' OR c.word_last IS NOT NULL
     OR EXISTS (SELECT 1 FROM streams_out s JOIN outbox o ON o.stream = s.id
         WHERE s.conversation = 'c:' || c.id)
     OR EXISTS (SELECT 1 FROM files f WHERE f.call = c.id AND f.state = 'transferring'))";

/// Something whose time is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<T> {
    /// Its handle.
    pub handle: u32,
    /// What it is.
    pub what: T,
}

/// A time before now, as it is stored.
pub(super) fn ago(now: Time, span: Duration) -> i64 {
    let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    now.0.saturating_sub(span).cast_signed()
}

/// A call is gone, with all that was said in it; the files that it brought stay in their folder.
/// Not where somebody has not been shown all of it, or something of it waits.
pub(super) fn call_gone(db: Db<'_>, call: CallId) -> Result<()> {
    let place = conversation_key(&Conversation::Call(call));
    let gone = db.run(
        &format!("DELETE FROM calls AS c WHERE c.id = ?1 AND NOT {BUSY} AND NOT {}", unread("?2")),
        (call.to_string(), &place),
    )?;
    if gone == 0 {
        return Ok(());
    }
    for table in ["held", "chunks"] {
        let sql = format!(
            "DELETE FROM {table} WHERE stream IN (SELECT id FROM streams_in WHERE conversation = ?1)"
        );
        db.run(&sql, [&place])?;
    }
    for table in ["messages", "events", "cursors", "streams_in", "streams_out"] {
        db.run(&format!("DELETE FROM {table} WHERE conversation = ?1"), [&place])?;
    }
    db.run(
        "DELETE FROM notes WHERE question IN (SELECT handle FROM questions WHERE call = ?1)",
        [call.to_string()],
    )?;
    for table in ["files", "questions", "notes", "takeovers"] {
        db.run(&format!("DELETE FROM {table} WHERE call = ?1"), [call.to_string()])?;
    }
    Ok(())
}

impl Reader {
    /// Whether somebody was not shown all of a conversation.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn has_unread(&self, conversation: Conversation) -> Result<bool> {
        let sql = format!("SELECT {}", unread("?1"));
        Ok(self.view()?.db().number(&sql, [conversation_key(&conversation)])? != 0)
    }

    /// Whether something of a call is not done: see [`Store::calls_due`].
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn is_busy(&self, call: CallId) -> Result<bool> {
        let sql = format!("SELECT coalesce((SELECT {BUSY} FROM calls c WHERE c.id = ?1), 0)");
        Ok(self.view()?.db().number(&sql, [call.to_string()])? != 0)
    }

    /// Calls that ended before a time, the oldest first: handles and ids.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn calls_ended_before(&self, before: Time) -> Result<Vec<Due<CallId>>> {
        let sql = "SELECT * FROM calls WHERE phase = 'ended' AND ended_at < ?1 ORDER BY handle";
        self.view()?.db().all(&CALLS, sql, [before.0.cast_signed()], |row| {
            Ok(Due { handle: row.small("handle")?, what: row.id("id")? })
        })
    }

    /// Bytes of the store's file.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn size(&self) -> Result<u64> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        Ok(self.view()?.db().number(sql, [])?.cast_unsigned())
    }
}

impl Store {
    /// Calls behind the handle `after` that ended before a time, that nothing is missing from and
    /// that everybody was shown; some of them.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn calls_due(&self, before: Time, after: u32) -> Result<Vec<Due<CallId>>> {
        let sql = format!(
            "SELECT c.* FROM calls c WHERE c.phase = 'ended' AND c.ended_at < ?1 AND c.handle > ?2
                 AND NOT {BUSY} AND NOT {} ORDER BY c.handle LIMIT 20",
            unread("'c:' || c.id")
        );
        self.db().all(&CALLS, &sql, (before.0.cast_signed(), after), |row| {
            Ok(Due { handle: row.small("handle")?, what: row.id("id")? })
        })
    }

    /// Received files behind the handle `after` that came before a time and were shown to
    /// everybody, with their paths; some of them.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn files_due(&self, before: Time, after: u32) -> Result<Vec<Due<String>>> {
        let sql = format!(
            "SELECT f.* FROM files f WHERE f.state = 'complete' AND f.outgoing = 0
                 AND f.detail IS NOT NULL AND f.at < ?1 AND f.handle > ?2 AND NOT {}
             ORDER BY f.handle LIMIT 20",
            unread("'c:' || f.call")
        );
        self.db().all(&FILES, &sql, (before.0.cast_signed(), after), |row| {
            Ok(Due { handle: row.small("handle")?, what: row.text("detail")? })
        })
    }

    /// Notes that a received file is not kept any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn file_dropped(&mut self, handle: u32) -> Result<()> {
        self.write(|db| {
            db.run(
                "UPDATE files SET detail = NULL WHERE handle = ?1 AND state = 'complete'",
                [handle],
            )
        })?;
        Ok(())
    }

    /// Deletes some of what needs no setting: ids of rumors and calls that nobody sends any more,
    /// what waits for the rest of calls that are over, entries of the log that everybody was shown
    /// long ago, what owners were told, and tokens that are used up or too old. And direct messages from before a time, if one is given. True when there may
    /// be more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn tidy(&mut self, now: Time, direct_before: Option<Time>) -> Result<bool> {
        let orphans = |table: &str| {
            format!(
                "DELETE FROM {table} WHERE (stream, number) IN (
                     SELECT w.stream, w.number FROM {table} w JOIN streams_in s ON s.id = w.stream
                     JOIN calls c ON 'c:' || c.id = s.conversation
                     WHERE c.phase = 'ended' AND c.ended_at < :before AND NOT EXISTS (
                         SELECT 1 FROM files f WHERE f.call = c.id AND f.state = 'transferring')
                     LIMIT :step)"
            )
        };
        let log = format!(
            "DELETE FROM events WHERE seq IN (SELECT e.seq FROM events e
                 WHERE e.at < :before AND e.seq <= {} LIMIT :step)",
            passed("e.conversation")
        );
        let direct = format!(
            "DELETE FROM messages WHERE handle IN (SELECT m.handle FROM messages m
                 WHERE m.conversation LIKE 'd:%' AND m.at < :before
                 AND NOT EXISTS (SELECT 1 FROM outbox o
                     WHERE o.stream = m.stream AND o.number = m.number)
                 AND NOT EXISTS (SELECT 1 FROM events e WHERE e.conversation = m.conversation
                     AND e.subject = m.handle AND e.seq > coalesce({}, 0))
                 LIMIT :step)",
            passed("m.conversation")
        );
        self.write(|db| {
            let step = i64::try_from(STEP).unwrap_or(i64::MAX);
            let delete = |sql: &str, before: i64| {
                db.run(sql, named_params! { ":before": before, ":step": step })
            };
            let many = i64::try_from(SEEN_LEAST).unwrap_or(i64::MAX);
            let mut most = 0;
            if db.number("SELECT count(*) FROM seen", [])? > many {
                let seen = "DELETE FROM seen WHERE rumor IN (
                    SELECT rumor FROM seen WHERE at < :before LIMIT :step)";
                most = most.max(delete(seen, ago(now, SEEN_KEPT))?);
            }
            let graves = "DELETE FROM tombstones WHERE call IN (
                SELECT call FROM tombstones WHERE at < :before LIMIT :step)";
            most = most.max(delete(graves, ago(now, WORD_LIFETIME))?);
            for table in ["held", "chunks"] {
                most = most.max(delete(&orphans(table), ago(now, WORD_LIFETIME))?);
            }
            most = most.max(delete(&log, ago(now, EVENTS_KEPT))?);
            // Those that put a question say who was told, and stay as long as it does.
            let notes = "DELETE FROM notes WHERE rumor IN (SELECT rumor FROM notes
                WHERE at < :before AND question IS NULL LIMIT :step)";
            most = most.max(delete(notes, ago(now, NOTES_KEPT))?);
            let invites = "DELETE FROM invites WHERE id IN (SELECT id FROM invites
                WHERE expires < :before OR uses = 0 LIMIT :step)";
            most = most.max(delete(invites, now.0.cast_signed())?);
            if let Some(before) = direct_before {
                most = most.max(delete(&direct, before.0.cast_signed())?);
            }
            Ok(most >= STEP)
        })
    }

    /// Gives the disk back what a lot of deleting left free. It takes about a second for 100 MB.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn compact(&mut self) -> Result<()> {
        let pragma =
            |name: &str| self.sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (free, all) = (pragma("freelist_count")?, pragma("page_count")?);
        if free > FREE.0 && free > all / FREE.1 {
            self.sql.execute_batch("VACUUM")?;
        }
        // The log still has what was there before.
        self.sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).optional()?;
        Ok(())
    }

    fn db(&self) -> Db<'_> {
        Db { sql: &self.sql, vault: &self.vault }
    }
}
