//! `p2p purge`: deletes calls that are over. Nothing unread, and nothing that is still on its way.

use std::time::Duration;

use p2p_core::call::Call;
use p2p_core::engine::command;
use p2p_core::record::FileState;
use p2p_core::{CallId, Conversation, Time};
use p2p_ipc::method::{KeptBecause, KeptCall, Purge, Purged, PurgedCall};
use p2p_ipc::{ErrorCode, RpcError};

use super::show::{Show, handle};
use super::{AGENT, stored, which};
use crate::downloads::Downloads;
use crate::service::Service;
use p2p_store::Reader;

/// A call that may go, and where its files are.
struct Going {
    id: CallId,
    shown: PurgedCall,
    paths: Vec<String>,
}

pub(super) async fn run(service: &Service, params: Purge) -> Result<Purged, RpcError> {
    service.act();
    let (going, kept) = looked_up(service, &params)?;
    if params.yes {
        for call in &going {
            let done = service.host.command(command::ForgetCall(call.id)).await;
            // Something may be on its way that only the engine knows of: it is told below.
            let stays = |error: &RpcError| error.code == ErrorCode::Policy && params.call.is_none();
            if let Some(error) = done.err().filter(|error| !stays(error)) {
                return Err(error);
            }
        }
        service.host.compact().await;
    }
    let mut purged = Purged { done: params.yes, calls: Vec::new(), kept, store_bytes: 0 };
    let store = service.reader();
    let downloads = Downloads::of(&service.place, &service.config);
    for call in going {
        // Something may have come in it meanwhile.
        if params.yes && store.call_by_id(AGENT, call.id).map_err(stored)?.is_some() {
            let handle = call.shown.call.handle;
            let unread = store.has_unread(Conversation::Call(call.id)).map_err(stored)?;
            let why = if unread { KeptBecause::Unread } else { KeptBecause::Unfinished };
            purged.kept.push(KeptCall { handle, why });
            continue;
        }
        if params.yes {
            for path in &call.paths {
                let _ = downloads.remove(path);
            }
        }
        purged.calls.push(call.shown);
    }
    purged.store_bytes = store.size().map_err(stored)?;
    Ok(purged)
}

fn looked_up(service: &Service, params: &Purge) -> Result<(Vec<Going>, Vec<KeptCall>), RpcError> {
    let store = service.reader();
    let ids = match (&params.call, params.older_than_days) {
        (Some(name), None) => {
            let call = which::named_call(&store, name)?.call;
            if let Some(why) = kept(&store, &call)? {
                return Err(stays(&call, why));
            }
            vec![call.id]
        }
        (None, Some(days)) => {
            let span = Duration::from_secs(u64::from(days) * 24 * 3600);
            let before = Time(crate::now().0.saturating_sub(span.as_millis() as u64));
            let old = store.calls_ended_before(before).map_err(stored)?;
            old.into_iter().map(|due| due.item).collect()
        }
        _ => {
            let error = RpcError::new(ErrorCode::Usage, "which calls? one, or those of an age");
            return Err(error.hint("p2p purge c7 or p2p purge --older-than 30"));
        }
    };
    let show = Show::new(service, &store, None);
    let (mut going, mut staying) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(row) = store.call_by_id(AGENT, id).map_err(stored)? else { continue };
        if let Some(why) = kept(&store, &row.call)? {
            staying.push(KeptCall { handle: handle('c', row.call.handle), why });
            continue;
        }
        let files = store.files(Some(id)).map_err(stored)?;
        let path = |file: &p2p_store::FileRow| match &file.file.state {
            FileState::Complete(Some(path)) if !file.file.outgoing => Some(path.to_string()),
            _ => None,
        };
        let messages = store.message_count(Conversation::Call(id)).map_err(stored)?;
        let paths = files.iter().filter_map(path).collect();
        let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let shown = PurgedCall { call: show.call(&row)?, messages, files };
        going.push(Going { id, shown, paths });
    }
    Ok((going, staying))
}

/// Why a call may not go.
fn kept(store: &Reader, call: &Call) -> Result<Option<KeptBecause>, RpcError> {
    if !call.is_open() && store.has_unread(Conversation::Call(call.id)).map_err(stored)? {
        return Ok(Some(KeptBecause::Unread));
    }
    Ok(store.is_busy(call.id).map_err(stored)?.then_some(KeptBecause::Unfinished))
}

fn stays(call: &Call, why: KeptBecause) -> RpcError {
    let c = handle('c', call.handle);
    let (message, hint) = match why {
        KeptBecause::Unread => (format!("{c} has unread items"), format!("p2p inbox --call {c}")),
        KeptBecause::Unfinished if call.is_open() => {
            (format!("{c} is open"), format!("p2p end --call {c}"))
        }
        KeptBecause::Unfinished => {
            let message = format!("something of {c} is still on its way");
            (message, format!("p2p transcript {c}"))
        }
    };
    RpcError::new(ErrorCode::Policy, format!("{message}: nothing was deleted")).hint(hint)
}
