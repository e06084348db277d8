//! Queries about the event log. An entry is unread when its number is beyond the reader's
//! cursor in its conversation.

use std::collections::BTreeSet;

use p2p_core::record::{Event, EventKind};
use p2p_core::{CallId, Conversation, PublicKey};
use rusqlite::named_params;

use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::sql::Db;
use crate::tables::events::{self, EVENTS};

type Result<T> = std::result::Result<T, StoreError>;

/// Table `unread`: entries that `:reader` was not shown, in conversation `:place` or in all. The
/// query hops from conversation to conversation, so a long log of read entries costs nothing.
pub(super) const UNREAD: &str = "WITH RECURSIVE known (conversation) AS (
         SELECT min(conversation) FROM events
         UNION ALL
         SELECT (SELECT min(e.conversation) FROM events e WHERE e.conversation > k.conversation)
         FROM known k WHERE k.conversation IS NOT NULL),
     unread AS (
         SELECT e.* FROM known k JOIN events e ON e.conversation = k.conversation AND e.seq >
             coalesce((SELECT c.seq FROM cursors c
                 WHERE c.reader = :reader AND c.conversation = k.conversation), 0)
         WHERE :place IS NULL OR k.conversation = :place)";

/// Returns how many entries of one conversation a reader was not shown.
pub(super) fn unread_in(db: Db<'_>, reader: &str, conversation: &str) -> Result<u32> {
    db.count(
        "SELECT count(*) FROM events WHERE conversation = ?2 AND seq > coalesce(
             (SELECT seq FROM cursors WHERE reader = ?1 AND conversation = ?2), 0)",
        (reader, conversation),
    )
}

/// Returns how many entries a reader was not shown.
pub(super) fn unread_everywhere(db: Db<'_>, reader: &str) -> Result<u32> {
    db.count(
        &format!("{UNREAD} SELECT count(*) FROM unread"),
        named_params! { ":reader": reader, ":place": None::<String> },
    )
}

pub(super) fn place(call: Option<CallId>) -> Option<String> {
    call.map(|call| conversation_key(&Conversation::Call(call)))
}

impl Reader {
    /// Returns the entries that the reader was not shown, in order, in one call or everywhere, and
    /// the number of further entries.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn inbox(
        &self,
        reader: &str,
        call: Option<CallId>,
        limit: u32,
    ) -> Result<(Vec<Event>, u32)> {
        let (view, place) = (self.view()?, place(call));
        let shown = view.db().all(
            &EVENTS,
            &format!("{UNREAD} SELECT * FROM unread ORDER BY seq LIMIT :limit"),
            named_params! { ":reader": reader, ":place": place, ":limit": limit },
            events::read,
        )?;
        let all = view.db().count(
            &format!("{UNREAD} SELECT count(*) FROM unread"),
            named_params! { ":reader": reader, ":place": place },
        )?;
        let left = all.saturating_sub(u32::try_from(shown.len()).unwrap_or(u32::MAX));
        Ok((shown, left))
    }

    /// Returns the kinds of the entries that the reader was not shown.
    ///
    /// # Errors
    /// See [`Self::inbox`].
    pub fn unread_kinds(&self, reader: &str, call: Option<CallId>) -> Result<BTreeSet<EventKind>> {
        let view = self.view()?;
        let kinds = view.db().all(
            &EVENTS,
            &format!("{UNREAD} SELECT min(seq) AS seq, kind FROM unread GROUP BY kind"),
            named_params! { ":reader": reader, ":place": place(call) },
            |row| row.code("kind"),
        )?;
        Ok(kinds.into_iter().collect())
    }

    /// Returns how many entries the reader was not shown, in one conversation or everywhere.
    ///
    /// # Errors
    /// See [`Self::inbox`].
    pub fn unread_count(&self, reader: &str, conversation: Option<Conversation>) -> Result<u32> {
        let view = self.view()?;
        match conversation {
            Some(conversation) => unread_in(view.db(), reader, &conversation_key(&conversation)),
            None => unread_everywhere(view.db(), reader),
        }
    }

    /// Returns the peers whose direct messages the reader was not shown, with the number of entries.
    ///
    /// # Errors
    /// See [`Self::inbox`].
    pub fn unread_dms(&self, reader: &str) -> Result<Vec<(PublicKey, u32)>> {
        let view = self.view()?;
        let counts = view.db().all(
            &EVENTS,
            &format!(
                "{UNREAD} SELECT min(seq) AS seq, conversation, count(*) AS entries FROM unread
                 WHERE conversation LIKE 'd:%' GROUP BY conversation ORDER BY conversation"
            ),
            named_params! { ":reader": reader, ":place": None::<String> },
            |row| Ok((row.conversation()?, row.small("entries")?)),
        )?;
        let direct = |(conversation, count)| match conversation {
            Conversation::Direct(peer) => Some((peer, count)),
            Conversation::Call(_) => None,
        };
        Ok(counts.into_iter().filter_map(direct).collect())
    }

    /// Returns the last entries, read or not, in one call or everywhere, the oldest first.
    ///
    /// # Errors
    /// See [`Self::inbox`].
    pub fn last_events(&self, limit: u32, call: Option<CallId>) -> Result<Vec<Event>> {
        let view = self.view()?;
        let mut last = match place(call) {
            Some(place) => view.db().all(
                &EVENTS,
                "SELECT * FROM events WHERE conversation = ?1 ORDER BY seq DESC LIMIT ?2",
                (place, limit),
                events::read,
            )?,
            None => view.db().all(
                &EVENTS,
                "SELECT * FROM events ORDER BY seq DESC LIMIT ?1",
                [limit],
                events::read,
            )?,
        };
        last.reverse();
        Ok(last)
    }
}
