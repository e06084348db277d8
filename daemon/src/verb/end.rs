//! `p2p end`: ends a call, whatever its state.

use p2p_core::Conversation;
use p2p_core::call::State;
use p2p_core::engine::command;
use p2p_ipc::RpcError;
use p2p_ipc::method::{EndParams, EndResult};

use super::handler::{Attention, Effect, Handler};
use super::presenter::Presenter;
use super::{presenter, resolve};
use crate::context::Context;
use crate::errors::unreadable;

/// Most messages that the answer shows.
const SHOWN: u32 = 20;

impl Handler for EndParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<EndResult, RpcError> {
        let reason = self.reason.as_deref().map(|reason| resolve::argument(reason, "\"<reason>\""));
        let wanted = resolve::Wanted {
            fits: |state| !matches!(state, State::Ended(_)),
            unread_counts: false,
            command: &format!("p2p end {{}} {}", reason.unwrap_or_default()),
        };
        let id = resolve::call(&context.reader(), self.call.as_deref(), &wanted)?.id;
        context
            .engine
            .command(command::EndCall { call: id, text: self.reason.unwrap_or_default().into() })
            .await?;
        let call = presenter::call_by_id(context, id)?;
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let conversation = Conversation::Call(id);
        let rows = store.last_messages(conversation, SHOWN).map_err(unreadable)?;
        let messages = rows.iter().map(|row| presenter.message(row)).collect::<Result<_, _>>()?;
        let total = store.message_count(conversation).map_err(unreadable)?;
        Ok(EndResult { call, messages, total })
    }
}
