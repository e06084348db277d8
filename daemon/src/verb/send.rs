//! `p2p send`: says something in a call, and follows how far it gets.

use std::time::Duration;

use p2p_core::engine::command;
use p2p_core::record::Delivery;
use p2p_core::{CallId, Conversation};
use p2p_ipc::method::{FollowMessage, Followed, Send, Sent, Until};
use p2p_ipc::{ErrorCode, RpcError};

use super::show::Show;
use super::{AGENT, stored, until, wait, which};
use crate::service::Service;
use p2p_store::{MessageRow, Reader};

/// How long the answer to `send` waits for the first relay.
const RECEIPT: Duration = Duration::from_millis(700);

pub(super) async fn run(service: &Service, params: Send) -> Result<Sent, RpcError> {
    service.act();
    let verb = if params.request { "request" } else { "send" };
    let words = which::argument(&params.text, "-");
    let command = format!("p2p {verb} {{}} {words}");
    let call = which::to_speak_in(&service.reader(), params.call.as_deref(), &command)?.id;
    say(service, Conversation::Call(call), params.text, params.again).await
}

/// Says something in a conversation.
pub(super) async fn say(
    service: &Service,
    conversation: Conversation,
    text: String,
    again: bool,
) -> Result<Sent, RpcError> {
    let send = command::SendMessage { conversation, text: text.into(), again };
    let command::SentMessage { message, repeated } = service.host.command(send).await?;
    // It is durable; a moment more, and the receipt can name the relays that took it.
    let taken = || {
        let store = service.reader();
        let delivery = kept(&store, message)?.message.delivery;
        let waits = match conversation {
            Conversation::Call(call) => !answered(&store, call)?,
            Conversation::Direct(_) => false,
        };
        Ok((waits || delivery != Delivery::Queued).then_some(()))
    };
    until(service, RECEIPT, taken).await?;
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let row = kept(&store, message)?;
    Ok(Sent { message: show.message(&row)?, call: show.call_of(conversation)?, repeated })
}

/// A message that must be there.
pub(super) fn kept(store: &Reader, handle: u32) -> Result<MessageRow, RpcError> {
    store.message(handle).map_err(stored)?.ok_or_else(|| {
        RpcError::new(ErrorCode::NoSuch, format!("there is no message m{handle}"))
            .hint("p2p inbox --last 20")
    })
}

pub(super) async fn follow(service: &Service, params: FollowMessage) -> Result<Followed, RpcError> {
    service.act();
    let handle = which::numbered('m', "message", &params.message)?;
    let look = || {
        let store = service.reader();
        let row = kept(&store, handle)?;
        let reached = reached(&store, &row, params.until)?;
        let hopeless = hopeless(&store, &row, params.until)?;
        Ok((reached || hopeless).then_some(reached))
    };
    let reached = until(service, wait(params.wait_ms), look).await?.unwrap_or(false);
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let row = kept(&store, handle)?;
    let call = show.call_of(row.message.conversation)?;
    Ok(Followed { message: show.message(&row)?, reached, call })
}

fn reached(store: &Reader, row: &MessageRow, goal: Until) -> Result<bool, RpcError> {
    let (delivery, read) = (row.message.delivery, row.read);
    Ok(match goal {
        Until::Sent => matches!(delivery, Delivery::Sent | Delivery::Delivered),
        Until::Delivered => delivery == Delivery::Delivered,
        Until::Read => delivery == Delivery::Delivered && read,
        Until::Reply => {
            store.has_reply_after(row.message.conversation, row.message.handle).map_err(stored)?
        }
    })
}

/// Whether waiting longer is of no use.
fn hopeless(store: &Reader, row: &MessageRow, goal: Until) -> Result<bool, RpcError> {
    if matches!(row.message.delivery, Delivery::Undelivered | Delivery::Cancelled) {
        return Ok(true);
    }
    match (goal, row.message.conversation) {
        (Until::Reply, Conversation::Call(call)) => over(store, call),
        _ => Ok(false),
    }
}

/// Whether messages of a call go out now, and not when it is answered.
fn answered(store: &Reader, call: CallId) -> Result<bool, RpcError> {
    let row = store.call_by_id(AGENT, call).map_err(stored)?;
    Ok(row.is_some_and(|row| row.call.answered.is_some()))
}

fn over(store: &Reader, call: CallId) -> Result<bool, RpcError> {
    let row = store.call_by_id(AGENT, call).map_err(stored)?;
    Ok(row.is_none_or(|row| !row.call.is_open()))
}
