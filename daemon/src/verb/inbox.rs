//! `p2p inbox` and `p2p wait`: what a reader was not shown. Reading moves no cursor: that is
//! [`confirm`], which the client sends once its output was taken.

use p2p_core::call::State;
use p2p_core::engine::command;
use p2p_core::policy::{SMALL_TALK_WINDOW, small_talk};
use p2p_core::record::{Event, FileState};
use p2p_core::{CallId, Conversation};
use p2p_ipc::method::{ConfirmParams, Done, InboxParams, InboxResult, ReadMark, WaitParams};
use p2p_ipc::view::ItemView;
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::{FileRow, Reader, conversation_key, parse_conversation_key};

use super::handler::{Attention, Effect, Handler};
use super::presenter::Presenter;
use super::waiting::{capped, until};
use super::{resolve, views};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::{AGENT, reader_name};

/// A message is cut to no less than this, or waits for the next time.
const SHORTEST_CUT: usize = 1024;

impl Handler for InboxParams {
    const EFFECT: Effect = Effect::Reads;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<InboxResult, RpcError> {
        context.catch_up().await;
        read(context, &self)
    }
}

impl Handler for WaitParams {
    const EFFECT: Effect = Effect::Reads;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<InboxResult, RpcError> {
        let reader = reader_name(self.inbox.reader.as_deref())?;
        let call = named(&context.reader(), &self.inbox)?;
        let look = || {
            let store = context.reader();
            let kinds = store.unread_kinds(reader, call).map_err(unreadable)?;
            let wanted =
                |kind| self.kinds.is_empty() || self.kinds.contains(&views::item_kind(kind));
            Ok((kinds.into_iter().any(wanted) || over(&store, call)?).then_some(()))
        };
        let came = until(context, capped(self.wait_ms), look).await?;
        context.note_activity();
        if came.is_some() {
            return read(context, &self.inbox);
        }
        let mut nothing = read(context, &InboxParams { limit: 0, ..self.inbox })?;
        nothing.items.clear();
        nothing.marks.clear();
        Ok(nothing)
    }
}

fn named(store: &Reader, params: &InboxParams) -> Result<Option<CallId>, RpcError> {
    let named = params.call.as_deref().map(|name| resolve::named_call(store, name));
    Ok(named.transpose()?.map(|row| row.call.id))
}

/// Returns true if a call has ended and no file of it is still on its way.
fn over(store: &Reader, call: Option<CallId>) -> Result<bool, RpcError> {
    let Some(call) = call else { return Ok(false) };
    let row = store.call_by_id(AGENT, call).map_err(unreadable)?;
    let coming =
        |row: &FileRow| !row.file.outgoing && matches!(row.file.state, FileState::Transferring);
    Ok(row.is_none_or(|row| !row.call.is_open())
        && !store.files(Some(call)).map_err(unreadable)?.iter().any(coming))
}

fn read(context: &Context, params: &InboxParams) -> Result<InboxResult, RpcError> {
    let store = context.reader();
    let reader = reader_name(params.reader.as_deref())?;
    let presenter = Presenter::new(context, &store, Some(reader));
    let call = named(&store, params)?;
    let (events, unread) = match params.last {
        Some(last) => {
            (store.last_events(last.min(params.limit.max(1)), call).map_err(unreadable)?, 0)
        }
        None => {
            let (events, left) = store.inbox(reader, call, params.limit).map_err(unreadable)?;
            let fetched = u32::try_from(events.len()).unwrap_or(u32::MAX);
            (events, left.saturating_add(fetched))
        }
    };
    let items = fit(&presenter, &events, params.max_bytes as usize)?;
    let marks = match params.last {
        Some(_) => Vec::new(),
        None => events.iter().take(items.len()).map(mark).collect(),
    };
    let left = unread.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
    let about = match call {
        Some(call) => store.call_by_id(AGENT, call).map_err(unreadable)?,
        None => match store.open_calls(AGENT).map_err(unreadable)?.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        },
    };
    let last_sent = match &about {
        Some(row) => store.last_sent(Conversation::Call(row.call.id)).map_err(unreadable)?,
        None => None,
    };
    let small_talk = match &about {
        Some(row) if left == 0 && row.call.state == State::Active => {
            let newest = store.newest_messages(Conversation::Call(row.call.id), SMALL_TALK_WINDOW);
            let newest = newest.map_err(unreadable)?;
            small_talk(newest.iter().map(|row| (row.message.by, &row.message.content)))
        }
        _ => None,
    };
    Ok(InboxResult {
        small_talk,
        items,
        remaining: left,
        marks,
        call: about.map(|row| presenter.call(&row)).transpose()?,
        last_sent: last_sent.map(|row| presenter.message(&row)).transpose()?,
        finished: over(&store, call)?,
    })
}

pub(super) fn mark(event: &Event) -> ReadMark {
    ReadMark { conversation: conversation_key(&event.conversation), seq: event.seq }
}

/// As many items as fit. The first one is cut if it alone does not.
pub(super) fn fit(
    presenter: &Presenter<'_>,
    events: &[Event],
    max_bytes: usize,
) -> Result<Vec<ItemView>, RpcError> {
    let mut room = max_bytes.max(SHORTEST_CUT);
    let mut items: Vec<ItemView> = Vec::new();
    for event in events {
        let mut item = presenter.item(event)?;
        let length = item.message.as_ref().map_or(0, |message| message.text.len());
        if length > room {
            let Some(message) = item.message.as_mut().filter(|_| items.is_empty()) else { break };
            let cut = (0..=room).rev().find(|at| message.text.is_char_boundary(*at));
            message.text.truncate(cut.unwrap_or(0));
            message.truncated = true;
        }
        room = room.saturating_sub(length);
        items.push(item);
    }
    Ok(items)
}

impl Handler for ConfirmParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<Done, RpcError> {
        let reader = reader_name(self.reader.as_deref())?.to_string();
        let mut read = Vec::new();
        {
            let store = context.reader();
            let newest = store.max_event_seq().map_err(unreadable)?;
            for mark in &self.marks {
                let conversation = parse_conversation_key(&mark.conversation);
                let Some(conversation) = conversation.filter(|_| mark.seq <= newest) else {
                    let message =
                        format!("no entry {} was shown in {:?}", mark.seq, mark.conversation);
                    return Err(RpcError::new(ErrorCode::Usage, message));
                };
                // What a person or a subagent read, the agent has not.
                if reader == AGENT {
                    let streams = store.read_marks(conversation, mark.seq).map_err(unreadable)?;
                    read.extend(streams.into_iter().map(|(stream, n)| (conversation, stream, n)));
                }
            }
        }
        let marks = self.marks.into_iter().map(|mark| (mark.conversation, mark.seq)).collect();
        context.engine.command(command::MarkShown { reader, marks, read }).await?;
        Ok(Done {})
    }
}
