//! `p2p answer`: takes a call that rings here, or refuses it.

use p2p_core::call::State;
use p2p_core::engine::Command;
use p2p_ipc::method::Answer;
use p2p_ipc::{RpcError, view};

use super::{call, which};
use crate::service::Service;

pub(super) async fn run(service: &Service, params: Answer) -> Result<view::Call, RpcError> {
    service.act();
    let word = if params.accept { "accept" } else { "reject" };
    let wanted = which::Wanted {
        fits: |state| matches!(state, State::Incoming(_)),
        unread_counts: false,
        command: &format!("p2p answer {word} {{}}"),
    };
    let id = which::call(&service.reader(), params.call.as_deref(), &wanted)?.id;
    let command = if params.accept {
        Command::Accept(id)
    } else {
        Command::Reject(id, params.reason.unwrap_or_default())
    };
    service.host.command(command).await?;
    call::shown(service, id)
}
