//! `p2p escalate`: asks the owner, by the hook, and tells the peer so.

use p2p_core::call::State;
use p2p_core::engine::{Command, Reply};
use p2p_ipc::method::Escalate;
use p2p_ipc::{ErrorCode, RpcError, view};

use super::show::{Show, handle};
use super::{questions, stored, which};
use crate::config::HookEvent;
use crate::hooks::{self, Told};
use crate::service::Service;

pub(super) async fn run(service: &Service, params: Escalate) -> Result<view::Question, RpcError> {
    service.act();
    let words = which::argument(&params.question, "\"<question>\"");
    let wanted = which::Wanted {
        fits: |state| !matches!(state, State::Ended(_)) && which::speakable(state),
        unread_counts: false,
        command: &format!("p2p escalate {{}} {words}"),
    };
    let call = which::call(&service.reader(), params.call.as_deref(), &wanted)?;
    let lines = service.reader().last_lines(call.id).map_err(stored)?;
    let (question, options) = (params.question.clone(), params.options.clone());
    let command =
        Command::Escalate { call: call.id, question, options, quiet: params.quiet, lines };
    let Reply::Question(number) = service.host.command(command).await? else {
        return Err(RpcError::new(ErrorCode::Internal, "the engine answered something else"));
    };
    let config = &service.config.hooks;
    if config.events.contains(&HookEvent::Escalate) && !config.command.is_empty() {
        let told = Told {
            v: 1,
            event: HookEvent::Escalate,
            call: Some(handle('c', call.handle)),
            handle: Some(handle('q', number)),
            peer: Some(call.peer.npub()),
            question: Some(params.question),
            options: params.options,
            next: "p2p questions".into(),
        };
        let took = hooks::run(config, &told).await;
        service.host.told(number, "hook", took).await;
    }
    let store = service.reader();
    let row = questions::kept(&store, number)?;
    Show::new(service, &store, None).question(&row)
}
