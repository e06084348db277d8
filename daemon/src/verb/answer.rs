//! `p2p answer`: takes a call that rings here, or refuses it.

use std::time::Duration;

use p2p_core::CallId;
use p2p_core::call::State;
use p2p_core::engine::command;
use p2p_ipc::method::Answer;
use p2p_ipc::{ErrorCode, RpcError, view};

use super::{AGENT, call, stored, which};
use crate::service::Service;

pub(super) async fn run(service: &Service, params: Answer) -> Result<view::Call, RpcError> {
    service.act();
    let reason = params.reason.as_deref().map(|reason| which::argument(reason, "\"<reason>\""));
    let again = match (params.accept, reason) {
        (true, _) => "p2p answer accept {}".into(),
        (false, None) => "p2p answer reject {}".into(),
        (false, Some(reason)) => format!("p2p answer reject {{}} {reason}"),
    };
    let wanted = which::Wanted {
        fits: |state| matches!(state, State::Incoming(_)),
        unread_counts: false,
        command: &again,
    };
    let found = which::call(&service.reader(), params.call.as_deref(), &wanted);
    let id = match found {
        Err(error) if params.accept && error.code == ErrorCode::NoCall => {
            // A tool that was killed types again: what was just taken is taken.
            just_taken(service)?.ok_or(error)?
        }
        found => found?.id,
    };
    if params.accept {
        service.host.command(command::AcceptCall(id)).await?;
    } else {
        let text = params.reason.unwrap_or_default();
        service.host.command(command::RejectCall { call: id, text: text.into() }).await?;
    }
    call::shown(service, id)
}

/// The one call that was taken within two minutes, by when the caller confirmed it or still may.
fn just_taken(service: &Service) -> Result<Option<CallId>, RpcError> {
    const LATELY: Duration = Duration::from_secs(120);
    let now = crate::now();
    let open = service.reader().open_calls(AGENT).map_err(stored)?;
    let mut taken = open.into_iter().map(|row| row.call).filter(|call| {
        let lately = call.answered.is_none_or(|at| now.since(at) < LATELY);
        !call.outgoing && matches!(call.state, State::Connecting(_) | State::Active) && lately
    });
    Ok(taken.next().filter(|_| taken.next().is_none()).map(|call| call.id))
}
