//! Queries about messages.

use p2p_core::digest::Digest;
use p2p_core::{CallId, Conversation, PublicKey, StreamId};
use rusqlite::{Params, named_params};

use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::rows::{DiagnosisRow, MessageRow};
use crate::sql::{Cells, Db};
use crate::tables::events::{self, EVENTS};
use crate::tables::messages::{self, MESSAGES};

type Result<T> = std::result::Result<T, StoreError>;

/// Messages, with the peer's read mark of their stream.
const SELECT: &str = "SELECT m.*, m.outgoing = 1 AND EXISTS (
         SELECT 1 FROM streams_out s WHERE s.id = m.stream AND s.read >= m.number
     ) AS shown FROM messages m";

impl Reader {
    /// Returns the message with this handle.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn message(&self, handle: u32) -> Result<Option<MessageRow>> {
        let view = self.view()?;
        Ok(rows(view.db(), "WHERE m.handle = ?1", [handle])?.pop())
    }

    /// Returns the stored facts about the delivery of a message of ours.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn diagnosis(&self, handle: u32) -> Result<Option<DiagnosisRow>> {
        let view = self.view()?;
        let ours = "SELECT * FROM messages WHERE handle = ?1 AND outgoing = 1";
        let found = view.db().first(&MESSAGES, ours, [handle], |row| {
            let peer: PublicKey = row.id("peer")?;
            Ok((messages::receipts(row)?, peer, row.conversation()?))
        })?;
        let Some((receipts, peer, conversation)) = found else { return Ok(None) };
        let arrived = "SELECT m.* FROM messages m JOIN (
                 SELECT 'd:' || ?1 AS conversation
                 UNION ALL SELECT 'c:' || id FROM calls WHERE peer = ?1
             ) USING (conversation) WHERE m.outgoing = 0 ORDER BY m.handle DESC LIMIT 1";
        let peer_heard =
            view.db().first(&MESSAGES, arrived, [peer.to_string()], |row| row.time("at"))?;
        let given_up = "SELECT * FROM events WHERE conversation = ?1 AND subject = ?2
             AND kind = 'undelivered' ORDER BY seq DESC LIMIT 1";
        let event = (conversation_key(&conversation), handle);
        let problem = view.db().first(&EVENTS, given_up, event, events::read)?;
        let problem = problem.and_then(|event| event.text);
        Ok(Some(DiagnosisRow { receipts, peer_heard, problem }))
    }

    /// Returns the message that announces a file of ours.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn message_of_file(&self, file: u32) -> Result<Option<MessageRow>> {
        let view = self.view()?;
        let condition = "WHERE m.content = 'file' AND m.file = ?1 AND m.outgoing = 1";
        Ok(rows(view.db(), condition, [file])?.pop())
    }

    /// Returns messages of a conversation after `after`, or from its beginning, the oldest first.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn messages(
        &self,
        conversation: Conversation,
        after: Option<u32>,
        limit: u32,
    ) -> Result<Vec<MessageRow>> {
        let view = self.view()?;
        rows(
            view.db(),
            "WHERE m.conversation = :place AND m.handle > :after ORDER BY m.handle LIMIT :limit",
            named_params! {
                ":place": conversation_key(&conversation),
                ":after": after.map_or(-1, i64::from),
                ":limit": limit,
            },
        )
    }

    /// Returns the last messages of a conversation, the oldest first.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn last_messages(&self, conversation: Conversation, limit: u32) -> Result<Vec<MessageRow>> {
        let view = self.view()?;
        let mut last = rows(
            view.db(),
            "WHERE m.conversation = ?1 ORDER BY m.handle DESC LIMIT ?2",
            (conversation_key(&conversation), limit),
        )?;
        last.reverse();
        Ok(last)
    }

    /// Returns the number of messages in a conversation.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn message_count(&self, conversation: Conversation) -> Result<u32> {
        let sql = "SELECT count(*) FROM messages WHERE conversation = ?1";
        self.view()?.db().count(sql, [conversation_key(&conversation)])
    }

    /// Returns the last message that we wrote in a conversation.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn last_sent(&self, conversation: Conversation) -> Result<Option<MessageRow>> {
        let view = self.view()?;
        let last = "WHERE m.conversation = ?1 AND m.outgoing = 1 ORDER BY m.handle DESC LIMIT 1";
        Ok(rows(view.db(), last, [conversation_key(&conversation)])?.pop())
    }

    /// Returns the last messages of a conversation, the newest first, without cancelled ones.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn newest_messages(&self, place: Conversation, limit: u32) -> Result<Vec<MessageRow>> {
        let newest = "WHERE m.conversation = ?1 AND m.delivery <> 'cancelled'
             ORDER BY m.handle DESC LIMIT ?2";
        rows(self.view()?.db(), newest, (conversation_key(&place), limit))
    }

    /// Returns true if the peer wrote in a conversation after this message.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn has_reply_after(&self, conversation: Conversation, handle: u32) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM messages
             WHERE conversation = ?1 AND handle > ?2 AND outgoing = 0)";
        let found = self.view()?.db().number(sql, (conversation_key(&conversation), handle))?;
        Ok(found != 0)
    }

    /// Returns the digests of both directions of a call: of our messages that were delivered, and of
    /// the peer's.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn digests(&self, call: CallId) -> Result<(Digest, Digest)> {
        let view = self.view()?;
        let entries = view.db().all(
            &MESSAGES,
            "SELECT m.*, f.sha256 AS hash FROM messages m LEFT JOIN files f ON f.handle = m.file
             WHERE m.conversation = ?1 AND (m.outgoing = 0 OR m.delivery = 'delivered')",
            [conversation_key(&Conversation::Call(call))],
            |row| {
                let message = messages::read(row)?;
                let file = row.opt("hash", Cells::id)?;
                Ok((message.by.is_ours(), message.entry(file)))
            },
        )?;
        let of = |outgoing| {
            let side = entries.iter().filter(|(ours, _)| *ours == outgoing);
            Digest::of(side.map(|(_, entry)| *entry))
        };
        Ok((of(true), of(false)))
    }

    /// Returns the read marks of a reader that was shown a conversation's events up to `seq`: for
    /// each stream of the peer, the highest number up to which everything was shown. Streams
    /// whose mark did not grow are left out.
    /// A file counts as shown when it is complete.
    ///
    /// # Errors
    /// See [`Self::message`].
    pub fn read_marks(&self, conversation: Conversation, seq: u64) -> Result<Vec<(StreamId, u64)>> {
        let view = self.view()?;
        view.db().all(
            &MESSAGES,
            "SELECT m.handle, m.stream, coalesce(
                 min(iif(EXISTS (
                     SELECT 1 FROM events e
                     WHERE e.conversation = :place AND e.seq <= :seq
                         AND e.subject = iif(m.content = 'file', m.file, m.handle)
                         AND e.kind <> 'reply' AND (e.kind = 'file') = (m.content = 'file')
                 ), NULL, m.number)) - 1,
                 max(m.number)) AS highest
             FROM messages m LEFT JOIN streams_in s ON s.id = m.stream
             WHERE m.conversation = :place AND m.outgoing = 0 AND m.stream IS NOT NULL
                 AND m.number > coalesce(s.read, 0)
             GROUP BY m.stream HAVING highest > coalesce(s.read, 0) ORDER BY m.stream",
            named_params! {
                ":place": conversation_key(&conversation),
                ":seq": i64::try_from(seq).unwrap_or(i64::MAX),
            },
            |row| Ok((row.id("stream")?, row.number("highest")?)),
        )
    }
}

/// Returns the messages that a condition on `m` selects.
pub(super) fn rows(db: Db<'_>, condition: &str, params: impl Params) -> Result<Vec<MessageRow>> {
    db.all(&MESSAGES, &format!("{SELECT} {condition}"), params, row)
}

fn row(row: &Cells<'_>) -> Result<MessageRow> {
    Ok(MessageRow {
        message: messages::read(row)?,
        relays: (row.small("relays_ok")?, row.small("relays")?),
        read: row.flag("shown")?,
    })
}
