//! Rules that must hold once the network is quiet.

use std::collections::BTreeSet;

use p2p_core::call::{Call, State};
use p2p_core::opening::opening_id;
use p2p_core::record::{Content, Delivery, FileState, Message};
use p2p_core::wire::Reason;
use p2p_core::{CallId, Conversation, Time};

use super::{Agent, Fault, Tally, World};

/// Checks everything.
///
/// # Errors
/// The rule that was broken.
pub fn all(world: &World) -> Result<Tally, Fault> {
    let mut tally = world.tally;
    for agent in &world.agents {
        nobody_hangs(agent)?;
        nothing_waits_in_vain(agent)?;
        for other in world.agents.iter().filter(|other| other.key != agent.key) {
            let whole = !world.broken.contains(&(agent.key, other.key));
            receipts_are_true(agent, other)?;
            for call in agent.store.calls.values().filter(|call| call.peer == other.key) {
                if let Some(theirs) = other.store.calls.get(&call.id).filter(|_| whole) {
                    both_agree(call, theirs)?;
                    if call.answered.is_some() {
                        words_arrived(agent, other, Conversation::Call(call.id))?;
                        files_arrived(agent, other, call.id)?;
                        transcripts_agree(agent, call)?;
                    }
                    tally.calls += u64::from(call.outgoing);
                    tally.answered += u64::from(call.outgoing && call.answered.is_some());
                }
                tally.merged += u64::from(merged_into(call).is_some());
            }
        }
        let incoming = agent.store.messages.values().filter(|m| !m.by.is_ours());
        tally.messages += incoming.count() as u64;
        tally.files += agent.written.len() as u64;
    }
    tally.answers += super::human::answers(world)?;
    nothing_came_twice(world)?;
    nothing_cancelled_was_heard(world)?;
    each_word_arrived(world)?;
    Ok(tally)
}

fn nobody_hangs(agent: &Agent) -> Result<(), Fault> {
    let Some(engine) = &agent.engine else { return Err("an agent is down".into()) };
    for call in engine.calls() {
        if !matches!(call.state, State::Active | State::Ended(_)) {
            return Err(format!("c{} hangs: {:?}", call.handle, call.state));
        }
        if agent.store.calls.get(&call.id) != Some(call) {
            return Err(format!("c{} differs from its record", call.handle));
        }
    }
    Ok(())
}

fn both_agree(ours: &Call, theirs: &Call) -> Result<(), Fault> {
    let same = match (&ours.state, &theirs.state) {
        (State::Active, State::Active) => true,
        (State::Ended(ours), State::Ended(theirs)) => ours.closing.reason == theirs.closing.reason,
        _ => false,
    };
    if same && ours.answered.is_some() == theirs.answered.is_some() {
        return Ok(());
    }
    Err(format!("the ends disagree:\n  {ours:?}\n  {theirs:?}"))
}

fn merged_into(call: &Call) -> Option<CallId> {
    match &call.state {
        State::Ended(ended) if ended.closing.reason == Reason::Merged => ended.closing.into,
        _ => None,
    }
}

fn ended_at(call: &Call) -> Time {
    match &call.state {
        State::Ended(ended) => ended.at,
        _ => Time(u64::MAX),
    }
}

/// Identity of a message.
pub(super) fn label(message: &Message) -> String {
    match &message.content {
        Content::Text(text) => text.clone().into(),
        Content::Escalation { question, .. } => format!("? {}", question.as_str()),
        Content::File { name, .. } => format!("file {}", name.as_str()),
        Content::Unsupported(name) => format!("unsupported {}", name.as_str()),
    }
}

/// Tells whether a message arrived in the offer of a call.
fn is_opening(message: &Message) -> bool {
    matches!(message.conversation, Conversation::Call(call) if message.rumor == opening_id(call))
}

/// Returns the messages that were sent in a conversation in order, or received in order of arrival.
fn lane(agent: &Agent, conversation: Conversation, outgoing: bool) -> Vec<String> {
    let fits = |m: &&Message| {
        m.conversation == conversation
            && m.by.is_ours() == outgoing
            && m.delivery != Delivery::Cancelled
    };
    let messages = agent.store.messages.values().filter(fits);
    let mut messages: Vec<_> = messages.filter(|message| !is_opening(message)).collect();
    if outgoing {
        messages.sort_by_key(|message| agent.store.place(message));
    }
    messages.into_iter().map(label).collect()
}

fn words_arrived(from: &Agent, to: &Agent, conversation: Conversation) -> Result<(), Fault> {
    let sent = lane(from, conversation, true);
    let got = lane(to, conversation, false);
    if sent == got { Ok(()) } else { Err(format!("said {sent:?}, heard {got:?}")) }
}

/// Nobody hears the same words twice.
///
/// # Errors
/// When somebody did.
pub fn nothing_came_twice(world: &World) -> Result<(), Fault> {
    for agent in &world.agents {
        let mut heard = BTreeSet::new();
        for message in agent.store.messages.values().filter(|m| !m.by.is_ours() && !is_opening(m)) {
            if !heard.insert(label(message)) {
                return Err(format!("`{}` was heard twice", label(message)));
            }
        }
    }
    Ok(())
}

/// Checks that no withdrawn message was received.
fn nothing_cancelled_was_heard(world: &World) -> Result<(), Fault> {
    let messages = || world.agents.iter().flat_map(|agent| agent.store.messages.values());
    let on_record = messages().filter(|m| m.delivery == Delivery::Cancelled).map(label);
    let quiet: BTreeSet<String> = world.cancelled.iter().cloned().chain(on_record).collect();
    match messages().filter(|m| !m.by.is_ours()).map(label).find(|words| quiet.contains(words)) {
        Some(words) => Err(format!("`{words}` was cancelled and heard")),
        None => Ok(()),
    }
}

/// Checks that messages in an unanswered call are given up.
fn nothing_waits_in_vain(agent: &Agent) -> Result<(), Fault> {
    let waits = |message: &&Message| {
        let Conversation::Call(call) = message.conversation else { return false };
        let call = agent.store.calls.get(&call);
        call.is_some_and(|call| !call.is_open() && call.answered.is_none())
            && message.by.is_ours()
            && !is_opening(message)
            && !matches!(message.delivery, Delivery::Undelivered | Delivery::Cancelled)
    };
    match agent.store.messages.values().find(waits) {
        Some(message) => Err(format!("m{} waits for nothing", message.handle)),
        None => Ok(()),
    }
}

/// Checks that every message of a call, or of its successor, was received.
fn each_word_arrived(world: &World) -> Result<(), Fault> {
    for (index, call, text) in &world.said {
        let mut messages = world.agents[*index].store.messages.values();
        if messages.any(|m| m.delivery == Delivery::Cancelled && label(m) == *text) {
            continue;
        }
        let calls = &world.agents[*index].store.calls;
        let next = |call: &&Call| merged_into(call).and_then(|next| calls.get(&next));
        let chain: Vec<&Call> = std::iter::successors(calls.get(call), next).take(20).collect();
        let Some(last) = chain.last() else { continue };
        // A merge into what is over carries no words, nor does one after our agent hung up.
        let late = chain.windows(2).any(|pair| ended_at(pair[1]) <= ended_at(pair[0]))
            || (chain.len() > 1
                && chain.iter().any(|call| world.hung_up.contains(&(*index, call.id))));
        let Some(last) = Some(last).filter(|last| last.answered.is_some() && !late) else {
            continue;
        };
        let whole = !world.broken.contains(&(world.agents[*index].key, last.peer));
        let peer = world.agents.iter().position(|agent| agent.key == last.peer);
        let Some(peer) = peer.filter(|_| whole) else { continue };
        let messages = world.agents[peer].store.messages.values();
        if !messages.filter(|m| !m.by.is_ours()).any(|message| label(message) == *text) {
            return Err(format!("`{text}`, said in {call}, was never heard"));
        }
    }
    Ok(())
}

/// Both told each other what they said and heard in a call that is over, and it is the same.
fn transcripts_agree(agent: &Agent, call: &Call) -> Result<(), Fault> {
    let (said, heard) = agent.store.digests(call.id);
    let told = call.digests;
    if call.is_open() || (told.said, told.heard) == (Some(said), Some(heard)) {
        return Ok(());
    }
    Err(format!("c{}: said {said:?}, heard {heard:?}, and was told {told:?}", call.handle))
}

/// No receipt says more than is so.
fn receipts_are_true(from: &Agent, to: &Agent) -> Result<(), Fault> {
    let outgoing = from.store.messages.values().filter(|m| m.by.is_ours() && m.peer == to.key);
    for message in outgoing.filter(|m| m.delivery == Delivery::Delivered) {
        if !to.store.has(message.rumor) {
            return Err(format!("m{} counts as delivered and is not there", message.handle));
        }
    }
    for stream in from.store.streams_out.values().filter(|stream| stream.peer == to.key) {
        let theirs = to.store.streams_in.get(&stream.id);
        let (upto, read) = theirs.map_or((0, 0), |theirs| (theirs.upto, theirs.read));
        if stream.acked > upto || stream.read > read {
            return Err(format!("{stream:?} against {theirs:?}"));
        }
    }
    Ok(())
}

fn files_arrived(from: &Agent, to: &Agent, call: CallId) -> Result<(), Fault> {
    let cancelled = FileState::Failed("cancelled".into());
    for file in from.store.files.values().filter(|file| file.outgoing && file.call == call) {
        if file.state == cancelled {
            continue;
        }
        if !matches!(file.state, FileState::Complete(_)) {
            return Err(format!("f{} is {:?} at its sender", file.handle, file.state));
        }
        let there = to.store.files.values().any(|theirs| {
            theirs.stream == file.stream && matches!(theirs.state, FileState::Complete(Some(_)))
        });
        let written = to.written.iter().any(|(to_call, hash, bytes)| {
            *to_call == call && *hash == file.sha256 && bytes.len() as u64 == file.size
        });
        if !there || !written {
            return Err(format!("f{} did not arrive", file.handle));
        }
    }
    Ok(())
}
