//! Queries for what can be deleted, and the deletion of what needs no setting.

use p2p_core::call::WORD_LIFETIME;
use p2p_core::engine::{SEEN_KEPT, SEEN_LEAST};
use p2p_core::{CallId, Conversation, Time};
use rusqlite::{OptionalExtension, named_params};

use super::conditions::{BUSY, EVENTS_KEPT, NOTES_KEPT, ago, shown_to_all, unread};
use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::store::Store;
use crate::tables::calls::CALLS;
use crate::tables::files::FILES;

type Result<T> = std::result::Result<T, StoreError>;

/// Rows of a table that one transaction deletes. Other writers wait for the transaction.
const BATCH: i64 = 500;
/// Free pages from which on the file is rewritten, if they are at least this part of the file.
const FREE_PAGES: i64 = 256;
const FREE_PART: i64 = 4;

/// A call or file that is kept no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired<T> {
    /// The handle.
    pub handle: u32,
    /// The call's id, or the file's path.
    pub item: T,
}

impl Reader {
    /// Returns true if a reader has not been shown all of a conversation.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn has_unread(&self, conversation: Conversation) -> Result<bool> {
        let sql = format!("SELECT {}", unread("?1"));
        Ok(self.view()?.db().number(&sql, [conversation_key(&conversation)])? != 0)
    }

    /// Returns true if something in a call is not done: see [`Store::calls_due`].
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn is_busy(&self, call: CallId) -> Result<bool> {
        let sql = format!("SELECT coalesce((SELECT {BUSY} FROM calls c WHERE c.id = ?1), 0)");
        Ok(self.view()?.db().number(&sql, [call.to_string()])? != 0)
    }

    /// Returns the calls that ended before a time, the oldest first.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn calls_ended_before(&self, before: Time) -> Result<Vec<Expired<CallId>>> {
        let sql = "SELECT * FROM calls WHERE phase = 'ended' AND ended_at < ?1 ORDER BY handle";
        self.view()?.db().all(&CALLS, sql, [before.0.cast_signed()], |row| {
            Ok(Expired { handle: row.small("handle")?, item: row.id("id")? })
        })
    }

    /// Returns the size of the store's file in bytes.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn size(&self) -> Result<u64> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        Ok(self.view()?.db().number(sql, [])?.cast_unsigned())
    }
}

impl Store {
    /// Returns up to 20 calls with a handle above `after` that ended before a time, are not busy
    /// and were shown to every reader.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn calls_due(&self, before: Time, after: u32) -> Result<Vec<Expired<CallId>>> {
        let sql = format!(
            "SELECT c.* FROM calls c WHERE c.phase = 'ended' AND c.ended_at < ?1 AND c.handle > ?2
                 AND NOT {BUSY} AND NOT {} ORDER BY c.handle LIMIT 20",
            unread("'c:' || c.id")
        );
        self.db().all(&CALLS, &sql, (before.0.cast_signed(), after), |row| {
            Ok(Expired { handle: row.small("handle")?, item: row.id("id")? })
        })
    }

    /// Returns up to 20 received files with a handle above `after`, with their paths, that came
    /// before a time and were shown to every reader.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn files_due(&self, before: Time, after: u32) -> Result<Vec<Expired<String>>> {
        let sql = format!(
            "SELECT f.* FROM files f WHERE f.state = 'complete' AND f.outgoing = 0
                 AND f.detail IS NOT NULL AND f.at < ?1 AND f.handle > ?2 AND NOT {}
             ORDER BY f.handle LIMIT 20",
            unread("'c:' || f.call")
        );
        self.db().all(&FILES, &sql, (before.0.cast_signed(), after), |row| {
            Ok(Expired { handle: row.small("handle")?, item: row.text("detail")? })
        })
    }

    /// Records that a received file was deleted.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn file_dropped(&mut self, handle: u32) -> Result<()> {
        self.write(|db| {
            db.run(
                "UPDATE files SET detail = NULL WHERE handle = ?1 AND state = 'complete'",
                [handle],
            )
        })?;
        Ok(())
    }

    /// Deletes a batch of what needs no setting: ids of rumors and calls that peers no longer
    /// send, buffered parts of ended calls, log entries that every reader was shown long ago,
    /// notes to owners, and invites that are used up or expired. Also deletes direct messages from
    /// before `direct_before`. Returns true when there may be more to delete.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn sweep(&mut self, now: Time, direct_before: Option<Time>) -> Result<bool> {
        let buffered = |table: &str| {
            format!(
                "DELETE FROM {table} WHERE (stream, number) IN (
                     SELECT w.stream, w.number FROM {table} w JOIN streams_in s ON s.id = w.stream
                     JOIN calls c ON 'c:' || c.id = s.conversation
                     WHERE c.phase = 'ended' AND c.ended_at < :before AND NOT EXISTS (
                         SELECT 1 FROM files f WHERE f.call = c.id AND f.state = 'transferring')
                     LIMIT :batch)"
            )
        };
        let (ended, now_stored) = (ago(now, WORD_LIFETIME), now.0.cast_signed());
        let mut deletions = vec![
            (
                "DELETE FROM tombstones WHERE call IN (
                  SELECT call FROM tombstones WHERE at < :before LIMIT :batch)"
                    .to_owned(),
                ended,
            ),
            (buffered("held"), ended),
            (buffered("chunks"), ended),
            (shown_events(), ago(now, EVENTS_KEPT)),
            // A note that puts a question says who was asked. It stays as long as the question.
            (
                "DELETE FROM notes WHERE rumor IN (SELECT rumor FROM notes
                  WHERE at < :before AND question IS NULL LIMIT :batch)"
                    .to_owned(),
                ago(now, NOTES_KEPT),
            ),
            (
                "DELETE FROM invites WHERE id IN (SELECT id FROM invites
                  WHERE expires < :before OR uses = 0 LIMIT :batch)"
                    .to_owned(),
                now_stored,
            ),
        ];
        if self.db().number("SELECT count(*) FROM seen", [])?.cast_unsigned() > SEEN_LEAST as u64 {
            let seen = "DELETE FROM seen WHERE rumor IN (
                SELECT rumor FROM seen WHERE at < :before LIMIT :batch)";
            deletions.push((seen.to_owned(), ago(now, SEEN_KEPT)));
        }
        if let Some(before) = direct_before {
            deletions.push((shown_direct_messages(), before.0.cast_signed()));
        }
        self.write(|db| {
            let mut most = 0;
            for (sql, before) in deletions {
                let params = named_params! { ":before": before, ":batch": BATCH };
                most = most.max(db.run(&sql, params)?);
            }
            Ok(i64::try_from(most).is_ok_and(|most| most >= BATCH))
        })
    }

    /// Returns free pages to the disk after much was deleted. Takes about a second for 100 MB.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn compact(&mut self) -> Result<()> {
        let pragma =
            |name: &str| self.sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (free, all) = (pragma("freelist_count")?, pragma("page_count")?);
        if free > FREE_PAGES && free > all / FREE_PART {
            self.sql.execute_batch("VACUUM")?;
        }
        // The write-ahead log still holds the deleted rows.
        self.sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).optional()?;
        Ok(())
    }
}

/// Returns the deletion of old log entries that every reader was shown.
fn shown_events() -> String {
    format!(
        "DELETE FROM events WHERE seq IN (SELECT e.seq FROM events e
             WHERE e.at < :before AND e.seq <= {} LIMIT :batch)",
        shown_to_all("e.conversation")
    )
}

/// Returns the deletion of old direct messages that every reader was shown and none of which waits
/// to be delivered.
fn shown_direct_messages() -> String {
    format!(
        "DELETE FROM messages WHERE handle IN (SELECT m.handle FROM messages m
             WHERE m.conversation LIKE 'd:%' AND m.at < :before
             AND NOT EXISTS (SELECT 1 FROM outbox o
                 WHERE o.stream = m.stream AND o.number = m.number)
             AND NOT EXISTS (SELECT 1 FROM events e WHERE e.conversation = m.conversation
                 AND e.subject = m.handle AND e.seq > coalesce({}, 0))
             LIMIT :batch)",
        shown_to_all("m.conversation")
    )
}
