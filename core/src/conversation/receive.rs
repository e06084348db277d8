//! Receiving: a numbered rumor waits for the rumors before it, and is acknowledged.

use std::time::Duration;

use super::change::ConversationChange;
use super::conversations::Conversations;
use super::state::Buffered;
use crate::context::{Context, SEEN_KEPT};
use crate::ids::{Conversation, PublicKey, RumorId, StreamId};
use crate::lane::{Arrival, Inbound, Incoming};
use crate::output::Priority;
use crate::record::Standing;
use crate::rumor::Verified;
use crate::time::Time;
use crate::wire::{Body, Item, Packet, Slot};

/// The most by which a writer's clock may be wrong.
const SKEW: Duration = Duration::from_secs(2 * 24 * 3600);

/// A rumor that is next in the order of its stream.
#[derive(Debug)]
pub struct Released {
    /// Its place.
    pub slot: (StreamId, u64),
    /// Its id.
    pub id: RumorId,
    /// The rumor.
    pub packet: Packet,
}

impl Conversations {
    /// Takes in a numbered rumor. Returns the rumors that are in order now.
    pub fn arrive(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        message: &Verified,
        (packet, slot): (Packet, Slot),
    ) -> Vec<Released> {
        let (from, rumor_id) = (packet.from, packet.id);
        let bytes = message.rumor().content.len();
        let duplicate = ctx.was_seen(rumor_id);
        if !duplicate && !ctx.peers.within_rate(now, &ctx.settings, from, bytes) {
            return Vec::new();
        }
        let ack_due = now + ctx.settings.schedule.ack_idle;
        let Some(state) = self.get_mut(id) else { return Vec::new() };
        if !state.incoming.contains_key(&slot.stream) && !state.takes_stream() {
            return Vec::new();
        }
        let incoming =
            state.incoming.entry(slot.stream).or_insert_with(|| Incoming::new(slot.stream));
        if duplicate && incoming.broken {
            // The sender missed that, or it would not repeat itself in this stream.
            self.ask_for_new_stream(ctx, now, from, slot);
            return Vec::new();
        }
        if duplicate {
            incoming.owes_ack = true;
            state.owe(ack_due);
            return Vec::new();
        }
        self.put_in_order(ctx, now, id, message, (packet, slot))
    }

    /// Puts a rumor that was not seen before into its stream.
    fn put_in_order(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        message: &Verified,
        (packet, slot): (Packet, Slot),
    ) -> Vec<Released> {
        let (from, rumor_id) = (packet.from, packet.id);
        let ack_due = now + ctx.settings.schedule.ack_idle;
        let Some(state) = self.get_mut(id) else { return Vec::new() };
        let Some(incoming) = state.incoming.get_mut(&slot.stream) else { return Vec::new() };
        let inbound = inbound(packet);
        let void = inbound.void;
        match incoming.arrive(slot.number, inbound) {
            Arrival::TooFar => Vec::new(),
            Arrival::Conflict if !void => {
                incoming.broken = true;
                self.ask_for_new_stream(ctx, now, from, slot);
                Vec::new()
            }
            // A void never takes the place of a message that arrived before it was sent.
            Arrival::Duplicate | Arrival::Conflict => {
                incoming.owes_ack = true;
                state.owe(ack_due);
                Vec::new()
            }
            Arrival::OutOfOrder => {
                state.persist_incoming(ctx, slot.stream);
                let (stream, number) = (slot.stream, slot.number);
                let rumor = Box::new(message.rumor().clone());
                ctx.persist(ConversationChange::OutOfOrder { stream, number, rumor });
                state.owe(ack_due);
                ctx.remember_seen(now, rumor_id);
                Vec::new()
            }
            Arrival::Released(released) => {
                let broken = incoming.broken;
                state.persist_incoming(ctx, slot.stream);
                state.owe(ack_due);
                ctx.remember_seen(now, rumor_id);
                if broken {
                    self.ask_for_new_stream(ctx, now, from, slot);
                }
                let release = |(number, id, buffered): (u64, RumorId, Buffered)| Released {
                    slot: (slot.stream, number),
                    id,
                    packet: buffered.packet,
                };
                released.into_iter().map(release).collect()
            }
        }
    }

    /// Tells the sender that its stream and ours do not fit. Strangers are told nothing.
    fn ask_for_new_stream(&mut self, ctx: &mut Context, now: Time, from: PublicKey, slot: Slot) {
        if ctx.peers.standing(from) == Standing::Allowed {
            let body = Body::Reset(Slot::new(slot.stream, slot.number));
            self.say(ctx, now, from, &body, Priority::Control);
        }
    }

    /// Returns true if a message came before, under the id that it had in an abandoned stream. If
    /// it waits there, behind a gap that nobody will fill, it is taken out, and is new here.
    pub fn came_as(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        was: RumorId,
    ) -> bool {
        let waits = self.get_mut(id).is_some_and(|state| state.take_buffered(was).is_some());
        if ctx.was_seen(was) && !waits {
            return true;
        }
        ctx.remember_seen(now, was);
        false
    }

    /// Notes that our agent was shown a stream up to a number.
    pub fn shown(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        (stream, number): (StreamId, u64),
    ) {
        let disclose = ctx.settings.disclose_read;
        let Some(state) = self.get_mut(id) else { return };
        let Some(incoming) = state.incoming.get_mut(&stream) else { return };
        if !incoming.shown(number) {
            return;
        }
        incoming.owes_ack |= disclose;
        if disclose {
            state.owe(now + ctx.settings.schedule.ack_idle);
        }
        state.persist_incoming(ctx, stream);
    }
}

/// Returns true if the writer says that a rumor is so old that its id would be forgotten here by
/// now. It cannot be told from a repetition, which relays may serve for years.
pub fn is_forgotten(now: Time, written: Time) -> bool {
    now.since(written) > SEEN_KEPT.saturating_sub(SKEW)
}

/// Returns a rumor of the text stream as its stream takes it.
pub fn inbound(packet: Packet) -> Inbound<Buffered> {
    let (prev, void) = match &packet.body {
        Body::Numbered(_, slot, item) => (slot.prev, *item == Item::Void),
        _ => (None, false),
    };
    Inbound { id: packet.id, prev, void, value: Buffered { packet } }
}
