//! `p2p watch`: follows the event log with requests that wait. A watcher keeps its own position, so
//! that a slow or vanished watcher costs nothing here.

use p2p_core::record::EventKind;
use p2p_ipc::method::{WatchParams, WatchResult};
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::LogQuery;

use super::handler::{Effect, Handler};
use super::inbox::{fit, mark};
use super::presenter::Presenter;
use super::waiting::{capped, until};
use super::{resolve, views};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::reader_name;

// A program may watch for days: watching does not count as attention of our agent.
impl Handler for WatchParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<WatchResult, RpcError> {
        let reader = self.reader.as_deref().map(|name| reader_name(Some(name))).transpose()?;
        if reader.is_some() && !self.kinds.is_empty() {
            let message = "a reader's cursor has no holes: it cannot leave out kinds";
            return Err(RpcError::new(ErrorCode::Usage, message).hint("p2p watch --help"));
        }
        let kinds: Vec<EventKind> = self.kinds.iter().copied().map(views::event_kind).collect();
        let (after, call) = {
            let store = context.reader();
            let last = store.max_event_seq().map_err(unreadable)?;
            if self.after > last {
                let message =
                    format!("there is no entry {} in the log: the last is {last}", self.after);
                return Err(RpcError::new(ErrorCode::LogPosition, message)
                    .hint(format!("p2p watch --from {last}")));
            }
            let named = self.call.as_deref().map(|name| resolve::named_call(&store, name));
            (self.after, named.transpose()?.map(|row| row.call.id))
        };
        let wanted = LogQuery { after, reader, call, kinds: &kinds, limit: self.limit };
        let look = || {
            let found = context.reader().log(wanted).map_err(unreadable)?;
            Ok((!found.events.is_empty()).then_some(()))
        };
        until(context, capped(self.wait_ms), look).await?;
        let store = context.reader();
        let found = store.log(wanted).map_err(unreadable)?;
        let presenter = Presenter::new(context, &store, reader);
        let items = fit(&presenter, &found.events, self.max_bytes as usize)?;
        let seq = match items.last() {
            Some(item) if items.len() < found.events.len() => item.seq,
            _ => found.upto,
        };
        let gap = store.removed(reader, after, seq).map_err(unreadable)?;
        let marks = match reader {
            Some(_) => found.events.iter().take(items.len()).map(mark).collect(),
            None => Vec::new(),
        };
        Ok(WatchResult { items, marks, seq, missed: gap.removed, resume_after: gap.before })
    }
}
