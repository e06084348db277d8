//! Incoming rings: the keys that may ring, rings that cross, and rings while we are busy.

use super::Engine;
use crate::call::calls::Cause;
use crate::call::state::{By, Call, State, is_stale};
use crate::call::step::Event as CallEvent;
use crate::conversation::change::ConversationChange;
use crate::conversation::receive::is_forgotten;
use crate::conversation::send::Draft;
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::opening::opening_id;
use crate::policy::Policy;
use crate::record::{EventKind, Standing, Tombstone};
use crate::time::Time;
use crate::wire::{Body, Closing, Control, Item, Offer, Reason};

/// Offer with its sender.
pub(super) struct Ring {
    pub from: PublicKey,
    pub call: CallId,
    pub rumor: RumorId,
    pub sent: Time,
    pub offer: Offer,
}

impl Engine {
    /// Handles a ring for an unknown call.
    pub(super) fn ring(&mut self, now: Time, ring: Ring) {
        if let Some(reason) = self.calls.tombstone(ring.from, ring.call) {
            if reason != Reason::Merged {
                self.missed(now, &ring, Closing::new(reason, ""), By::Peer);
            }
            return;
        }
        let invite = self.invited(now, ring.from, &ring.offer);
        let contact = self.ctx.peers.standing(ring.from) == Standing::Allowed;
        let known = invite.is_some() || contact;
        if self.ctx.was_seen(ring.rumor)
            || is_forgotten(now, ring.sent)
            || !self.may_ring(&ring, known)
        {
            return;
        }
        if let Some(invite) = invite {
            self.admit(now, ring.from, invite);
        }
        if is_stale(now, ring.sent, &ring.offer) {
            return self.missed(now, &ring, Closing::new(Reason::NoAnswer, ""), By::Nobody);
        }
        let merged = || self.calls.merged_into(ring.from, ring.call).first().copied();
        match self.calls.own_ring_to(ring.from).or_else(merged) {
            Some(own) => self.resolve_glare(now, &ring, own),
            None => self.admit_ring(now, &ring, known),
        }
    }

    /// Shows a ring to our agent, unless the policy or the limit of calls forbids it.
    fn admit_ring(&mut self, now: Time, ring: &Ring, known: bool) {
        let open = self.ctx.settings.policy == Policy::Open;
        if known && self.ctx.settings.policy == Policy::Closed {
            let closing = Closing::new(Reason::Declined, "taking no calls");
            return self.refuse(now, ring, closing);
        }
        if (known || open) && self.calls.in_use() >= self.ctx.settings.calls {
            return self.refuse(now, ring, Closing::new(Reason::Busy, ""));
        }
        let knock = !known && !open;
        if open && !known {
            self.allow(now, ring.from);
        }
        let claimed = ring.offer.name.clone();
        self.update_peer(now, ring.from, |peer| peer.claimed = claimed);
        let call = self.open_call(now, ring, knock);
        self.ring_event(now, if knock { EventKind::Knock } else { EventKind::Ring }, call);
        if !knock && self.ctx.settings.disclose_ring {
            self.say(now, ring.from, &Body::Control(call, Control::Ringing));
        }
    }

    /// Returns true if the policy lets this key ring at all. A ring that it does not let in leaves
    /// no trace.
    fn may_ring(&self, ring: &Ring, known: bool) -> bool {
        let settings = &self.ctx.settings;
        let knocks = || {
            self.calls.incoming().filter(|call| match &call.state {
                State::Incoming(state) => state.knock,
                _ => false,
            })
        };
        let rings = self.calls.incoming().count();
        match settings.policy {
            _ if known => rings < 2 * settings.calls + settings.knocks,
            Policy::Ask => {
                knocks().count() < settings.knocks && !knocks().any(|call| call.peer == ring.from)
            }
            Policy::Open => rings < settings.calls,
            Policy::AllowList | Policy::Closed => false,
        }
    }

    /// Resolves two rings that crossed: the call with the smaller id survives.
    fn resolve_glare(&mut self, now: Time, ring: &Ring, own: CallId) {
        if own < ring.call && self.call(own).is_some_and(Call::is_open) {
            let mut closing = Closing::new(Reason::Merged, "");
            closing.into = Some(own);
            return self.refuse(now, ring, closing);
        }
        // The peer's call survives: it is accepted, and our call is merged into it.
        let waiting = self.calls.merged_into(ring.from, ring.call);
        let call = self.open_call(now, ring, false);
        // This call never rings here, so its opening message needs an event of its own.
        if let Some(opening) = self.opening_of(call) {
            let id = Conversation::Call(call);
            self.ctx.event(now, EventKind::Message, id, Some(opening), None);
        }
        self.adopt(now, waiting, call);
        if self.call(own).is_some_and(Call::is_open) {
            self.carry_over(now, own, call);
            self.step(now, own, CallEvent::Merge(call), Cause::Other);
        }
        self.step(now, call, CallEvent::Accept { replaces: Some(own) }, Cause::Other);
    }

    /// Moves what waits in calls of ours to the call that they were merged into, whose ring came
    /// now.
    fn adopt(&mut self, now: Time, waiting: Vec<CallId>, call: CallId) {
        let successor = self.calls.successor(call);
        for merged in waiting {
            self.carry_over(now, merged, successor);
            self.abandon(now, merged);
        }
    }

    /// Moves what our agent sent in a call that was not answered to the call that it became part
    /// of. Returns true if there is such a call.
    pub(super) fn carry_over(&mut self, now: Time, from: CallId, to: CallId) -> bool {
        let Some(successor) = self.call(to).filter(|call| call.is_open()) else { return false };
        let peer = successor.peer;
        let Some(call) = self.call(from) else { return false };
        let heard = call.answered.is_some() && !call.was_given_up();
        if heard || from == to || call.peer != peer {
            return false;
        }
        let opening = call.opening.clone().filter(|_| call.outgoing);
        let sent_at = call.opened;
        let there = Conversation::Call(to);
        let Some(state) = self.conversations.get_mut(Conversation::Call(from)) else {
            return false;
        };
        let (text, files) = (state.text.take(), std::mem::take(&mut state.sending));
        let recent = std::mem::take(&mut state.recent);
        if let Some(text) = opening {
            let was = opening_id(from);
            let draft = Draft { was: Some(was), ..Draft::new(Item::Text(text)) };
            let kept = self.conversations.enqueue(&mut self.ctx, sent_at, there, draft);
            if let Some((id, slot)) = kept {
                self.conversations.expose_last(there, true);
                let claimed_at = self.ctx.told(sent_at).secs();
                let (from, to, conversation) = (was, id, there);
                let moved = ConversationChange::Moved { from, to, conversation, slot, claimed_at };
                self.ctx.persist(moved);
            }
        }
        if let Some(text) = text {
            let effects = self.conversations.move_messages(&mut self.ctx, now, there, text);
            self.route(now, effects);
        }
        for file in files.values() {
            self.transfers.moved(&mut self.ctx, file.file, to);
        }
        self.conversations.move_files(&mut self.ctx, now, to, files.into_values());
        self.takeover_moved(from, to);
        if let Some(state) = self.conversations.get_mut(there) {
            state.recent.extend(recent);
        }
        true
    }

    fn open_call(&mut self, now: Time, ring: &Ring, knock: bool) -> CallId {
        self.ctx.remember_seen(now, ring.rumor);
        let handle = self.ctx.number(|counters| &mut counters.calls);
        let call = Call::offered(handle, ring.call, ring.from, now, ring.sent, &ring.offer, knock);
        self.calls.insert(&mut self.ctx, call.clone());
        self.conversations.open(ring.from, Conversation::Call(ring.call));
        if let Some(text) = ring.offer.message.clone() {
            self.conversations.record_opening(&mut self.ctx, now, &call, text);
        }
        ring.call
    }

    fn opening_of(&self, call: CallId) -> Option<u32> {
        self.conversations.get(Conversation::Call(call)).and_then(|state| state.opening)
    }

    fn ring_event(&mut self, now: Time, kind: EventKind, call: CallId) {
        let opening = self.opening_of(call);
        self.ctx.event(now, kind, Conversation::Call(call), opening, None);
    }

    /// Refuses a ring by a rule of ours; our agent learns that somebody rang.
    fn refuse(&mut self, now: Time, ring: &Ring, closing: Closing) {
        let waiting = self.calls.merged_into(ring.from, ring.call);
        let call = self.open_call(now, ring, false);
        self.step(now, call, CallEvent::Close(closing), Cause::Other);
        self.adopt(now, waiting, call);
    }

    /// Records a ring that ended before it arrived.
    fn missed(&mut self, now: Time, ring: &Ring, closing: Closing, by: By) {
        let waiting = self.calls.merged_into(ring.from, ring.call);
        let call = self.open_call(now, ring, true);
        self.calls.miss(&mut self.ctx, now, call, closing, by);
        self.adopt(now, waiting, call);
        self.ring_event(now, EventKind::Missed, call);
    }

    /// Gives up waiting for the ring of the call that this one was merged into.
    pub(super) fn successor_missing(&mut self, now: Time, merged: CallId) {
        self.calls.successor_missing(&mut self.ctx, merged);
        self.abandon(now, merged);
        self.takeover_over(merged);
        self.ctx.event(now, EventKind::End, Conversation::Call(merged), None, None);
    }

    /// Takes in the end of a call that is not known here: its ring may still be on the way.
    /// Strangers leave no trace; they repeat it.
    pub(super) fn bury(&mut self, now: Time, from: PublicKey, call: CallId, reason: Reason) {
        if self.ctx.peers.standing(from) != Standing::Allowed {
            return;
        }
        self.calls.bury(&mut self.ctx, Tombstone { call, peer: from, reason, at: now });
        for merged in self.calls.merged_into(from, call) {
            self.successor_missing(now, merged);
        }
        self.say(now, from, &Body::Control(call, Control::Ended));
    }
}
