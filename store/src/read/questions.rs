//! Queries about questions to the owner.

use p2p_core::record::{Delivery, Question};
use p2p_core::{CallId, Conversation};
use rusqlite::Params;

use super::messages;
use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::reader::Reader;
use crate::rows::{MessageRow, QuestionRow};
use crate::sql::{Cells, Db};
use crate::tables::messages::MESSAGES;
use crate::tables::questions::{self, QUESTIONS, TOLD};

type Result<T> = std::result::Result<T, StoreError>;

/// The notifier that sends direct messages.
const DM: &str = "dm";

/// Questions. `over` is true when the call, and every call that it was merged into, has ended.
const ASKED: &str = "SELECT * FROM (SELECT *, NOT EXISTS (
         WITH RECURSIVE became (id) AS (
             VALUES (questions.call)
             UNION SELECT c.merged_into FROM became JOIN calls c USING (id))
         SELECT 1 FROM became JOIN calls c USING (id) WHERE c.phase <> 'ended'
     ) AS over FROM questions) q";

/// The call `?1`, and the calls that were merged into it.
const PARTS: &str = "WITH RECURSIVE part (id) AS (
         VALUES (?1) UNION SELECT c.id FROM part JOIN calls c ON c.merged_into = part.id)
     SELECT id FROM part";

impl Reader {
    /// Returns the question with this handle.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn question(&self, handle: u32) -> Result<Option<QuestionRow>> {
        let view = self.view()?;
        Ok(asked(view.db(), "WHERE q.handle = ?1", [handle])?.pop())
    }

    /// Returns every question, the newest first.
    ///
    /// # Errors
    /// See [`Self::question`].
    pub fn questions(&self) -> Result<Vec<QuestionRow>> {
        let view = self.view()?;
        asked(view.db(), "ORDER BY q.handle DESC", [])
    }

    /// Returns the questions of a call, and of calls that were merged into it, in order.
    ///
    /// # Errors
    /// See [`Self::question`].
    pub fn questions_in(&self, call: CallId) -> Result<Vec<QuestionRow>> {
        let view = self.view()?;
        let here = format!("WHERE q.call IN ({PARTS}) ORDER BY q.handle");
        asked(view.db(), &here, [call.to_string()])
    }

    /// Returns the unanswered questions of calls that have not ended, the newest first.
    ///
    /// # Errors
    /// See [`Self::question`].
    pub fn open_questions(&self) -> Result<Vec<QuestionRow>> {
        let view = self.view()?;
        asked(view.db(), "WHERE q.answer IS NULL AND NOT over ORDER BY q.handle DESC", [])
    }
}

fn asked(db: Db<'_>, condition: &str, params: impl Params) -> Result<Vec<QuestionRow>> {
    let questions = db.all(&QUESTIONS, &format!("{ASKED} {condition}"), params, |row| {
        Ok((questions::read(row)?, row.flag("over")?))
    })?;
    let channels = "SELECT * FROM told WHERE question = ?1 ORDER BY place";
    let row = |(question, over): (Question, _)| {
        let (mut told, mut telling, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(delivery) = direct(db, question.handle)? {
            let list = match delivery {
                Delivery::Sent | Delivery::Delivered => &mut told,
                Delivery::Queued => &mut telling,
                Delivery::Undelivered | Delivery::Cancelled => &mut refused,
            };
            list.push(DM.to_owned());
        }
        let others = db.all(&TOLD, channels, [question.handle], |row| {
            Ok((row.text("channel")?, row.flag("ok")?))
        })?;
        for (channel, ok) in others {
            if ok { &mut told } else { &mut refused }.push(channel);
        }
        let to_peer = escalation(db, &question)?;
        Ok(QuestionRow { question, told, telling, refused, to_peer, over })
    };
    questions.into_iter().map(row).collect()
}

/// Returns the best delivery among the direct messages that put a question to owners.
fn direct(db: Db<'_>, question: u32) -> Result<Option<Delivery>> {
    let sql = "SELECT m.* FROM notes n JOIN messages m ON m.handle = n.message
         WHERE n.question = ?1";
    let delivery = |row: &Cells<'_>| row.code::<Delivery>("delivery");
    let all = db.all(&MESSAGES, sql, [question], delivery)?;
    Ok(all.into_iter().max_by_key(|delivery| match delivery {
        Delivery::Delivered => 4,
        Delivery::Sent => 3,
        Delivery::Queued => 2,
        Delivery::Undelivered => 1,
        Delivery::Cancelled => 0,
    }))
}

/// Returns the message that passed a question on to the peer. Both have the same time.
fn escalation(db: Db<'_>, question: &Question) -> Result<Option<MessageRow>> {
    let condition = "WHERE m.conversation = ?1 AND m.at = ?2 AND m.outgoing = 1
         AND m.content = 'escalation' ORDER BY m.handle DESC LIMIT 1";
    let place = conversation_key(&Conversation::Call(question.call));
    let found = messages::rows(db, condition, (place, question.at.0.cast_signed()))?.pop();
    Ok(found.filter(|_| !question.quiet))
}
