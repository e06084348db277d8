//! `p2p escalate`: asks the owner, by the channels, and tells the peer so.

use std::time::Duration;

use p2p_core::call::State;
use p2p_core::engine::command;
use p2p_ipc::method::EscalateParams;
use p2p_ipc::{RpcError, view};

use super::handler::{Attention, Effect, Handler};
use super::presenter::Presenter;
use super::waiting::until;
use super::{resolve, rows};
use crate::context::Context;
use crate::errors::unreadable;

/// Longest wait for a relay to accept the direct message to an owner.
const RELAY: Duration = Duration::from_secs(3);

impl Handler for EscalateParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<view::QuestionView, RpcError> {
        let words = resolve::argument(&self.question, "\"<question>\"");
        let wanted = resolve::Wanted {
            fits: |state| !matches!(state, State::Ended(_)) && resolve::speakable(state),
            unread_counts: false,
            command: &format!("p2p escalate {{}} {words}"),
        };
        let call = resolve::call(&context.reader(), self.call.as_deref(), &wanted)?;
        let lines = context.reader().last_lines(call.id).map_err(unreadable)?;
        let escalate = command::Escalate {
            call: call.id,
            question: self.question.into(),
            options: self.options.into_iter().map(Into::into).collect(),
            quiet: self.quiet,
            lines,
        };
        let number = context.engine.command(escalate).await?;
        first_tries(context, number).await?;
        let store = context.reader();
        let row = rows::question(&store, number)?;
        Presenter::new(context, &store, None).question(&row)
    }
}

/// Waits until each channel to the owner has taken the question, or failed to for the first time:
/// of the direct message, until a relay has it.
async fn first_tries(context: &Context, question: u32) -> Result<(), RpcError> {
    let asking = context.notifiers.asking();
    let tried = || {
        let row = rows::question(&context.reader(), question)?;
        let spoke = |name: &&str| row.told.iter().chain(&row.refused).any(|other| other == name);
        Ok(asking.iter().all(spoke).then_some(()))
    };
    let direct = || {
        let row = rows::question(&context.reader(), question)?;
        Ok(row.telling.is_empty().then_some(()))
    };
    let channels = until(context, context.notifiers.patience(), tried);
    tokio::try_join!(channels, until(context, RELAY, direct))?;
    Ok(())
}
