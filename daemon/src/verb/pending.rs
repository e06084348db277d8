//! `p2p pending`: one line, no peer text, nothing consumed.

use p2p_core::call::State;
use p2p_ipc::RpcError;
use p2p_ipc::method::PendingParams;
use p2p_ipc::view::PendingView;

use p2p_store::Reader;

use super::handler::{Effect, Handler};
use super::handles::handle;
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

impl Handler for PendingParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<PendingView, RpcError> {
        let store = context.reader();
        count(&store, self.reader.as_deref().unwrap_or(AGENT))
    }
}

/// Counts what waits for a reader.
pub(super) fn count(store: &Reader, reader: &str) -> Result<PendingView, RpcError> {
    let open = store.open_calls(reader).map_err(unreadable)?;
    let rings: Vec<String> = open
        .iter()
        .filter(|row| matches!(row.call.state, State::Incoming(_)))
        .map(|row| handle('c', row.call.handle))
        .collect();
    let unread = store.unread_count(reader, None).map_err(unreadable)?;
    let questions = store.open_questions().map_err(unreadable)?.len();
    let mut parts = Vec::new();
    match rings.as_slice() {
        [] => {}
        [one] => parts.push(format!("{one} rings here")),
        several => parts.push(format!("{} calls ring here, {} first", several.len(), several[0])),
    }
    if unread > 0 {
        parts.push(format!("{unread} unread"));
    }
    if questions > 0 {
        parts.push(format!("{questions} open with the owner"));
    }
    let next = match (rings.first(), unread) {
        (Some(call), 0) => format!("p2p answer accept --call {call}"),
        (None, 0) => "p2p questions".into(),
        _ => "p2p inbox".into(),
    };
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(PendingView {
        ringing: number(rings.len()),
        unread,
        questions: number(questions),
        line: (!parts.is_empty()).then(|| format!("p2p: {}; {next}", parts.join(", "))),
    })
}
