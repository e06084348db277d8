//! Questions to the owner, the notifiers that were given them, and the answers.

use p2p_core::record::{Answer, Question};
use rusqlite::named_params;

use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};
use crate::tables::owners::{read_via, via_code};

/// Table `questions`.
pub(crate) const QUESTIONS: Table = Table { name: "questions", key: &["handle"] };
/// Table `told`.
pub(crate) const TOLD: Table = Table { name: "told", key: &["question", "place"] };

/// Writes a new question.
pub(crate) fn put(db: Db<'_>, question: &Question) -> Result<(), StoreError> {
    let place = db.place(&QUESTIONS, question.handle);
    db.run(
        "INSERT INTO questions (handle, call, question, options, quiet, at, code)
         VALUES (:handle, :call, :question, :options, :quiet, :at, :code)",
        named_params! {
            ":handle": question.handle,
            ":call": question.call.to_string(),
            ":question": place.seal("question", &question.question)?,
            ":options": place.seal_json("options", &question.options)?,
            ":quiet": question.quiet,
            ":at": question.at.0.cast_signed(),
            ":code": question.code.as_str(),
        },
    )?;
    match &question.answer {
        Some(answer) => put_answer(db, question.handle, answer),
        None => Ok(()),
    }
}

/// Records that a notifier was given a question, and whether it accepted the question. The last
/// result of each notifier counts.
pub(crate) fn put_told(
    db: Db<'_>,
    question: u32,
    channel: &str,
    ok: bool,
) -> Result<(), StoreError> {
    let known = db.all(
        &TOLD,
        "SELECT * FROM told WHERE question = ?1 ORDER BY place",
        [question],
        |row| Ok((row.small("place")?, row.text("channel")?)),
    )?;
    let next = known.last().map_or(0, |(place, _)| place + 1);
    let place = known.iter().find(|(_, name)| name == channel).map_or(next, |(place, _)| *place);
    db.run(
        "INSERT INTO told (question, place, channel, ok) VALUES (:question, :place, :channel, :ok)
         ON CONFLICT (question, place) DO UPDATE SET ok = excluded.ok",
        named_params! {
            ":question": question,
            ":place": place,
            ":channel": db.place(&TOLD, format!("{question}/{place}")).seal("channel", channel)?,
            ":ok": ok,
        },
    )?;
    Ok(())
}

/// Keeps the owner's answer, unless the question has one.
pub(crate) fn put_answer(db: Db<'_>, question: u32, answer: &Answer) -> Result<(), StoreError> {
    db.run(
        "UPDATE questions SET answer = :answer, answered_at = :at, answered_via = :via
         WHERE handle = :handle AND answer IS NULL",
        named_params! {
            ":handle": question,
            ":answer": db.place(&QUESTIONS, question).seal("answer", &answer.text)?,
            ":at": answer.at.0.cast_signed(),
            ":via": via_code(answer.via),
        },
    )?;
    Ok(())
}

/// Reads a question's row.
pub(crate) fn read(row: &Cells<'_>) -> Result<Question, StoreError> {
    Ok(Question {
        handle: row.small("handle")?,
        call: row.id("call")?,
        question: row.text("question")?.into(),
        options: row.json("options")?,
        quiet: row.flag("quiet")?,
        at: row.time("at")?,
        code: row.clear("code")?.into(),
        answer: row.opt("answer", answer)?,
    })
}

fn answer(row: &Cells<'_>, column: &str) -> Result<Answer, StoreError> {
    Ok(Answer {
        text: row.text(column)?.into(),
        via: read_via(row, "answered_via")?,
        at: row.time("answered_at")?,
    })
}
