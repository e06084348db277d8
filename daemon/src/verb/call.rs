//! `p2p call`: rings a peer, and follows how that goes.

use std::time::Duration;

use p2p_core::call::{Ended, State};
use p2p_core::engine::command::{self, Placement};
use p2p_core::invite::Token;
use p2p_core::wire::Closing;
use p2p_ipc::method::{FollowCall, PlaceCall, PlacedCall};
use p2p_ipc::{ErrorCode, RpcError, view};

use super::show::{Show, handle, state};
use super::{AGENT, some_relay, stored, until, wait, which};
use crate::service::Service;

pub(super) async fn place(service: &Service, params: PlaceCall) -> Result<PlacedCall, RpcError> {
    service.act();
    let peer = which::agent(service, &service.reader(), &params.agent)?;
    if params.topic.trim().is_empty() {
        let error = RpcError::new(ErrorCode::Usage, "a call needs a topic");
        return Err(error.hint("p2p call <agent> \"<topic>\""));
    }
    let invite = params.invite.as_deref().map(Token::parse).transpose().map_err(|e| {
        RpcError::new(ErrorCode::Usage, format!("--invite is {e}: it was cut or mistyped"))
            .hint(format!("p2p call {} \"<topic>\"", peer.npub()))
    })?;
    some_relay(service, params.wait_ms.map_or(Duration::MAX, wait)).await?;
    let place = command::PlaceCall {
        peer,
        topic: params.topic.into(),
        opening: params.message.filter(|message| !message.trim().is_empty()).map(Into::into),
        note: params.note.map(Into::into),
        new: params.new,
        ring: params.ring_s,
        invite,
    };
    let command::PlacedCall { call, placement, message } = service.host.command(place).await?;
    let (new, accepted) = (placement == Placement::Placed, placement == Placement::Accepted);
    let store = service.reader();
    let row = store.call_by_id(AGENT, call).map_err(stored)?;
    let row = row.ok_or_else(|| RpcError::new(ErrorCode::Internal, "the call was not kept"))?;
    let call = Show::new(service, &store, None).call(&row)?;
    Ok(PlacedCall { call, new, accepted, message: message.map(|m| handle('m', m)) })
}

pub(super) async fn follow(service: &Service, params: FollowCall) -> Result<view::Call, RpcError> {
    service.act();
    let call = which::named_call(&service.reader(), &params.call)?.call.id;
    let look = || {
        let store = service.reader();
        let row = store.call_by_id(AGENT, call).map_err(stored)?;
        let Some(row) = row else { return Ok(Some(())) };
        let moved = match &row.call.state {
            // The ring of the call that this one became part of may still be on the way.
            State::Ended(Ended { closing: Closing { into: Some(into), .. }, .. }) => {
                store.call_by_id(AGENT, *into).map_err(stored)?.is_some()
            }
            now => state(now) != params.seen,
        };
        Ok(moved.then_some(()))
    };
    until(service, wait(params.wait_ms), look).await?;
    shown(service, call)
}

/// A call as it stands.
pub(super) fn shown(service: &Service, call: p2p_core::CallId) -> Result<view::Call, RpcError> {
    let store = service.reader();
    let row = store.call_by_id(AGENT, call).map_err(stored)?;
    let row = row.ok_or_else(|| RpcError::new(ErrorCode::NoCall, "the call is gone"))?;
    Show::new(service, &store, None).call(&row)
}
