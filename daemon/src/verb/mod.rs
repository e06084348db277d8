//! The methods of the socket, a file a verb: what each asks of the engine, the store and the
//! relays, and how the answer is shown.

mod answer;
mod call;
mod calls;
mod cancel;
mod contacts;
mod dm;
mod end;
mod escalate;
mod files;
pub(crate) mod handler;
mod handles;
mod inbox;
mod invite;
mod list;
mod owner;
mod pending;
mod presenter;
mod purge;
mod questions;
mod read;
mod readers;
mod resolve;
mod rows;
mod send;
mod sendfile;
mod status;
mod stop;
mod transcript;
mod verify;
mod views;
mod waiting;
mod watch;

use std::future::Future;
use std::pin::Pin;

use p2p_core::engine::Refusal;
use p2p_ipc::method as m;
use p2p_ipc::{ErrorCode, RpcError};
use serde_json::Value;

use self::handler::{Attention, Effect, Handler};
use crate::context::Context;
use crate::errors::refused;

/// A verb in the table: its name and decisions, as its type states them.
struct Verb {
    name: &'static str,
    effect: Effect,
    attention: Attention,
    run: for<'a> fn(&'a Context, Value) -> Answering<'a>,
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Value, RpcError>> + Send + 'a>>;

impl Verb {
    const fn of<H: Handler>() -> Self {
        Self {
            name: H::NAME,
            effect: H::EFFECT,
            attention: H::ATTENTION,
            run: |context, params| Box::pin(handler::run::<H>(context, params)),
        }
    }
}

/// Every verb that the daemon answers.
static VERBS: [Verb; 38] = [
    Verb::of::<m::StatusParams>(),
    Verb::of::<m::ListParams>(),
    Verb::of::<m::CallParams>(),
    Verb::of::<m::FollowCallParams>(),
    Verb::of::<m::AnswerParams>(),
    Verb::of::<m::SendParams>(),
    Verb::of::<m::FollowMessageParams>(),
    Verb::of::<m::DmParams>(),
    Verb::of::<m::CancelParams>(),
    Verb::of::<m::SendFileParams>(),
    Verb::of::<m::FilesParams>(),
    Verb::of::<m::FetchFileParams>(),
    Verb::of::<m::InboxParams>(),
    Verb::of::<m::WaitParams>(),
    Verb::of::<m::WatchParams>(),
    Verb::of::<m::ConfirmParams>(),
    Verb::of::<m::ReadParams>(),
    Verb::of::<m::ReadersParams>(),
    Verb::of::<m::RemoveReaderParams>(),
    Verb::of::<m::PendingParams>(),
    Verb::of::<m::EscalateParams>(),
    Verb::of::<m::QuestionsParams>(),
    Verb::of::<m::FollowQuestionParams>(),
    Verb::of::<m::OwnerParams>(),
    Verb::of::<m::OwnerPairParams>(),
    Verb::of::<m::OwnerCommandParams>(),
    Verb::of::<m::PassphraseParams>(),
    Verb::of::<m::EndParams>(),
    Verb::of::<m::CallsParams>(),
    Verb::of::<m::TranscriptParams>(),
    Verb::of::<m::VerifyParams>(),
    Verb::of::<m::PurgeParams>(),
    Verb::of::<m::ContactsParams>(),
    Verb::of::<m::EditContactParams>(),
    Verb::of::<m::InviteParams>(),
    Verb::of::<m::InvitesParams>(),
    Verb::of::<m::RevokeInviteParams>(),
    Verb::of::<m::StopParams>(),
];

/// Handles a request.
pub(crate) async fn dispatch(
    context: &Context,
    method: &str,
    params: Value,
) -> Result<Value, RpcError> {
    let Some(verb) = VERBS.iter().find(|verb| verb.name == method) else {
        let names: Vec<_> = VERBS.iter().map(|verb| verb.name).collect();
        let message =
            format!("there is no method {method:?}; the methods are {}", names.join(", "));
        return Err(RpcError::new(ErrorCode::UnknownMethod, message).hint("p2p --help"));
    };
    if verb.effect != Effect::Reads && context.engine.yielded().borrow().is_some() {
        return Err(refused(&Refusal::Yielded));
    }
    if verb.attention == Attention::Agent {
        context.note_activity();
    }
    (verb.run)(context, params).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_method_of_the_protocol_but_hello_has_one_verb() {
        let names: BTreeSet<&str> = VERBS.iter().map(|verb| verb.name).collect();
        assert_eq!(names.len(), VERBS.len());
        let protocol = m::NAMES.iter().copied().filter(|name| *name != "hello");
        assert_eq!(names, protocol.collect());
    }
}
