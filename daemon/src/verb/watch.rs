//! `p2p watch`: the event log, followed by requests that wait. A watcher's place is the number
//! that it asks with, so one that is slow or gone costs nothing here.

use p2p_core::record::EventKind;
use p2p_ipc::method::{Watch, WatchResult};
use p2p_ipc::{ErrorCode, RpcError};

use super::inbox::{fit, mark, reader_name};
use super::show::{Show, event_kind};
use super::{stored, until, wait, which};
use crate::service::Service;
use p2p_store::LogQuery;

/// Watching is no sign of our agent: a program may do that for days.
pub(super) async fn run(service: &Service, params: Watch) -> Result<WatchResult, RpcError> {
    let reader = params.reader.as_deref().map(|name| reader_name(Some(name))).transpose()?;
    if reader.is_some() && !params.kinds.is_empty() {
        let message = "a reader's cursor has no holes: it cannot leave out kinds";
        return Err(RpcError::new(ErrorCode::Usage, message).hint("p2p watch --help"));
    }
    let kinds: Vec<EventKind> = params.kinds.iter().copied().map(event_kind).collect();
    let (after, call) = {
        let store = service.reader();
        let last = store.max_event_seq().map_err(stored)?;
        if params.after > last {
            let message =
                format!("there is no entry {} in the log: the last is {last}", params.after);
            return Err(
                RpcError::new(ErrorCode::Cursor, message).hint(format!("p2p watch --from {last}"))
            );
        }
        let named = params.call.as_deref().map(|name| which::named_call(&store, name));
        (params.after, named.transpose()?.map(|row| row.call.id))
    };
    let wanted = LogQuery { after, reader, call, kinds: &kinds, limit: params.limit };
    let look = || {
        let found = service.reader().log(wanted).map_err(stored)?;
        Ok((!found.events.is_empty()).then_some(()))
    };
    until(service, wait(params.wait_ms), look).await?;
    let store = service.reader();
    let found = store.log(wanted).map_err(stored)?;
    let show = Show::new(service, &store, reader);
    let items = fit(&show, &found.events, params.max_bytes as usize)?;
    let seq = match items.last() {
        Some(item) if items.len() < found.events.len() => item.seq,
        _ => found.upto,
    };
    let gap = store.removed(reader, after, seq).map_err(stored)?;
    let marks = match reader {
        Some(_) => found.events.iter().take(items.len()).map(mark).collect(),
        None => Vec::new(),
    };
    Ok(WatchResult { items, marks, seq, missed: gap.removed, before: gap.before })
}
