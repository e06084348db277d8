//! `p2p send`: sends a message in a call, and follows its delivery.

use std::time::Duration;

use p2p_core::engine::command;
use p2p_core::record::Delivery;
use p2p_core::{CallId, Conversation};
use p2p_ipc::RpcError;
use p2p_ipc::method::{
    FollowMessageParams, FollowMessageResult, Milestone, SendParams, SendResult,
};

use p2p_store::{MessageRow, Reader};

use super::handler::{Attention, Effect, Handler};
use super::handles::numbered;
use super::presenter::Presenter;
use super::waiting::{capped, until};
use super::{resolve, rows};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

/// Longest wait of the answer to `send` for the first relay.
const RECEIPT: Duration = Duration::from_millis(700);

impl Handler for SendParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<SendResult, RpcError> {
        let verb = if self.request { "request" } else { "send" };
        let words = resolve::argument(&self.text, "-");
        let command = format!("p2p {verb} {{}} {words}");
        let call = resolve::to_speak_in(&context.reader(), self.call.as_deref(), &command)?.id;
        say(context, Conversation::Call(call), self.text, self.again).await
    }
}

/// Sends a message in a conversation.
pub(super) async fn say(
    context: &Context,
    conversation: Conversation,
    text: String,
    again: bool,
) -> Result<SendResult, RpcError> {
    let send = command::SendMessage { conversation, text: text.into(), again };
    let command::SentMessage { message, repeated } = context.engine.command(send).await?;
    // The message is durable. A moment later the receipt can name the relays that took it.
    let taken = || {
        let store = context.reader();
        let delivery = rows::message(&store, message)?.message.delivery;
        let waits = match conversation {
            Conversation::Call(call) => !answered(&store, call)?,
            Conversation::Direct(_) => false,
        };
        Ok((waits || delivery != Delivery::Queued).then_some(()))
    };
    until(context, RECEIPT, taken).await?;
    let store = context.reader();
    let presenter = Presenter::new(context, &store, None);
    let row = rows::message(&store, message)?;
    Ok(SendResult {
        message: presenter.message(&row)?,
        call: presenter.call_of(conversation)?,
        repeated,
    })
}

impl Handler for FollowMessageParams {
    const EFFECT: Effect = Effect::Reads;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<FollowMessageResult, RpcError> {
        let handle = numbered('m', "message", &self.message)?;
        let look = || {
            let store = context.reader();
            let row = rows::message(&store, handle)?;
            let reached = reached(&store, &row, self.until)?;
            let hopeless = hopeless(&store, &row, self.until)?;
            Ok((reached || hopeless).then_some(reached))
        };
        let reached = until(context, capped(self.wait_ms), look).await?.unwrap_or(false);
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let row = rows::message(&store, handle)?;
        let call = presenter.call_of(row.message.conversation)?;
        Ok(FollowMessageResult { message: presenter.message(&row)?, reached, call })
    }
}

fn reached(store: &Reader, row: &MessageRow, goal: Milestone) -> Result<bool, RpcError> {
    let (delivery, read) = (row.message.delivery, row.read);
    Ok(match goal {
        Milestone::Sent => matches!(delivery, Delivery::Sent | Delivery::Delivered),
        Milestone::Delivered => delivery == Delivery::Delivered,
        Milestone::Read => delivery == Delivery::Delivered && read,
        Milestone::Reply => store
            .has_reply_after(row.message.conversation, row.message.handle)
            .map_err(unreadable)?,
    })
}

/// Returns true if the goal cannot be reached any more.
fn hopeless(store: &Reader, row: &MessageRow, goal: Milestone) -> Result<bool, RpcError> {
    if matches!(row.message.delivery, Delivery::Undelivered | Delivery::Cancelled) {
        return Ok(true);
    }
    match (goal, row.message.conversation) {
        (Milestone::Reply, Conversation::Call(call)) => over(store, call),
        _ => Ok(false),
    }
}

/// Returns true if messages of a call go out now, and do not wait for its answer.
fn answered(store: &Reader, call: CallId) -> Result<bool, RpcError> {
    let row = store.call_by_id(AGENT, call).map_err(unreadable)?;
    Ok(row.is_some_and(|row| row.call.answered.is_some()))
}

fn over(store: &Reader, call: CallId) -> Result<bool, RpcError> {
    let row = store.call_by_id(AGENT, call).map_err(unreadable)?;
    Ok(row.is_none_or(|row| !row.call.is_open()))
}
