//! `p2p answer`: accepts or rejects a call that is ringing here.

use std::time::Duration;

use p2p_core::CallId;
use p2p_core::call::State;
use p2p_core::engine::command;
use p2p_ipc::method::AnswerParams;
use p2p_ipc::{ErrorCode, RpcError, view};

use super::handler::{Attention, Effect, Handler};
use super::{presenter, resolve};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

impl Handler for AnswerParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<view::CallView, RpcError> {
        let reason = self.reason.as_deref().map(|reason| resolve::argument(reason, "\"<reason>\""));
        let again = match (self.accept, reason) {
            (true, _) => "p2p answer accept {}".into(),
            (false, None) => "p2p answer reject {}".into(),
            (false, Some(reason)) => format!("p2p answer reject {{}} {reason}"),
        };
        let wanted = resolve::Wanted {
            fits: |state| matches!(state, State::Incoming(_)),
            unread_counts: false,
            command: &again,
        };
        let found = resolve::call(&context.reader(), self.call.as_deref(), &wanted);
        let id = match found {
            Err(error) if self.accept && error.code == ErrorCode::NoCall => {
                // A tool that was killed repeats its command: the call is accepted already.
                just_taken(context)?.ok_or(error)?
            }
            found => found?.id,
        };
        if self.accept {
            context.engine.command(command::AcceptCall(id)).await?;
        } else {
            let text = self.reason.unwrap_or_default();
            context.engine.command(command::RejectCall { call: id, text: text.into() }).await?;
        }
        presenter::call_by_id(context, id)
    }
}

/// Returns the only call that was accepted within the last two minutes, or still waits for the
/// caller to confirm it.
fn just_taken(context: &Context) -> Result<Option<CallId>, RpcError> {
    const LATELY: Duration = Duration::from_secs(120);
    let now = crate::now();
    let open = context.reader().open_calls(AGENT).map_err(unreadable)?;
    let mut taken = open.into_iter().map(|row| row.call).filter(|call| {
        let lately = call.answered.is_none_or(|at| now.since(at) < LATELY);
        !call.outgoing && matches!(call.state, State::Connecting(_) | State::Active) && lately
    });
    Ok(taken.next().filter(|_| taken.next().is_none()).map(|call| call.id))
}
