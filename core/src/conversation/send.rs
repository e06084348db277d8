//! Sending: a message gets the next number of its stream, goes out, and goes out again until the
//! peer acknowledged it.

use std::time::Duration;

use super::change::ConversationChange;
use super::conversations::Conversations;
use super::effect::Effects;
use crate::context::Context;
use crate::ids::{Conversation, PublicKey, RumorId, StreamId};
use crate::lane::Outgoing;
use crate::output::Priority;
use crate::record::{Lane, Speaker, Speaks, Standing};
use crate::rumor::Rumor;
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Ack, Body, Item, Slot, Stamp, encode};

/// The most acknowledgements that ride on one rumor.
const ACKS_LIMIT: usize = 16;
/// A rumor that went out within this time does not go again because a relay or the peer is back.
const JUST_NOW: Duration = Duration::from_secs(5);

/// A message that is about to get a number.
#[derive(Debug)]
pub struct Draft {
    /// The content.
    pub item: Item,
    /// The author, on our side.
    pub by: Speaker,
    /// The id that the message had in an abandoned stream.
    pub was: Option<RumorId>,
}

impl Draft {
    /// Returns a message of our agent.
    pub fn new(item: Item) -> Self {
        Self { item, by: Speaker::Agent, was: None }
    }
}

/// The place of a message: its stream and number.
pub type SlotId = (StreamId, u64);

/// The rumors that go again when somebody is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// A relay is back: what no relay has taken.
    Untaken,
    /// The peer is back: also the lowest number of each stream.
    Lowest,
}

impl Conversations {
    /// Gives a message the next number of the text stream and keeps it. [`Self::flush`] sends it.
    pub fn enqueue(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        draft: Draft,
    ) -> Option<(RumorId, SlotId)> {
        let fresh = ctx.ids.stream();
        let (peer, open) = self.get(id).map(|state| (state.peer, state.open))?;
        let acks = if open { self.take_acks(ctx, now, peer) } else { Vec::new() };
        let stamp = Stamp { by_human: draft.by.is_human(), ..ctx.stamp(now, peer, acks) };
        let stream = self.get_mut(id)?.text.get_or_insert_with(|| Outgoing::new(fresh));
        let slot = Slot { was: draft.was, ..stream.next_slot() };
        let rumor = encode(&stamp, &Body::Numbered(id, slot, draft.item));
        let rumor = self.keep(ctx, now, id, Lane::Text, rumor);
        Some((rumor, (slot.stream, slot.number)))
    }

    /// Keeps a message to an ordinary app. Each is written in a second of its own: apps sort by
    /// the second, and take the same text in the same second for one message.
    pub fn enqueue_plain(
        &mut self,
        ctx: &mut Context,
        now: Time,
        peer: PublicKey,
        text: Text,
    ) -> RumorId {
        let fresh = ctx.ids.stream();
        let mut stamp = ctx.stamp(now, peer, Vec::new());
        let id = Conversation::Direct(peer);
        let state = self.open(peer, id);
        state.plain.get_or_insert_with(|| Outgoing::new(fresh));
        state.plain_at = stamp.at.secs().max(state.plain_at + 1);
        stamp.at = Time::from_secs(state.plain_at);
        let rumor = encode(&stamp, &Body::Plain(text));
        self.keep(ctx, now, id, Lane::Plain, rumor)
    }

    /// Keeps a direct message in the stream that its receiver understands.
    pub fn enqueue_directly(
        &mut self,
        ctx: &mut Context,
        now: Time,
        to: PublicKey,
        text: Text,
    ) -> Option<(RumorId, Option<SlotId>)> {
        if ctx.peers.speaks(to) == Speaks::P2p {
            let id = Conversation::Direct(to);
            let (rumor, slot) = self.enqueue(ctx, now, id, Draft::new(Item::Text(text)))?;
            return Some((rumor, Some(slot)));
        }
        Some((self.enqueue_plain(ctx, now, to, text), None))
    }

    /// Puts a rumor into its stream and makes both durable.
    pub fn keep(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        lane: Lane,
        rumor: Rumor,
    ) -> RumorId {
        let rumor_id = rumor.id();
        let kept = Box::new(rumor.clone());
        let Some(state) = self.get_mut(id) else { return rumor_id };
        let Some((stream, _)) = state.outgoing_mut().find(|(_, l)| *l == lane) else {
            return rumor_id;
        };
        let number = stream.push(now, rumor);
        let stream = stream.id;
        if let Some(record) = state.record_out(stream) {
            ctx.persist(ConversationChange::StreamOut(record));
        }
        ctx.persist(ConversationChange::Outbox { stream, number, rumor: kept, since: now });
        self.note_place(rumor_id, (id, stream, number));
        rumor_id
    }

    /// Sends something unnumbered. Relays report about it under the id that is returned.
    pub fn say(
        &mut self,
        ctx: &mut Context,
        now: Time,
        to: PublicKey,
        body: &Body,
        priority: Priority,
    ) -> RumorId {
        let acks = self.take_acks(ctx, now, to);
        let rumor = encode(&ctx.stamp(now, to, acks), body);
        let id = rumor.id();
        ctx.send(to, rumor, priority);
        id
    }

    /// Sends what is due in a conversation.
    pub fn flush(&mut self, ctx: &mut Context, now: Time, id: Conversation) {
        let Some(state) = self.get_mut(id).filter(|state| state.open) else { return };
        let peer = state.peer;
        for (stream, lane) in state.outgoing_mut() {
            let due = stream.due(now, &ctx.settings.schedule);
            due.into_iter().for_each(|(_, rumor)| send(ctx, peer, lane, rumor));
        }
    }

    /// Does everything whose time has come in a conversation: gives up, repeats, acknowledges.
    #[must_use]
    pub fn run_due(&mut self, ctx: &mut Context, now: Time, id: Conversation) -> Effects {
        let quiet = now < ctx.quiet_until;
        let Some(state) = self.get(id) else { return Effects::new() };
        let peer = state.peer;
        let ack_due = !quiet && state.ack_due.is_some_and(|at| at <= now);
        let streams_due = state.streams_due(&ctx.settings.schedule);
        let mut effects = Effects::new();
        if state.open && streams_due.is_some_and(|at| at <= now) {
            effects = self.give_up_expired(ctx, now, id);
            self.flush(ctx, now, id);
        }
        if ack_due {
            self.acknowledge(ctx, now, peer);
        }
        effects
    }

    /// Sends owed acknowledgements by themselves.
    fn acknowledge(&mut self, ctx: &mut Context, now: Time, peer: PublicKey) {
        let acks = self.take_acks(ctx, now, peer);
        if !acks.is_empty() {
            let rumor = encode(&ctx.stamp(now, peer, acks), &Body::Ack);
            ctx.send(peer, rumor, Priority::Ack);
        }
    }

    /// Takes out the acknowledgements that a peer is owed, to ride on a rumor to it. A stranger
    /// gets none outside of calls that were answered.
    fn take_acks(&mut self, ctx: &Context, now: Time, peer: PublicKey) -> Vec<Ack> {
        if now < ctx.quiet_until {
            return Vec::new();
        }
        let standing = ctx.peers.standing(peer);
        let mut acks = Vec::new();
        for id in self.with(peer) {
            let Some(state) = self.get(id).filter(|state| state.ack_due.is_some()) else {
                continue;
            };
            let heard = match (standing, id) {
                (Standing::Allowed, _) => true,
                (Standing::Stranger, Conversation::Call(_)) => state.open,
                _ => false,
            };
            let room = ACKS_LIMIT - acks.len();
            let Some(state) = self.get_mut(id) else { continue };
            if heard {
                acks.extend(state.owed(ctx.settings.disclose_read, room));
                self.note_acknowledged(id);
            } else {
                state.owe_nothing();
            }
        }
        acks
    }

    /// Sends again what waits in a conversation, because a relay or the peer is back.
    pub fn resend(&mut self, ctx: &mut Context, now: Time, id: Conversation, what: Repeat) {
        let Some(state) = self.get_mut(id).filter(|state| state.open) else { return };
        let peer = state.peer;
        for (stream, lane) in state.outgoing_mut() {
            let mut again = stream.untaken(now, JUST_NOW);
            if what == Repeat::Lowest && lane != Lane::Plain {
                let stale: Vec<u64> = stream.stale(now, JUST_NOW).into_iter().collect();
                again.extend(stream.again(now, &stale));
            }
            again.into_iter().for_each(|(_, rumor)| send(ctx, peer, lane, rumor));
        }
    }
}

/// Gives a rumor of a stream to the relays.
pub(super) fn send(ctx: &mut Context, to: PublicKey, lane: Lane, rumor: Rumor) {
    let priority = match lane {
        Lane::File(_) => Priority::Chunk,
        Lane::Text | Lane::Plain | Lane::Opening => Priority::Text,
    };
    ctx.send(to, rumor, priority);
}
