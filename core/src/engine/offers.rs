//! Rings that come in: who may, what when both ring, what when we are busy.

use super::channel::Channel;
use super::{Cause, Change, Engine, Priority, Session};
use crate::call::{By, Call, Ended, Event as CallEvent, State};
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::policy::Policy;
use crate::record::{EventKind, Standing, Tombstone};
use crate::time::Time;
use crate::wire::{Body, Closing, Control, Offer, Reason};

/// Most tombstones that strangers can make us keep in memory.
const TOMBSTONES_LIMIT: usize = 1000;

/// An offer and where it came from.
pub(super) struct Ring {
    pub from: PublicKey,
    pub call: CallId,
    pub rumor: RumorId,
    pub sent: Time,
    pub offer: Offer,
}

impl Engine {
    /// A ring for a call that is not known here.
    pub(super) fn ring(&mut self, now: Time, ring: Ring) {
        let known = self.standing(ring.from) == Standing::Allowed;
        if let Some(tombstone) = self.tombstones.remove(&ring.call) {
            if tombstone.peer == ring.from && tombstone.reason != Reason::Merged {
                self.missed(now, &ring, Closing::new(tombstone.reason, ""), By::Peer);
            }
            return;
        }
        if self.seen.contains(&ring.rumor) || !self.may_ring(now, &ring, known) {
            return;
        }
        if known && self.settings.policy == Policy::Closed {
            let closing = Closing::new(Reason::Declined, "taking no calls");
            return self.refuse(now, &ring, closing);
        }
        match self.own_ring_to(ring.from) {
            Some(own) if own < ring.call => {
                let mut closing = Closing::new(Reason::Merged, "");
                closing.into = Some(own);
                let body = Body::Control(ring.call, Control::Reject(closing));
                self.say(now, ring.from, &body, Priority::Control);
            }
            Some(own) => self.meet(now, &ring, own),
            None if self.merged_into(ring.from, ring.call) => {
                let call = self.open_call(now, &ring, false);
                self.step(now, call, CallEvent::Take { replaces: None }, Cause::Other);
            }
            None if known && self.calls_in_use() >= self.settings.calls => {
                self.refuse(now, &ring, Closing::new(Reason::Busy, ""));
            }
            None => {
                let knock = !known && self.settings.policy != Policy::Open;
                if !known && !knock {
                    self.allow(now, ring.from);
                }
                let claimed = ring.offer.name.clone();
                self.update_peer(now, ring.from, |peer| peer.claimed = claimed);
                let call = self.open_call(now, &ring, knock);
                let kind = match self.call(call).map(|call| &call.state) {
                    Some(State::Incoming(_)) if knock => EventKind::Knock,
                    Some(State::Incoming(_)) => EventKind::Ring,
                    _ => EventKind::Missed,
                };
                self.ring_event(now, kind, call);
                if kind == EventKind::Ring {
                    let body = Body::Control(call, Control::Ringing);
                    self.say(now, ring.from, &body, Priority::Control);
                }
            }
        }
    }

    /// Whether the policy lets this key ring at all. What it does not let in leaves no trace.
    fn may_ring(&self, _now: Time, ring: &Ring, known: bool) -> bool {
        let knocks = self.calls().filter(|call| match &call.state {
            State::Incoming(state) => state.knock,
            _ => false,
        });
        let rings = self.calls().filter(|call| matches!(call.state, State::Incoming(_))).count();
        match self.settings.policy {
            _ if known => rings < 2 * self.settings.calls + self.settings.knocks,
            Policy::Ask => {
                let (count, own) = knocks.fold((0, false), |(count, own), call| {
                    (count + 1, own || call.peer == ring.from)
                });
                count < self.settings.knocks && !own
            }
            Policy::Open => rings < self.settings.calls,
            Policy::AllowList | Policy::Closed => false,
        }
    }

    fn own_ring_to(&self, peer: PublicKey) -> Option<CallId> {
        let ours = self.calls().filter(|call| call.peer == peer && call.is_outgoing_ring());
        ours.map(|call| call.id).min()
    }

    /// Whether a call of ours was merged into this one before it was known here.
    fn merged_into(&self, peer: PublicKey, into: CallId) -> bool {
        self.calls().any(|call| match &call.state {
            State::Ended(ended) => {
                call.peer == peer
                    && ended.closing.reason == Reason::Merged
                    && ended.closing.into == Some(into)
            }
            _ => false,
        })
    }

    /// Both rang each other, and theirs survives: it is taken, and ours becomes part of it.
    fn meet(&mut self, now: Time, ring: &Ring, own: CallId) {
        let call = self.open_call(now, ring, false);
        self.carry_over(now, own, call);
        self.step(now, own, CallEvent::Merge(call), Cause::Other);
        self.step(now, call, CallEvent::Take { replaces: Some(own) }, Cause::Other);
    }

    /// What our agent already said in its own ring is said in the call that survives.
    pub(super) fn carry_over(&mut self, now: Time, from: CallId, to: CallId) {
        let Some(session) = self.calls.get(&from) else { return };
        let opening = session.call.opening.clone();
        let words = session.channel.words.iter().flat_map(|stream| stream.pending.values());
        let texts = words.filter(|p| p.rumor.kind == crate::wire::TEXT_KIND);
        let texts: Vec<String> =
            opening.into_iter().chain(texts.map(|p| p.rumor.content.clone())).collect();
        for text in texts {
            let content = crate::record::Content::Text(text.clone());
            self.utter(now, Conversation::Call(to), crate::wire::Item::Text(text), content);
        }
    }

    fn open_call(&mut self, now: Time, ring: &Ring, knock: bool) -> CallId {
        self.seen.insert(ring.rumor);
        self.persist(Change::Seen(ring.rumor, now));
        let handle = self.number(|counters| &mut counters.calls);
        let call = Call::offered(handle, ring.call, ring.from, now, ring.sent, &ring.offer, knock);
        self.persist(Change::Call(Box::new(call.clone())));
        let channel = Channel::new(ring.from, Conversation::Call(ring.call));
        self.calls.insert(ring.call, Session { call: call.clone(), channel });
        if let Some(text) = ring.offer.message.clone() {
            self.record_opening(now, &call, text);
        }
        ring.call
    }

    fn ring_event(&mut self, now: Time, kind: EventKind, call: CallId) {
        let opening = self.calls.get(&call).and_then(|session| session.channel.opening);
        self.event(now, kind, Conversation::Call(call), opening, None);
    }

    /// A rule of ours refuses the ring; our agent learns that somebody rang.
    fn refuse(&mut self, now: Time, ring: &Ring, closing: Closing) {
        let call = self.open_call(now, ring, false);
        self.step(now, call, CallEvent::Close(closing), Cause::Other);
    }

    /// The ring was over before it came in.
    fn missed(&mut self, now: Time, ring: &Ring, closing: Closing, by: By) {
        let call = self.open_call(now, ring, true);
        if let Some(session) = self.calls.get_mut(&call) {
            session.call.state = State::Ended(Ended { at: now, closing, by, word: None });
            let changed = session.call.clone();
            self.persist(Change::Call(Box::new(changed)));
        }
        self.ring_event(now, EventKind::Missed, call);
    }

    /// A last word on a call that is not known here: its ring may still be on the way.
    pub(super) fn bury(&mut self, now: Time, from: PublicKey, call: CallId, reason: Reason) {
        if !self.tombstones.contains_key(&call) && self.tombstones.len() < TOMBSTONES_LIMIT {
            let tombstone = Tombstone { call, peer: from, reason, at: now };
            self.tombstones.insert(call, tombstone.clone());
            self.persist(Change::Tombstone(tombstone));
        }
        if self.standing(from) == Standing::Allowed {
            self.say(now, from, &Body::Control(call, Control::Ended), Priority::Control);
        }
    }
}
