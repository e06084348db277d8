//! `p2p transcript`: a call's messages, a page at a time.

use p2p_core::{CallId, Conversation};
use p2p_ipc::method::{TranscriptParams, TranscriptResult};
use p2p_ipc::view::{FileView, MessageView, QuestionView};
use p2p_ipc::{ErrorCode, RpcError};
use p2p_store::{CallRow, Reader};

use super::handler::{Effect, Handler};
use super::handles::{handle, numbered};
use super::presenter::Presenter;
use super::{resolve, verify};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

/// Size of a page in bytes of JSON, past which it ends: it must fit a line.
const PAGE: usize = 600 * 1024;
/// Messages to read from the store at once.
const FETCH: u32 = 100;
/// Longest tail, in messages.
const LONGEST_TAIL: u32 = 1000;

impl Handler for TranscriptParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<TranscriptResult, RpcError> {
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let row = match &self.call {
            Some(name) => resolve::named_call(&store, name)?,
            None => only_call(&store)?,
        };
        let conversation = Conversation::Call(row.call.id);
        let (messages, next) = match self.tail {
            Some(tail) => {
                let rows = store.last_messages(conversation, tail.min(LONGEST_TAIL));
                let rows = rows.map_err(unreadable)?;
                let tail = rows.iter().map(|row| presenter.message(row));
                (tail.collect::<Result<_, _>>()?, None)
            }
            None => page(&store, &presenter, conversation, self.after.as_deref())?,
        };
        let rows = store.files(Some(row.call.id)).map_err(unreadable)?;
        let files = rows.iter().map(|row| presenter.file(row));
        let mut files: Vec<FileView> = files.collect::<Result<_, _>>()?;
        if self.tail.is_some() {
            files.retain(|file| messages.iter().any(|m| m.file.as_ref() == Some(&file.handle)));
        }
        // Questions go with the first page, or with the messages of the tail.
        let questions = match (&self.after, self.tail, messages.first()) {
            (Some(_), ..) => Vec::new(),
            (None, Some(_), Some(first)) => {
                questions(&store, &presenter, row.call.id, first.at_ms)?
            }
            (None, ..) => questions(&store, &presenter, row.call.id, 0)?,
        };
        Ok(TranscriptResult {
            call: presenter.call(&row)?,
            messages,
            files,
            questions,
            total: store.message_count(conversation).map_err(unreadable)?,
            comparison: verify::comparison(&store, &row.call)?,
            next,
        })
    }
}

/// Returns the only open call, or else the newest one.
fn only_call(store: &Reader) -> Result<CallRow, RpcError> {
    let open = store.open_calls(AGENT).map_err(unreadable)?;
    let newest = store.calls(AGENT, 1).map_err(unreadable)?.0;
    match (open.as_slice(), newest.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one.clone()),
        ([], _) => {
            let error = RpcError::new(ErrorCode::NoCall, "there was no call yet");
            Err(error.hint("p2p list\np2p call <agent> \"<topic>\""))
        }
        (several, _) => {
            let command = |row: &CallRow| format!("p2p transcript c{}", row.call.handle);
            let commands: Vec<String> = several.iter().map(command).collect();
            let message = "which call? more than one is open";
            let error = RpcError::new(ErrorCode::CallAmbiguous, message);
            Err(error.hint(commands.join("\n")))
        }
    }
}

/// Returns a page of messages, and the handle after which the next page begins.
fn page(
    store: &Reader,
    presenter: &Presenter<'_>,
    conversation: Conversation,
    after: Option<&str>,
) -> Result<(Vec<MessageView>, Option<String>), RpcError> {
    let mut after = after.map(|after| numbered('m', "message", after)).transpose()?;
    let (mut messages, mut size) = (Vec::new(), 0);
    loop {
        let rows = store.messages(conversation, after, FETCH).map_err(unreadable)?;
        if rows.is_empty() {
            return Ok((messages, None));
        }
        for row in &rows {
            if size >= PAGE {
                return Ok((messages, after.map(|after| handle('m', after))));
            }
            let message = presenter.message(row)?;
            size += serde_json::to_string(&message).map_or(0, |json| json.len());
            after = Some(row.message.handle);
            messages.push(message);
        }
    }
}

/// Returns the questions of a call that were asked or answered since a time.
fn questions(
    store: &Reader,
    presenter: &Presenter<'_>,
    call: CallId,
    since_ms: u64,
) -> Result<Vec<QuestionView>, RpcError> {
    let rows = store.questions_in(call).map_err(unreadable)?;
    let mut questions: Vec<QuestionView> =
        rows.iter().map(|row| presenter.question(row)).collect::<Result<_, _>>()?;
    questions.retain(|question| question.answered_ms.unwrap_or(question.at_ms) >= since_ms);
    Ok(questions)
}
