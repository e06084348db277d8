//! `p2p cancel`: takes back a message that was not transmitted to any relay.

use p2p_core::Conversation;
use p2p_core::engine::OutgoingRef;
use p2p_core::opening::opening_id;
use p2p_core::record::{Content, Delivery, Message};
use p2p_ipc::method::{CancelParams, CancelResult};
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::{MessageRow, Reader};

use super::handler::{Attention, Effect, Handler};
use super::handles::{handle, numbered, parse_handle};
use super::presenter::Presenter;
use super::rows;
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

impl Handler for CancelParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<CancelResult, RpcError> {
        let row = find(&context.reader(), &self.message)?;
        let name = handle('m', row.message.handle);
        if row.message.delivery != Delivery::Cancelled {
            let said = said(&context.reader(), &row.message)?;
            let done = context.engine.cancel(said).await;
            done.map_err(|error| match error.code {
                ErrorCode::TooLate => too_late(&name),
                _ => error,
            })?;
        }
        let store = context.reader();
        let row = rows::message(&store, row.message.handle)?;
        Ok(CancelResult { message: Presenter::new(context, &store, None).message(&row)? })
    }
}

fn find(store: &Reader, text: &str) -> Result<MessageRow, RpcError> {
    match parse_handle(text) {
        Some(('f', file)) => store.message_of_file(file).map_err(unreadable)?.ok_or_else(|| {
            let message = format!("there is no file {text} that this agent sends");
            RpcError::new(ErrorCode::NotFound, message).hint("p2p files")
        }),
        _ => rows::message(store, numbered('m', "message", text)?),
    }
}

/// Returns the reference of a message that may still be cancelled.
fn said(store: &Reader, message: &Message) -> Result<OutgoingRef, RpcError> {
    let name = handle('m', message.handle);
    if !message.by.is_ours() {
        let text = format!("{name} was not sent by this agent: it came from the peer");
        return Err(RpcError::new(ErrorCode::NotFound, text).hint(format!("p2p read {name}")));
    }
    if let Conversation::Call(call) = message.conversation
        && message.rumor == opening_id(call)
    {
        let call = store.call_by_id(AGENT, call).map_err(unreadable)?;
        let call = call.map_or_else(String::new, |row| handle('c', row.call.handle));
        let text = format!("{name} travels with the ring: it goes where the call goes");
        let hint = format!("p2p end --call {call}");
        return Err(RpcError::new(ErrorCode::TooLate, text).hint(hint));
    }
    match message.delivery {
        Delivery::Undelivered => {
            let text = format!("{name} was already given up as undelivered");
            Err(RpcError::new(ErrorCode::TooLate, text).hint(format!("p2p read {name}")))
        }
        Delivery::Sent | Delivery::Delivered => Err(too_late(&name)),
        Delivery::Queued | Delivery::Cancelled => {
            let file = match &message.content {
                Content::File { file, .. } => Some(*file),
                _ => None,
            };
            let Message { handle, conversation, rumor, .. } = *message;
            Ok(OutgoingRef { conversation, message: handle, rumor, file })
        }
    }
}

fn too_late(name: &str) -> RpcError {
    let text = format!("too late: a relay was sent {name}, or may have been, and can pass it on");
    RpcError::new(ErrorCode::TooLate, text).hint(format!("p2p read {name}"))
}
