//! Scenarios that random faults do not produce: a disk that is restored from a backup, a peer that is
//! away for weeks, two rings at the same moment.

use std::time::Duration;

use p2p_core::call::{Call, State};
use p2p_core::engine::command::{PlacedCall, Placement};
use p2p_core::engine::{Input, command};
use p2p_core::record::{Content, Delivery, Event, EventKind, Message};
use p2p_core::{CallId, Conversation};

use super::{Fault, Weather, World, check};

/// Two agents talk; one of them loses what happened since its backup; they go on talking. What is
/// said after that arrives once, and in order as soon as the fault was noticed.
///
/// # Errors
/// The rule that was broken.
pub fn restored_from_backup(seed: u64, loud: bool) -> Result<(), Fault> {
    let mut world = World::fair(seed, loud)?;
    world.agents.iter_mut().for_each(|agent| agent.notices = true);
    let conversation =
        if world.rng.chance(70) { Some(Conversation::Call(connect(&mut world)?)) } else { None };
    if world.rng.chance(50) {
        world.weather = Weather { loss: 20, double: 20, ..Weather::default() };
    }
    chat(&mut world, conversation, "before")?;
    let unlucky = world.rng.below(2) as usize;
    let backup = world.agents[unlucky].store.clone();
    chat(&mut world, conversation, "lost")?;
    world.agents[unlucky].engine = None;
    world.agents[unlucky].store = backup;
    world.start(unlucky)?;
    let said = chat(&mut world, conversation, "after")?;
    world.calm()?;
    // What repairs a stream may need a message to notice by.
    let more = chat(&mut world, conversation, "later")?;
    world.calm()?;
    for index in 0..2 {
        // What went out in a stream that turned out to be broken may come after what followed.
        let mut words = hears(&world, index, &said[index], |_| true);
        words.sort_by_key(|text| said[index].iter().position(|said| said == text));
        if words != said[index] {
            return Err(format!("said {:?}, heard {words:?}", said[index]));
        }
        heard(&world, index, &more[index])?;
    }
    check::nothing_came_twice(&world)
}

/// A peer is gone for longer than messages live. They are given up, and when it is back it hears
/// what is said then.
///
/// # Errors
/// The rule that was broken.
pub fn long_absence(seed: u64, loud: bool) -> Result<(), Fault> {
    let mut world = World::fair(seed, loud)?;
    let conversation =
        if world.rng.chance(50) { Some(Conversation::Call(connect(&mut world)?)) } else { None };
    chat(&mut world, conversation, "before")?;
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    let away = days(1 + world.rng.below(14));
    world.cut_for(1, away);
    let gone = world.now;
    let said = chat(&mut world, conversation, "meanwhile")?;
    world.pass(away)?;
    if away > days(4) {
        let dead = |text: &String| {
            let messages = world.agents[0].store.messages.values();
            let mut same = messages.filter(|m| m.content == Content::Text(text.clone().into()));
            same.all(|m| m.delivery == Delivery::Undelivered || m.at < gone)
        };
        if let Some(text) = said[0].iter().find(|text| !dead(text)) {
            return Err(format!("`{text}` was not given up"));
        }
    }
    // Nor does anything go to a peer that is silent for ever.
    if away > days(7) && !world.agents[0].store.outbox.is_empty() {
        return Err("something still waits after a week".into());
    }
    let said = chat(&mut world, conversation, "after")?;
    world.calm()?;
    heard(&world, 0, &said[0])?;
    heard(&world, 1, &said[1])
}

/// Both ring each other at once, and say something before they are answered: one call survives,
/// the one with the smaller id, and both hear all of it there.
///
/// # Errors
/// The rule that was broken.
pub fn ring_each_other(seed: u64, loud: bool) -> Result<(), Fault> {
    let mut world = World::fair(seed, loud)?;
    if world.rng.chance(50) {
        world.weather = Weather { loss: 30, double: 30, ..Weather::default() };
    }
    let mut rings = Vec::new();
    let mut said = [Vec::new(), Vec::new()];
    for (index, said) in said.iter_mut().enumerate() {
        let opening = world.text("opening");
        let call = place(&mut world, index, Some(opening.clone()))?;
        let text = world.text("words");
        let conversation = Conversation::Call(call);
        let command =
            command::SendMessage { conversation, text: text.clone().into(), again: false };
        world.command(index, command)?;
        *said = vec![opening, text];
        rings.push(call);
    }
    // Messages arrive whatever the state of the call is by now.
    for (wait, what) in [(2, "soon"), (298, "later")] {
        world.pass(Duration::from_secs(wait))?;
        for (index, said) in said.iter_mut().enumerate() {
            let (text, conversation) = (world.text(what), Conversation::Call(rings[index]));
            let command =
                command::SendMessage { conversation, text: text.clone().into(), again: false };
            match world.command(index, command)? {
                Some(Ok(_)) => said.push(text),
                other => return Err(format!("`{text}` was refused: {other:?}")),
            }
        }
    }
    world.weather = Weather::default();
    world.pass(Duration::from_secs(6 * 3600))?;
    one_call_survives(&world, &rings, &said)
}

/// Checks that the smaller of two crossing rings survives, and that every message was received in it.
fn one_call_survives(
    world: &World,
    rings: &[CallId],
    said: &[Vec<String>; 2],
) -> Result<(), Fault> {
    let survivor = rings.iter().min().copied();
    for (index, agent) in world.agents.iter().enumerate() {
        let on = |call: &&Call| call.state == State::Active;
        let active: Vec<CallId> = agent.store.calls.values().filter(on).map(|c| c.id).collect();
        if active != Vec::from_iter(survivor) {
            return Err(format!("of {rings:?} these survive at {index}: {active:?}"));
        }
        let events = agent.store.events.iter();
        let answered = events.filter(|event| event.kind == EventKind::Answered).count();
        if answered != 1 {
            return Err(format!("{index} was told {answered} times that it was answered"));
        }
        let silent = agent.store.messages.values().find(|message| {
            let place = message.conversation;
            let tells = |event: &&Event| event.subject == Some(message.handle);
            !message.by.is_ours()
                && survivor.map(Conversation::Call) == Some(place)
                && agent.store.events.iter().filter(tells).count() != 1
        });
        if let Some(message) = silent {
            return Err(format!("{index} was not told of m{} once", message.handle));
        }
        // A merged call keeps its opening message.
        let survives = |m: &Message| survivor.map(Conversation::Call) == Some(m.conversation);
        let heard = hears(world, index, &said[index], survives);
        if sorted(&heard) != sorted(&said[index]) {
            return Err(format!("said {:?}, heard {heard:?}", said[index]));
        }
    }
    Ok(())
}

fn sorted(words: &[String]) -> Vec<&String> {
    let mut words: Vec<_> = words.iter().collect();
    words.sort();
    words
}

/// One calls, the other answers.
fn connect(world: &mut World) -> Result<CallId, Fault> {
    let call = place(world, 0, None)?;
    world.pass(Duration::from_secs(10))?;
    match world.command(1, command::AcceptCall(call))? {
        Some(Ok(_)) => world.pass(Duration::from_secs(10)).map(|()| call),
        other => Err(format!("it was not accepted: {other:?}")),
    }
}

/// One of the two rings the other.
fn place(world: &mut World, index: usize, opening: Option<String>) -> Result<CallId, Fault> {
    let command = command::PlaceCall {
        peer: world.agents[1 - index].key,
        topic: "tea".into(),
        opening: opening.map(Into::into),
        note: None,
        new: false,
        ring: None,
        invite: None,
    };
    match world.command(index, command)? {
        Some(Ok(PlacedCall { call, placement: Placement::Placed, .. })) => Ok(call),
        other => Err(format!("it was not placed: {other:?}")),
    }
}

/// Both say a few things, over a while. `None` is for direct messages.
fn chat(
    world: &mut World,
    conversation: Option<Conversation>,
    what: &str,
) -> Result<[Vec<String>; 2], Fault> {
    let mut said = [Vec::new(), Vec::new()];
    for _ in 0..1 + world.rng.below(6) {
        let index = world.rng.below(2) as usize;
        let peer = world.agents[1 - index].key;
        let conversation = conversation.unwrap_or(Conversation::Direct(peer));
        let text = world.text(what);
        let command =
            command::SendMessage { conversation, text: text.clone().into(), again: false };
        match world.command(index, command)? {
            Some(Ok(_)) => said[index].push(text),
            other => return Err(format!("`{text}` was refused: {other:?}")),
        }
        let pause = world.rng.span(0, 6000);
        world.pass(pause)?;
    }
    if world.rng.chance(50) {
        world.input(0, Input::Tick)?;
        world.pass(Duration::from_secs(60))?;
    }
    Ok(said)
}

/// The other end heard all of it, once and in this order.
fn heard(world: &World, from: usize, said: &[String]) -> Result<(), Fault> {
    let heard = hears(world, from, said, |_| true);
    if heard == said { Ok(()) } else { Err(format!("said {said:?}, heard {heard:?}")) }
}

/// Returns those of the messages that the other end received, in its order.
fn hears(
    world: &World,
    from: usize,
    said: &[String],
    counts: impl Fn(&Message) -> bool,
) -> Vec<String> {
    let messages = world.agents[1 - from].store.messages.values();
    messages
        .filter(|message| !message.by.is_ours() && counts(message))
        .filter_map(|message| match &message.content {
            Content::Text(text) => Some(text.to_string()),
            _ => None,
        })
        .filter(|text| said.contains(text))
        .collect()
}
