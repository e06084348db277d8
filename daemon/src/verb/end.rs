//! `p2p end`: ends a call, whatever its state.

use p2p_core::Conversation;
use p2p_core::call::State;
use p2p_core::engine::command;
use p2p_ipc::RpcError;
use p2p_ipc::method::{End, Ended};

use super::show::Show;
use super::{call, stored, which};
use crate::service::Service;

/// Messages shown at the end.
const SHOWN: u32 = 20;

pub(super) async fn run(service: &Service, params: End) -> Result<Ended, RpcError> {
    service.act();
    let reason = params.reason.as_deref().map(|reason| which::argument(reason, "\"<reason>\""));
    let wanted = which::Wanted {
        fits: |state| !matches!(state, State::Ended(_)),
        unread_counts: false,
        command: &format!("p2p end {{}} {}", reason.unwrap_or_default()),
    };
    let id = which::call(&service.reader(), params.call.as_deref(), &wanted)?.id;
    service
        .host
        .command(command::EndCall { call: id, text: params.reason.unwrap_or_default().into() })
        .await?;
    let call = call::shown(service, id)?;
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let conversation = Conversation::Call(id);
    let rows = store.last_messages(conversation, SHOWN).map_err(stored)?;
    let messages = rows.iter().map(|row| show.message(row)).collect::<Result<_, _>>()?;
    let total = store.message_count(conversation).map_err(stored)?;
    Ok(Ended { call, messages, total })
}
