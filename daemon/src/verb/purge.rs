//! `p2p purge`: deletes calls that are over. Nothing unread, and nothing that is still on its way.

use std::time::Duration;

use p2p_core::call::Call;
use p2p_core::engine::command;
use p2p_core::record::FileState;
use p2p_core::{CallId, Conversation, Time};
use p2p_ipc::method::{KeptCall, KeptReason, PurgeParams, PurgeResult, PurgedCall};
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::Reader;

use super::handler::{Attention, Effect, Handler};
use super::handles::handle;
use super::presenter::Presenter;
use super::resolve;
use crate::context::Context;
use crate::downloads::Downloads;
use crate::errors::unreadable;
use crate::readers::AGENT;

/// A call that may be deleted, and the paths of its files.
struct Going {
    id: CallId,
    shown: PurgedCall,
    paths: Vec<String>,
}

impl Handler for PurgeParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<PurgeResult, RpcError> {
        let (going, kept) = looked_up(context, &self)?;
        if self.confirmed {
            for call in &going {
                let done = context.engine.command(command::ForgetCall(call.id)).await;
                // Something may be on its way that only the engine knows of: it is told below.
                let stays =
                    |error: &RpcError| error.code == ErrorCode::Policy && self.call.is_none();
                if let Some(error) = done.err().filter(|error| !stays(error)) {
                    return Err(error);
                }
            }
            context.engine.compact().await;
        }
        let mut purged =
            PurgeResult { deleted: self.confirmed, calls: Vec::new(), kept, store_bytes: 0 };
        let store = context.reader();
        let downloads = Downloads::of(&context.place, &context.config);
        for call in going {
            // Something may have come in it meanwhile.
            if self.confirmed && store.call_by_id(AGENT, call.id).map_err(unreadable)?.is_some() {
                let handle = call.shown.call.handle;
                let unread = store.has_unread(Conversation::Call(call.id)).map_err(unreadable)?;
                let why = if unread { KeptReason::Unread } else { KeptReason::Unfinished };
                purged.kept.push(KeptCall { handle, reason: why });
                continue;
            }
            if self.confirmed {
                for path in &call.paths {
                    let _ = downloads.remove(path);
                }
            }
            purged.calls.push(call.shown);
        }
        purged.store_bytes = store.size().map_err(unreadable)?;
        Ok(purged)
    }
}

fn looked_up(
    context: &Context,
    params: &PurgeParams,
) -> Result<(Vec<Going>, Vec<KeptCall>), RpcError> {
    let store = context.reader();
    let ids = match (&params.call, params.older_than_days) {
        (Some(name), None) => {
            let call = resolve::named_call(&store, name)?.call;
            if let Some(why) = kept(&store, &call)? {
                return Err(stays(&call, why));
            }
            vec![call.id]
        }
        (None, Some(days)) => {
            let span = Duration::from_secs(u64::from(days) * 24 * 3600);
            let before = Time(crate::now().0.saturating_sub(span.as_millis() as u64));
            let old = store.calls_ended_before(before).map_err(unreadable)?;
            old.into_iter().map(|due| due.item).collect()
        }
        _ => {
            let error = RpcError::new(ErrorCode::Usage, "which calls? one, or those of an age");
            return Err(error.hint("p2p purge c7\np2p purge --older-than 30"));
        }
    };
    let presenter = Presenter::new(context, &store, None);
    let (mut going, mut staying) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(row) = store.call_by_id(AGENT, id).map_err(unreadable)? else { continue };
        if let Some(why) = kept(&store, &row.call)? {
            staying.push(KeptCall { handle: handle('c', row.call.handle), reason: why });
            continue;
        }
        let files = store.files(Some(id)).map_err(unreadable)?;
        let path = |file: &p2p_store::FileRow| match &file.file.state {
            FileState::Complete(Some(path)) if !file.file.outgoing => Some(path.to_string()),
            _ => None,
        };
        let messages = store.message_count(Conversation::Call(id)).map_err(unreadable)?;
        let paths = files.iter().filter_map(path).collect();
        let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let shown = PurgedCall { call: presenter.call(&row)?, messages, files };
        going.push(Going { id, shown, paths });
    }
    Ok((going, staying))
}

/// Returns the reason why a call must be kept, if there is one.
fn kept(store: &Reader, call: &Call) -> Result<Option<KeptReason>, RpcError> {
    if !call.is_open() && store.has_unread(Conversation::Call(call.id)).map_err(unreadable)? {
        return Ok(Some(KeptReason::Unread));
    }
    Ok(store.is_busy(call.id).map_err(unreadable)?.then_some(KeptReason::Unfinished))
}

fn stays(call: &Call, why: KeptReason) -> RpcError {
    let c = handle('c', call.handle);
    let (message, hint) = match why {
        KeptReason::Unread => (format!("{c} has unread items"), format!("p2p inbox --call {c}")),
        KeptReason::Unfinished if call.is_open() => {
            (format!("{c} is open"), format!("p2p end --call {c}"))
        }
        KeptReason::Unfinished => {
            let message = format!("something of {c} is still on its way");
            (message, format!("p2p transcript {c}"))
        }
    };
    RpcError::new(ErrorCode::Policy, format!("{message}: nothing was deleted")).hint(hint)
}
