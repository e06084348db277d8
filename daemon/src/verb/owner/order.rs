//! Orders of an owner at a terminal. Names are resolved first, then the owner is proven, and only
//! then the engine gets the command.

use std::time::Duration;

use p2p_core::CallId;
use p2p_core::call::State;
use p2p_core::engine::command::{self, UnauthenticatedOrder};
use p2p_core::human::command as human;
use p2p_ipc::method::{OwnerCommand, OwnerCommandParams, OwnerCommandResult};
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::Reader;

use super::{proof, show};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;
use crate::verb::handler::{Effect, Handler};
use crate::verb::handles::{handle, numbered};
use crate::verb::resolve;

/// Default duration of a mute, in minutes.
const MUTED: u64 = 8 * 60;
/// Longest duration of a mute, in minutes.
const LONGEST_MUTED: u64 = 365 * 24 * 60;

impl Handler for OwnerCommandParams {
    const EFFECT: Effect = Effect::Acts;

    async fn handle(self, context: &Context) -> Result<OwnerCommandResult, RpcError> {
        let order = meant(context, self.command)?;
        let unowned = proof::unowned(context)?;
        let text = match order {
            human::OwnerCommand::Calls => {
                context.engine.command(UnauthenticatedOrder(order)).await?
            }
            human::OwnerCommand::Policy(_) if unowned => {
                context.engine.command(UnauthenticatedOrder(order)).await?
            }
            _ if unowned => return Err(proof::nobody()),
            _ => {
                proof::prove(context, self.proof.as_deref()).await?;
                context.engine.command(command::OwnerOrder(order)).await?
            }
        };
        Ok(OwnerCommandResult { text: text.into() })
    }
}

/// Returns the command with its names resolved.
fn meant(context: &Context, order: OwnerCommand) -> Result<human::OwnerCommand, RpcError> {
    let store = context.reader();
    let agent = |text: &str| resolve::agent(context, &store, text);
    Ok(match order {
        OwnerCommand::Answer { question, text } => human::OwnerCommand::Answer {
            question: numbered('q', "question", &question)?,
            text: text.into(),
        },
        OwnerCommand::Calls => human::OwnerCommand::Calls,
        OwnerCommand::Say { call, text } => human::OwnerCommand::Say {
            call: open(&store, call, "owner say \"<text>\"")?,
            text: text.into(),
        },
        OwnerCommand::Takeover { call } => {
            human::OwnerCommand::Takeover(open(&store, call, "owner takeover")?)
        }
        OwnerCommand::Resume { call: Some(call) } => {
            human::OwnerCommand::Resume(resolve::named_call(&store, &call)?.call.id)
        }
        OwnerCommand::Resume { call: None } => human::OwnerCommand::Resume(taken_over(&store)?),
        OwnerCommand::End { call, reason } => human::OwnerCommand::End {
            call: open(&store, call, "owner end")?,
            text: reason.unwrap_or_default().into(),
        },
        OwnerCommand::Mute { minutes } => {
            let minutes = minutes.unwrap_or(MUTED);
            if !(1..=LONGEST_MUTED).contains(&minutes) {
                let message = format!("{minutes} minutes: it is 1 to {LONGEST_MUTED}");
                return Err(RpcError::new(ErrorCode::Usage, message).hint("p2p owner mute 60"));
            }
            human::OwnerCommand::Mute(Duration::from_secs(minutes * 60))
        }
        OwnerCommand::Unmute => human::OwnerCommand::Unmute,
        OwnerCommand::Allow { agent: text } => human::OwnerCommand::Allow(agent(&text)?),
        OwnerCommand::Block { agent: text } => human::OwnerCommand::Block(agent(&text)?),
        OwnerCommand::Policy { policy } => {
            human::OwnerCommand::Policy(show::policy(&policy).ok_or_else(|| {
                let message =
                    format!("{policy:?} is not a policy: use ask, allow-list, open, closed");
                RpcError::new(ErrorCode::Usage, message).hint("p2p owner policy ask")
            })?)
        }
        OwnerCommand::Remove { owner } => human::OwnerCommand::Remove(agent(&owner)?),
    })
}

/// Returns the named call, or the only open one.
fn open(store: &Reader, name: Option<String>, order: &str) -> Result<CallId, RpcError> {
    let wanted = resolve::Wanted {
        fits: |state| !matches!(state, State::Ended(_)),
        unread_counts: false,
        command: &format!("p2p {order} {{}}"),
    };
    Ok(resolve::call(store, name.as_deref(), &wanted)?.id)
}

/// Returns the only call that an owner has taken over.
fn taken_over(store: &Reader) -> Result<CallId, RpcError> {
    let mut taken = Vec::new();
    for row in store.open_calls(AGENT).map_err(unreadable)? {
        if store.takeover(row.call.id).map_err(unreadable)?.is_some() {
            taken.push(row.call);
        }
    }
    match taken.as_slice() {
        [one] => Ok(one.id),
        [] => {
            let error = RpcError::new(ErrorCode::NoCall, "no call is taken over");
            Err(error.hint("p2p owner calls"))
        }
        several => {
            let command = |call: &p2p_core::call::Call| {
                format!("p2p owner resume --call {}", handle('c', call.handle))
            };
            let commands: Vec<String> = several.iter().map(command).collect();
            let error =
                RpcError::new(ErrorCode::CallAmbiguous, "which call? more than one is taken over");
            Err(error.hint(commands.join("\n")))
        }
    }
}
