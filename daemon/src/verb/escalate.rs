//! `p2p escalate`: asks the owner, by the channels, and tells the peer so.

use std::time::Duration;

use p2p_core::call::State;
use p2p_core::engine::command;
use p2p_ipc::method::Escalate;
use p2p_ipc::{RpcError, view};

use super::show::Show;
use super::{questions, stored, until, which};
use crate::service::Service;

/// How long a relay may take to accept the direct message to an owner.
const RELAY: Duration = Duration::from_secs(3);

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
    let escalate = command::Escalate {
        call: call.id,
        question: params.question.into(),
        options: params.options.into_iter().map(Into::into).collect(),
        quiet: params.quiet,
        lines,
    };
    let number = service.host.command(escalate).await?;
    first_tries(service, number).await?;
    let store = service.reader();
    let row = questions::kept(&store, number)?;
    Show::new(service, &store, None).question(&row)
}

/// Waits until each channel to the owner has taken the question, or failed to for the first time:
/// of the direct message, until a relay has it.
async fn first_tries(service: &Service, question: u32) -> Result<(), RpcError> {
    let asking = service.channels.asking();
    let tried = || {
        let row = questions::kept(&service.reader(), question)?;
        let spoke = |name: &&str| row.told.iter().chain(&row.refused).any(|other| other == name);
        Ok(asking.iter().all(spoke).then_some(()))
    };
    let direct = || {
        let row = questions::kept(&service.reader(), question)?;
        Ok(row.telling.is_empty().then_some(()))
    };
    let channels = until(service, service.channels.patience(), tried);
    tokio::try_join!(channels, until(service, RELAY, direct))?;
    Ok(())
}
