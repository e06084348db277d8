//! Acknowledgements of the peer, reports of the relays, and streams that lead nowhere.

use super::change::ConversationChange;
use super::conversations::Conversations;
use super::effect::{ConversationEffect, Effects};
use super::send::send;
use super::state::Sending;
use crate::context::Context;
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::lane::{AckOutcome, Outgoing};
use crate::record::{EventKind, Lane};
use crate::time::Time;
use crate::wire::{Ack, Slot, relocate};

/// The notice when messages move to another stream.
const RESTORED: &str = "a store was restored from a backup; unacknowledged messages are sent again";

/// The outcome of an acknowledgement.
#[derive(Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// The stream is ours.
    Stream(Effects),
    /// No stream that waits here has this id.
    Unknown,
}

impl Conversations {
    /// Takes in an acknowledgement.
    #[must_use]
    pub fn acked(
        &mut self,
        ctx: &mut Context,
        now: Time,
        from: PublicKey,
        ack: &Ack,
    ) -> Acknowledged {
        let named = |id: &Conversation| {
            let state = self.get(*id);
            state.is_some_and(|it| it.outgoing().any(|(stream, _)| stream.id == ack.stream))
        };
        let Some(id) = self.with(from).into_iter().find(named) else {
            return Acknowledged::Unknown;
        };
        let Some(state) = self.get_mut(id) else { return Acknowledged::Unknown };
        let Some((stream, lane)) = state.sending_stream(ack.stream) else {
            return Acknowledged::Unknown;
        };
        let outcome = stream.acked(now, ack);
        let again = stream.again(now, &outcome.resend);
        let (whole, cumulative) = (stream.pending.is_empty(), stream.acked);
        if outcome.diverged {
            // The chunks of a file have no second stream: a missing chunk times out.
            return Acknowledged::Stream(match lane {
                Lane::Text => self.reopen(ctx, now, id, Some(RESTORED)),
                _ => Effects::new(),
            });
        }
        record_ack(ctx, state.record_out(ack.stream), cumulative, &outcome);
        again.into_iter().for_each(|(_, rumor)| send(ctx, from, lane, rumor));
        match lane {
            Lane::File(Some(file)) if whole => {
                state.sending.remove(&ack.stream);
                Acknowledged::Stream(vec![ConversationEffect::FileSent(file)])
            }
            _ => Acknowledged::Stream(Effects::new()),
        }
    }

    /// Takes in the receiver's word that a number of ours holds another rumor there.
    #[must_use]
    pub fn reset(&mut self, ctx: &mut Context, now: Time, from: PublicKey, slot: Slot) -> Effects {
        let named = |id: &Conversation| {
            let text = self.get(*id).and_then(|state| state.text.as_ref());
            text.is_some_and(|text| text.id == slot.stream && slot.number <= text.last)
        };
        match self.with(from).into_iter().find(named) {
            Some(id) => self.reopen(ctx, now, id, Some(RESTORED)),
            None => Effects::new(),
        }
    }

    /// Leaves the text stream behind, since it leads nowhere. Each message that is not
    /// acknowledged moves to a new stream, where it names the id that it had, so that the receiver
    /// takes none in twice. Voids have nothing to say there.
    #[must_use]
    pub(super) fn reopen(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        notice: Option<&str>,
    ) -> Effects {
        let Some(old) = self.get_mut(id).and_then(|state| state.text.take()) else {
            return Effects::new();
        };
        let effects = self.move_messages(ctx, now, id, old);
        if let Some(text) = notice {
            ctx.event(now, EventKind::Notice, id, None, Some(text.into()));
        }
        self.flush(ctx, now, id);
        effects
    }

    /// Moves the messages that are not acknowledged to the text stream of a conversation.
    #[must_use]
    pub fn move_messages(
        &mut self,
        ctx: &mut Context,
        now: Time,
        to: Conversation,
        old: Outgoing,
    ) -> Effects {
        let fresh = ctx.ids.stream();
        let mut effects = Effects::new();
        ctx.persist(ConversationChange::OutboxDone(old.id, old.last));
        for pending in old.pending.into_values().filter(|pending| !pending.is_void()) {
            let Some(state) = self.get_mut(to) else { break };
            let slot = state.text.get_or_insert_with(|| Outgoing::new(fresh)).next_slot();
            let (from, claimed_at) = (pending.id, pending.rumor.created_at);
            let moved = relocate(&pending.rumor, to, slot);
            let id = self.keep(ctx, now, to, Lane::Text, moved);
            self.expose_last(to, pending.is_out() || pending.attempts > 0);
            let (slot, conversation) = ((slot.stream, slot.number), to);
            let moved = ConversationChange::Moved { from, to: id, conversation, slot, claimed_at };
            ctx.persist(moved);
            effects.push(ConversationEffect::Moved { from, to: id });
        }
        effects
    }

    /// Notes that the last message of a conversation may be known to the peer already, if it is
    /// so.
    pub fn expose_last(&mut self, id: Conversation, exposed: bool) {
        if let Some(text) = self.get_mut(id).and_then(|state| state.text.as_mut()) {
            text.expose_last(exposed);
        }
    }

    /// Moves files that wait for the answer to a call to the call that it became part of.
    pub fn move_files(
        &mut self,
        ctx: &mut Context,
        now: Time,
        call: CallId,
        files: impl IntoIterator<Item = Sending>,
    ) {
        let there = Conversation::Call(call);
        for Sending { file, chunks } in files {
            let Some(state) = self.get_mut(there) else { return };
            let fresh = Sending { file, chunks: Outgoing::new(chunks.id) };
            state.sending.insert(chunks.id, fresh);
            for (number, pending) in chunks.pending {
                let moved = relocate(&pending.rumor, there, Slot::new(chunks.id, number));
                self.keep(ctx, now, there, Lane::File(Some(file)), moved);
            }
        }
    }

    /// Takes in a report of the relays about a rumor of ours.
    pub fn report(&mut self, ctx: &mut Context, rumor: RumorId, accepted: u32, relays: u32) {
        ctx.persist(ConversationChange::Relays { rumor, accepted, relays });
        let Some(place) = self.place_of(rumor).filter(|_| accepted > 0) else { return };
        let (stream, number) = (place.stream, place.number);
        let state = self.get_mut(place.conversation);
        let Some((outgoing, _)) = state.and_then(|it| it.sending_stream(stream)) else { return };
        if place.lane == Lane::Plain {
            // Nobody acknowledges it.
            outgoing.pending.remove(&number);
            ctx.persist(ConversationChange::OutboxGone(stream, number));
        } else {
            outgoing.taken(number);
            ctx.persist(ConversationChange::Taken(stream, number));
        }
    }
}

fn record_ack(
    ctx: &mut Context,
    record: Option<crate::record::StreamOut>,
    cumulative: u64,
    outcome: &AckOutcome,
) {
    if !outcome.advanced && outcome.delivered.is_empty() && outcome.read.is_none() {
        return;
    }
    let Some(record) = record else { return };
    for id in &outcome.delivered {
        ctx.persist(ConversationChange::Delivered(*id));
    }
    ctx.persist(ConversationChange::OutboxDone(record.id, cumulative));
    ctx.persist(ConversationChange::StreamOut(record));
}
