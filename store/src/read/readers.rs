//! Queries about the readers of the event log.

use p2p_core::Time;

use super::inbox::unread_everywhere;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::sql::Table;
use crate::tables::events::EVENTS;

const CURSORS: Table = Table { name: "cursors", key: &["reader", "conversation"] };

/// A name under which the event log is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderRow {
    /// The name.
    pub name: String,
    /// Entries that the reader was not shown.
    pub unread: u32,
    /// The time of the last entry that the reader was shown, if the entry is still there.
    pub shown_to: Option<Time>,
}

impl Reader {
    /// Returns every reader that was ever shown an entry, by name.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn readers(&self) -> Result<Vec<ReaderRow>, StoreError> {
        let view = self.view()?;
        let db = view.db();
        let furthest =
            "SELECT reader, max(seq) AS seq FROM cursors GROUP BY reader ORDER BY reader";
        let cursors =
            db.all(&CURSORS, furthest, [], |row| Ok((row.clear("reader")?, row.number("seq")?)))?;
        let last = "SELECT * FROM events WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1";
        let row = |(name, seq): (String, u64)| {
            Ok(ReaderRow {
                unread: unread_everywhere(db, &name)?,
                shown_to: db.first(&EVENTS, last, [seq.cast_signed()], |row| row.time("at"))?,
                name,
            })
        };
        cursors.into_iter().map(row).collect()
    }
}
