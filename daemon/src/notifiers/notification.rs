//! Notifications: handles, keys, commands of ours, and questions of our own agent. They hold no text
//! of a peer.

use p2p_core::call::State;
use p2p_core::record::{Event, EventKind};
use p2p_core::{Conversation, PublicKey};
use serde::Serialize;

use crate::readers::AGENT;
use p2p_config::HookEvent;
use p2p_store::{QuestionRow, Reader, StoreError};

/// One event, as commands and servers get it: a JSON object.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Notification {
    /// Version of this object.
    pub v: u32,
    /// An id that stays the same when the notification is repeated.
    pub id: String,
    /// The npub of our agent.
    pub agent: String,
    /// The kind of event.
    pub event: HookEvent,
    /// The call, like `c7`, where the event belongs to one.
    pub call: Option<String>,
    /// The message, file or question: `m41`, `f3` or `q2`.
    pub handle: Option<String>,
    /// The npub of the peer.
    pub peer: Option<String>,
    /// The question of our agent, for `escalate`.
    pub question: Option<String>,
    /// The answers to choose from.
    pub options: Vec<String>,
    /// A command that shows more or acts on the event.
    pub next: String,
}

/// Returns the kinds of log entries that these events stand for.
pub(super) fn kinds(events: &[HookEvent]) -> Vec<EventKind> {
    use EventKind as K;
    let kinds = |event: &HookEvent| match event {
        HookEvent::Ring => vec![K::Ring, K::Knock],
        HookEvent::Message => vec![K::Message],
        HookEvent::File => vec![K::File],
        HookEvent::Reply => vec![K::Reply, K::Answered],
        HookEvent::End => vec![K::End, K::Missed],
        HookEvent::Escalate => vec![],
    };
    events.iter().flat_map(kinds).collect()
}

fn event_of(kind: EventKind) -> Option<HookEvent> {
    let all = [HookEvent::Ring, HookEvent::Message, HookEvent::File, HookEvent::Reply];
    let all = all.into_iter().chain([HookEvent::End]);
    all.into_iter().find(|event| kinds(&[*event]).contains(&kind))
}

/// Returns the notification of a log entry.
pub(super) fn of_entry(
    store: &Reader,
    me: PublicKey,
    entry: &Event,
) -> Result<Option<Notification>, StoreError> {
    let Some(event) = event_of(entry.kind) else { return Ok(None) };
    let call = match entry.conversation {
        Conversation::Call(id) => store.call_by_id(AGENT, id)?.map(|row| row.call),
        Conversation::Direct(_) => None,
    };
    let rings = call.as_ref().is_some_and(|call| matches!(call.state, State::Incoming(_)));
    let peer = match entry.conversation {
        Conversation::Call(_) => call.as_ref().map(|call| call.peer),
        Conversation::Direct(key) => Some(key),
    };
    let call = call.map(|call| format!("c{}", call.handle));
    let next = match (event, &call) {
        (HookEvent::Ring, Some(call)) if rings => format!("p2p answer accept --call {call}"),
        (_, Some(call)) => format!("p2p inbox --call {call}"),
        (_, None) => "p2p inbox".into(),
    };
    let series = match entry.kind {
        EventKind::File => 'f',
        EventKind::Reply => 'q',
        _ => 'm',
    };
    Ok(Some(Notification {
        v: 1,
        id: format!("e{}", entry.seq),
        agent: me.npub(),
        event,
        call,
        handle: entry.subject.map(|number| format!("{series}{number}")),
        peer: peer.map(|key| key.npub()),
        question: None,
        options: Vec::new(),
        next,
    }))
}

/// Returns the notification of a question to the owner.
pub(super) fn of_question(
    store: &Reader,
    me: PublicKey,
    row: &QuestionRow,
) -> Result<Notification, StoreError> {
    let asked = &row.question;
    let call = store.call_by_id(AGENT, asked.call)?.map(|row| row.call);
    Ok(Notification {
        v: 1,
        id: format!("q{}", asked.handle),
        agent: me.npub(),
        event: HookEvent::Escalate,
        call: call.as_ref().map(|call| format!("c{}", call.handle)),
        handle: Some(format!("q{}", asked.handle)),
        peer: call.map(|call| call.peer.npub()),
        question: Some(asked.question.clone().into()),
        options: asked.options.clone().into_iter().map(Into::into).collect(),
        next: "p2p questions".into(),
    })
}
