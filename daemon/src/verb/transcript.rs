//! `p2p transcript`: a call's messages, a page at a time.

use p2p_core::Conversation;
use p2p_ipc::RpcError;
use p2p_ipc::method::{Transcript, TranscriptResult};
use p2p_ipc::view::{File, Message};

use super::show::Show;
use super::{AGENT, stored, verify, which};
use crate::service::Service;

/// A page ends past so many bytes of JSON: it must fit a line.
const PAGE: usize = 600 * 1024;
/// Messages fetched at once.
const FETCH: u32 = 100;

pub(super) async fn run(
    service: &Service,
    params: Transcript,
) -> Result<TranscriptResult, RpcError> {
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let row = match &params.call {
        Some(name) => which::named_call(&store, name)?,
        None => {
            let open = store.open_calls(AGENT).map_err(stored)?;
            let newest = store.calls(AGENT, 1).map_err(stored)?.0;
            match (open.as_slice(), newest.as_slice()) {
                ([one], _) | ([], [one]) => one.clone(),
                ([], _) => {
                    let error = RpcError::new(p2p_ipc::ErrorCode::NoCall, "there was no call yet");
                    return Err(error.hint("p2p list or p2p call <agent> \"<topic>\""));
                }
                (several, _) => {
                    let names: Vec<String> = several
                        .iter()
                        .map(|row| format!("p2p transcript c{}", row.call.handle))
                        .collect();
                    let message = "which call? more than one is open";
                    let error = RpcError::new(p2p_ipc::ErrorCode::CallAmbiguous, message);
                    return Err(error.hint(names.join(" or ")));
                }
            }
        }
    };
    let conversation = Conversation::Call(row.call.id);
    let mut messages: Vec<Message> = Vec::new();
    let mut next = None;
    if let Some(tail) = params.tail {
        let rows = store.last_messages(conversation, tail.min(1000)).map_err(stored)?;
        messages = rows.iter().map(|row| show.message(row)).collect::<Result<_, _>>()?;
    } else {
        let after = params.after.as_deref().map(|after| which::numbered('m', "message", after));
        let mut after = after.transpose()?;
        let mut size = 0;
        'pages: loop {
            let rows = store.messages(conversation, after, FETCH).map_err(stored)?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                if size >= PAGE {
                    next = after.map(|after| format!("m{after}"));
                    break 'pages;
                }
                let message = show.message(row)?;
                size += serde_json::to_string(&message).map_or(0, |json| json.len());
                after = Some(row.message.handle);
                messages.push(message);
            }
        }
    }
    let files = store.files(Some(row.call.id)).map_err(stored)?;
    let files: Result<Vec<File>, _> = files.iter().map(|row| show.file(row)).collect();
    let mut files = files?;
    if params.tail.is_some() {
        files.retain(|file| messages.iter().any(|m| m.file.as_ref() == Some(&file.handle)));
    }
    let mut questions = Vec::new();
    // With the first page, or with the messages of the tail.
    if params.after.is_none() {
        let since = params.tail.and(messages.first()).map_or(0, |message| message.at_ms);
        for row in store.questions_in(row.call.id).map_err(stored)? {
            let question = show.question(&row)?;
            if question.answered_ms.unwrap_or(question.at_ms) >= since {
                questions.push(question);
            }
        }
    }
    Ok(TranscriptResult {
        call: show.call(&row)?,
        messages,
        files,
        questions,
        total: store.message_count(conversation).map_err(stored)?,
        comparison: verify::comparison(&store, &row.call)?,
        next,
    })
}
