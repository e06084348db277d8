//! `p2p call`: rings a peer, and follows how that goes.

use std::time::Duration;

use p2p_core::call::{Ended, State};
use p2p_core::engine::command::{self, Placement};
use p2p_core::invite::Token;
use p2p_core::wire::Closing;
use p2p_ipc::method::{CallParams, CallResult, FollowCallParams};
use p2p_ipc::{ErrorCode, RpcError, view};

use super::handler::{Attention, Effect, Handler};
use super::handles::handle;
use super::presenter::Presenter;
use super::waiting::{capped, until, until_connected};
use super::{presenter, resolve, views};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

impl Handler for CallParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<CallResult, RpcError> {
        let peer = resolve::agent(context, &context.reader(), &self.agent)?;
        if self.topic.trim().is_empty() {
            let error = RpcError::new(ErrorCode::Usage, "a call needs a topic");
            return Err(error.hint("p2p call <agent> \"<topic>\""));
        }
        let invite = self.invite.as_deref().map(Token::parse).transpose().map_err(|e| {
            RpcError::new(ErrorCode::Usage, format!("--invite is {e}: it was cut or mistyped"))
                .hint(format!("p2p call {} \"<topic>\"", peer.npub()))
        })?;
        until_connected(context, self.wait_ms.map_or(Duration::MAX, capped)).await?;
        let place = command::PlaceCall {
            peer,
            topic: self.topic.into(),
            opening: self.message.filter(|message| !message.trim().is_empty()).map(Into::into),
            note: self.note.map(Into::into),
            new: self.new,
            ring: self.ring_s,
            invite,
        };
        let command::PlacedCall { call, placement, message } =
            context.engine.command(place).await?;
        let (new, accepted) = (placement == Placement::Placed, placement == Placement::Accepted);
        let store = context.reader();
        let row = store.call_by_id(AGENT, call).map_err(unreadable)?;
        let row = row.ok_or_else(|| RpcError::new(ErrorCode::Internal, "the call was not kept"))?;
        let call = Presenter::new(context, &store, None).call(&row)?;
        Ok(CallResult { call, created: new, accepted, message: message.map(|m| handle('m', m)) })
    }
}

impl Handler for FollowCallParams {
    const EFFECT: Effect = Effect::Reads;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<view::CallView, RpcError> {
        let call = resolve::named_call(&context.reader(), &self.call)?.call.id;
        let look = || {
            let store = context.reader();
            let row = store.call_by_id(AGENT, call).map_err(unreadable)?;
            let Some(row) = row else { return Ok(Some(())) };
            let moved = match &row.call.state {
                // The ring of the call that this one merged into may still be on its way.
                State::Ended(Ended { closing: Closing { into: Some(into), .. }, .. }) => {
                    store.call_by_id(AGENT, *into).map_err(unreadable)?.is_some()
                }
                now => views::call_state(now) != self.known_state,
            };
            Ok(moved.then_some(()))
        };
        until(context, capped(self.wait_ms), look).await?;
        presenter::call_by_id(context, call)
    }
}
