//! Queries for a range of the event log. Numbers are given out without a gap, so a missing number
//! is an entry that was deleted.

use p2p_core::CallId;
use p2p_core::record::{Event, EventKind};
use rusqlite::named_params;

use super::inbox::{UNREAD, place};
use crate::codes::DiskCode;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::sql::Db;
use crate::tables::events::{self, EVENTS};

type Result<T> = std::result::Result<T, StoreError>;

/// A query for entries of the log.
#[derive(Debug, Clone, Copy)]
pub struct LogQuery<'a> {
    /// Only entries after this number.
    pub after: u64,
    /// Only entries that this reader was not shown.
    pub reader: Option<&'a str>,
    /// Only entries of this call.
    pub call: Option<CallId>,
    /// Only entries of these kinds; of every kind when empty.
    pub kinds: &'a [EventKind],
    /// Maximum number of entries.
    pub limit: u32,
}

/// A page of the log.
#[derive(Clone)]
pub struct LogPage {
    /// The entries, in order.
    pub events: Vec<Event>,
    /// The last number that the query looked at.
    pub upto: u64,
}

/// Deleted entries in a range of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGap {
    /// Number of deleted entries.
    pub removed: u64,
    /// The number before the first entry that is there.
    pub before: u64,
}

impl Reader {
    /// Returns a page of the log.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn log(&self, wanted: LogQuery<'_>) -> Result<LogPage> {
        let view = self.view()?;
        let words: Vec<String> =
            wanted.kinds.iter().map(|kind| format!("'{}'", kind.code())).collect();
        let of_kind = match words.as_slice() {
            [] => String::new(),
            words => format!("AND kind IN ({})", words.join(", ")),
        };
        let from = if wanted.reader.is_some() { "unread" } else { "events" };
        let last = last_number(view.db())?;
        let events = view.db().all(
            &EVENTS,
            &format!(
                "{UNREAD} SELECT * FROM {from} WHERE seq > :after {of_kind}
                     AND (:place IS NULL OR conversation = :place) ORDER BY seq LIMIT :limit"
            ),
            named_params! {
                ":reader": wanted.reader.unwrap_or_default(),
                ":place": place(wanted.call),
                ":after": wanted.after.cast_signed(),
                ":limit": wanted.limit,
            },
            events::read,
        )?;
        let full = u32::try_from(events.len()).is_ok_and(|count| count >= wanted.limit);
        let upto = match events.last() {
            Some(event) if full => event.seq,
            _ if full => wanted.after,
            _ => last,
        };
        Ok(LogPage { events, upto })
    }

    /// Returns the entries that were deleted between two numbers before the reader was shown them.
    /// Counts from the reader's furthest cursor; a new reader misses nothing.
    ///
    /// # Errors
    /// See [`Self::log`].
    pub fn removed(&self, reader: Option<&str>, after: u64, upto: u64) -> Result<LogGap> {
        let view = self.view()?;
        let number = |sql: &str, params: &[&dyn rusqlite::ToSql]| -> Result<u64> {
            Ok(view.db().number(sql, params)?.cast_unsigned())
        };
        let after = match reader {
            None => after,
            Some(reader) => {
                let furthest = "SELECT coalesce(max(seq), ?2) FROM cursors WHERE reader = ?1";
                after.max(number(furthest, &[&reader, &upto.cast_signed()])?)
            }
        };
        let between: [&dyn rusqlite::ToSql; 2] = [&after.cast_signed(), &upto.cast_signed()];
        let there = number("SELECT count(*) FROM events WHERE seq > ?1 AND seq <= ?2", &between)?;
        let first = "SELECT coalesce(min(seq) - 1, max(?1, ?2)) FROM events
             WHERE seq > ?1 AND seq <= ?2";
        let before = number(first, &between)?;
        Ok(LogGap { removed: upto.saturating_sub(after).saturating_sub(there), before })
    }

    /// Returns the number of the last entry, even if it was deleted; 0 before the first.
    ///
    /// # Errors
    /// See [`Self::log`].
    pub fn max_event_seq(&self) -> Result<u64> {
        last_number(self.view()?.db())
    }
}

fn last_number(db: Db<'_>) -> Result<u64> {
    let last = db.number(
        "SELECT max(coalesce((SELECT events FROM counters), 0),
             coalesce((SELECT max(seq) FROM events), 0))",
        [],
    )?;
    Ok(last.cast_unsigned())
}
