//! What a hook is told of an entry of the event log: handles and keys, never a peer's words.

use p2p_core::Conversation;
use p2p_core::record::Event;

use super::AGENT;
use super::show::handle;
use crate::config::HookEvent;
use crate::hooks::Told;
use crate::store::Reader;

/// Describes an entry, unless our agent has read it meanwhile.
pub(crate) fn describe(store: &Reader, event: &Event, kind: HookEvent) -> Option<Told> {
    let place = Some(event.conversation);
    if store.unread_count(AGENT, place).is_ok_and(|unread| unread == 0) {
        return None;
    }
    let (call, peer) = match event.conversation {
        Conversation::Call(id) => {
            let row = store.call_by_id(AGENT, id).ok().flatten();
            (row.as_ref().map(|row| handle('c', row.call.handle)), row.map(|row| row.call.peer))
        }
        Conversation::Direct(key) => (None, Some(key)),
    };
    let next = match (kind, &call) {
        (HookEvent::Ring, Some(call)) => format!("p2p answer accept --call {call}"),
        (_, Some(call)) => format!("p2p inbox --call {call}"),
        (_, None) => "p2p inbox".into(),
    };
    let series = if kind == HookEvent::File { 'f' } else { 'm' };
    Some(Told {
        v: 1,
        event: kind,
        call,
        handle: event.subject.map(|number| handle(series, number)),
        peer: peer.map(|key| key.npub()),
        question: None,
        options: Vec::new(),
        next,
    })
}
