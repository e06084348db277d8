//! Questions about files, and about questions to the owner.

use p2p_core::record::{FileState, Question};
use p2p_core::{CallId, Conversation};
use rusqlite::Params;

use super::{FileRow, MessageRow, QuestionRow, Reader, messages};
use crate::store::conversation::conversation_key;
use crate::store::error::StoreError;
use crate::store::sql::{Cells, Db};
use crate::store::tables::files::{self, FILES};
use crate::store::tables::questions::{self, QUESTIONS, TOLD};

type Result<T> = std::result::Result<T, StoreError>;

/// Files with what got through of them: pieces here, or numbers that the peer acknowledged.
const SELECT: &str = "SELECT f.*,
         coalesce((SELECT sum(c.size) FROM chunks c WHERE c.stream = f.stream), 0) AS arrived,
         coalesce((SELECT s.acked FROM streams_out s WHERE s.id = f.stream), 0) AS acked
     FROM files f";

/// Questions, and whether the call that each came up in is over.
const ASKED: &str = "SELECT * FROM (SELECT *, NOT EXISTS (
         SELECT 1 FROM calls c WHERE c.id = questions.call AND c.phase <> 'ended'
     ) AS over FROM questions) q";

impl Reader {
    /// The file with this handle.
    ///
    /// # Errors
    /// [`StoreError`], as everywhere here: SQLite refuses, or a row was tampered with.
    pub fn file(&self, handle: u32) -> Result<Option<FileRow>> {
        let view = self.view()?;
        Ok(rows(view.db(), "WHERE f.handle = ?1", [handle])?.pop())
    }

    /// The files of a call, or of all; the newest first.
    ///
    /// # Errors
    /// See [`Self::file`].
    pub fn files(&self, call: Option<CallId>) -> Result<Vec<FileRow>> {
        let view = self.view()?;
        match call {
            Some(call) => {
                rows(view.db(), "WHERE f.call = ?1 ORDER BY f.handle DESC", [call.to_string()])
            }
            None => rows(view.db(), "ORDER BY f.handle DESC", []),
        }
    }

    /// The question with this handle.
    ///
    /// # Errors
    /// See [`Self::file`].
    pub fn question(&self, handle: u32) -> Result<Option<QuestionRow>> {
        let view = self.view()?;
        Ok(asked(view.db(), "WHERE q.handle = ?1", [handle])?.pop())
    }

    /// Every question, the newest first.
    ///
    /// # Errors
    /// See [`Self::file`].
    pub fn questions(&self) -> Result<Vec<QuestionRow>> {
        let view = self.view()?;
        asked(view.db(), "ORDER BY q.handle DESC", [])
    }

    /// Questions without an answer in calls that are not over, the newest first.
    ///
    /// # Errors
    /// See [`Self::file`].
    pub fn open_questions(&self) -> Result<Vec<QuestionRow>> {
        let view = self.view()?;
        asked(view.db(), "WHERE q.answer IS NULL AND NOT over ORDER BY q.handle DESC", [])
    }
}

fn rows(db: Db<'_>, which: &str, params: impl Params) -> Result<Vec<FileRow>> {
    db.all(&FILES, &format!("{SELECT} {which}"), params, |row| {
        let file = files::read(row)?;
        let through = match (&file.state, file.outgoing) {
            (FileState::Complete(_), _) => file.size,
            (_, true) => row.number("acked")?.saturating_mul(file.chunk),
            (_, false) => row.number("arrived")?,
        };
        Ok(FileRow { done_bytes: through.min(file.size), file })
    })
}

fn asked(db: Db<'_>, which: &str, params: impl Params) -> Result<Vec<QuestionRow>> {
    let questions = db.all(&QUESTIONS, &format!("{ASKED} {which}"), params, |row| {
        Ok((questions::read(row)?, row.opt("answer", Cells::text)?, row.flag("over")?))
    })?;
    let told = "SELECT * FROM told WHERE question = ?1 ORDER BY place";
    let row = |(question, answer, over): (Question, _, _)| {
        let channels = db.all(&TOLD, told, [question.handle], |row| {
            Ok((row.text("channel")?, row.flag("ok")?))
        })?;
        let (told, refused): (Vec<_>, Vec<_>) = channels.into_iter().partition(|(_, ok)| *ok);
        let names = |list: Vec<(String, bool)>| list.into_iter().map(|(name, _)| name).collect();
        let (told, refused) = (names(told), names(refused));
        let to_peer = escalation(db, &question)?;
        Ok(QuestionRow { question, told, refused, to_peer, answer, over })
    };
    questions.into_iter().map(row).collect()
}

/// The message that passed a question on to the peer: both were written at one moment.
fn escalation(db: Db<'_>, question: &Question) -> Result<Option<MessageRow>> {
    let which = "WHERE m.conversation = ?1 AND m.at = ?2 AND m.outgoing = 1
         AND m.content = 'escalation' ORDER BY m.handle DESC LIMIT 1";
    let place = conversation_key(&Conversation::Call(question.call));
    let found = messages::rows(db, which, (place, question.at.0.cast_signed()))?.pop();
    Ok(found.filter(|_| !question.quiet))
}
