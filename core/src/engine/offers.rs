//! Rings that come in: who may, what when both ring, what when we are busy.

use super::channel::Channel;
use super::receive::is_forgotten;
use super::{Cause, Engine, Priority, Session};
use crate::call::change::CallChange;
use crate::call::{By, Call, Ended, Event as CallEvent, State, WORD_LIFETIME};
use crate::conversation::change::ConversationChange;
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::opening::opening_id;
use crate::policy::Policy;
use crate::record::{EventKind, Standing, Tombstone};
use crate::time::Time;
use crate::wire::{Body, Closing, Control, Item, Offer, Reason};

/// Most calls that are followed from one that was merged to the one that goes on.
const MERGES_LIMIT: usize = 16;
/// Most tombstones that peers can make us keep.
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
        let invite = self.invited(now, ring.from, &ring.offer);
        let known = invite.is_some() || self.standing(ring.from) == Standing::Allowed;
        let grave = self.tombstones.get(&ring.call).filter(|grave| grave.peer == ring.from);
        if let Some(reason) = grave.map(|grave| grave.reason) {
            if reason != Reason::Merged {
                self.missed(now, &ring, Closing::new(reason, ""), By::Peer);
            }
            return;
        }
        if self.seen.contains_key(&ring.rumor)
            || is_forgotten(now, ring.sent)
            || !self.may_ring(&ring, known)
        {
            return;
        }
        if let Some(invite) = invite {
            self.admit(now, ring.from, invite);
        }
        if crate::call::is_stale(now, ring.sent, &ring.offer) {
            return self.missed(now, &ring, Closing::new(Reason::NoAnswer, ""), By::Nobody);
        }
        let open = self.settings.policy == Policy::Open;
        let met = || self.merged_into(ring.from, ring.call).first().copied();
        match self.own_ring_to(ring.from).or_else(met) {
            Some(own) if own < ring.call && self.call(own).is_some_and(Call::is_open) => {
                let mut closing = Closing::new(Reason::Merged, "");
                closing.into = Some(own);
                self.refuse(now, &ring, closing);
            }
            Some(own) => self.meet(now, &ring, own),
            None if known && self.settings.policy == Policy::Closed => {
                self.refuse(now, &ring, Closing::new(Reason::Declined, "taking no calls"));
            }
            None if (known || open) && self.calls_in_use() >= self.settings.calls => {
                self.refuse(now, &ring, Closing::new(Reason::Busy, ""));
            }
            None => {
                let knock = !known && !open;
                if !known && !knock {
                    self.allow(now, ring.from);
                }
                let claimed = ring.offer.name.clone();
                self.update_peer(now, ring.from, |peer| peer.claimed = claimed);
                let call = self.open_call(now, &ring, knock);
                self.ring_event(now, if knock { EventKind::Knock } else { EventKind::Ring }, call);
                if !knock && self.settings.disclose_ring {
                    let body = Body::Control(call, Control::Ringing);
                    self.say(now, ring.from, &body, Priority::Control);
                }
            }
        }
    }

    /// Whether the policy lets this key ring at all. What it does not let in leaves no trace.
    fn may_ring(&self, ring: &Ring, known: bool) -> bool {
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

    /// The calls that were merged into this one before it was known here.
    fn merged_into(&self, peer: PublicKey, into: CallId) -> Vec<CallId> {
        let merged = |call: &&Call| call.peer == peer && successor(call) == Some(into);
        self.calls().filter(merged).map(|call| call.id).collect()
    }

    /// The call that goes on after whatever this one was merged into. A peer may have us believe
    /// in a circle, so that it ends somewhere.
    pub(super) fn heir(&self, call: CallId) -> CallId {
        let next = |id: &CallId| self.call(*id).and_then(successor);
        std::iter::successors(Some(call), next).take(MERGES_LIMIT).last().unwrap_or(call)
    }

    /// The last known call of those that this one became part of.
    pub(super) fn current(&self, call: CallId) -> CallId {
        let known = |into: &CallId| self.calls.contains_key(into);
        let next = |id: &CallId| self.call(*id).and_then(successor).filter(known);
        std::iter::successors(Some(call), next).take(MERGES_LIMIT).last().unwrap_or(call)
    }

    /// Whether this call was merged into one whose ring has not come yet, so that its words wait.
    pub(super) fn awaits_successor(&self, call: &Call) -> bool {
        let buried = |into| self.tombstones.get(&into).is_some_and(|grave| grave.peer == call.peer);
        successor(call).is_some_and(|into| !self.calls.contains_key(&into) && !buried(into))
    }

    /// Until when.
    pub(super) fn waits_for_successor(&self, call: &Call) -> Option<Time> {
        match &call.state {
            State::Ended(ended) if self.awaits_successor(call) => Some(ended.at + WORD_LIFETIME),
            _ => None,
        }
    }

    /// Whether this call was merged into one that is not over, as far as is known here.
    pub(super) fn goes_on(&self, call: &Call) -> bool {
        self.awaits_successor(call)
            || successor(call).and_then(|into| self.call(into)).is_some_and(Call::is_open)
    }

    /// Both rang each other, and theirs survives: it is taken, and ours becomes part of it.
    fn meet(&mut self, now: Time, ring: &Ring, own: CallId) {
        let waiting = self.merged_into(ring.from, ring.call);
        let call = self.open_call(now, ring, false);
        // Nothing rings here, so that the opening message is news by itself.
        if let Some(opening) = self.calls.get(&call).and_then(|session| session.channel.opening) {
            self.event(now, EventKind::Message, Conversation::Call(call), Some(opening), None);
        }
        self.inherit(now, waiting, call);
        if self.call(own).is_some_and(Call::is_open) {
            self.carry_over(now, own, call);
            self.step(now, own, CallEvent::Merge(call), Cause::Other);
        }
        self.step(now, call, CallEvent::Take { replaces: Some(own) }, Cause::Other);
    }

    /// The ring came that calls of ours were merged into; what waits in them goes where it goes.
    fn inherit(&mut self, now: Time, waiting: Vec<CallId>, call: CallId) {
        let heir = self.heir(call);
        for merged in waiting {
            self.carry_over(now, merged, heir);
            self.abandon(merged);
        }
    }

    /// What our agent already said in a call that was not answered is said in the one that it
    /// became part of. Answers whether there is such a call.
    pub(super) fn carry_over(&mut self, now: Time, from: CallId, to: CallId) -> bool {
        let Some(heir) = self.call(to).filter(|call| call.is_open()) else { return false };
        let peer = heir.peer;
        let Some(session) = self.calls.get_mut(&from) else { return false };
        let heard = session.call.answered.is_some() && !session.call.was_given_up();
        if heard || from == to || session.call.peer != peer {
            return false;
        }
        let opening = session.call.opening.clone().filter(|_| session.call.outgoing);
        let said_at = session.call.opened;
        let channel = &mut session.channel;
        let (words, files) = (channel.words.take(), std::mem::take(&mut channel.sending));
        let recent = std::mem::take(&mut channel.recent);
        let there = Conversation::Call(to);
        let was = opening_id(from);
        if let Some(text) = opening.map(Item::Text)
            && let Some((id, slot)) = self.enqueue_as(said_at, there, text, false, Some(was))
        {
            if let Some(words) = self.channel(there).and_then(|channel| channel.words.as_mut()) {
                words.expose_last(true);
            }
            let claimed_at = self.told(said_at).secs();
            let conversation = there;
            self.persist(ConversationChange::Moved {
                from: was,
                to: id,
                conversation,
                slot,
                claimed_at,
            });
        }
        if let Some(words) = words {
            self.say_again(now, there, words);
        }
        self.send_files_there(now, to, files.into_values());
        self.takeover_moved(from, to);
        if let Some(channel) = self.channel(there) {
            channel.recent.extend(recent);
        }
        true
    }

    fn open_call(&mut self, now: Time, ring: &Ring, knock: bool) -> CallId {
        self.seen.insert(ring.rumor, now);
        self.persist(ConversationChange::Seen(ring.rumor, now));
        let handle = self.number(|counters| &mut counters.calls);
        let call = Call::offered(handle, ring.call, ring.from, now, ring.sent, &ring.offer, knock);
        self.persist(CallChange::Put(Box::new(call.clone())));
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
        let waiting = self.merged_into(ring.from, ring.call);
        let call = self.open_call(now, ring, false);
        self.step(now, call, CallEvent::Close(closing), Cause::Other);
        self.inherit(now, waiting, call);
    }

    /// The ring was over before it came in.
    fn missed(&mut self, now: Time, ring: &Ring, closing: Closing, by: By) {
        let waiting = self.merged_into(ring.from, ring.call);
        let call = self.open_call(now, ring, true);
        if let Some(session) = self.calls.get_mut(&call) {
            session.call.state = State::Ended(Ended { at: now, closing, by, word: None });
            let changed = session.call.clone();
            self.persist(CallChange::Put(Box::new(changed)));
        }
        self.inherit(now, waiting, call);
        self.ring_event(now, EventKind::Missed, call);
    }

    /// The call that this one was merged into will not come.
    pub(super) fn orphaned(&mut self, now: Time, merged: CallId) {
        let Some(session) = self.calls.get_mut(&merged) else { return };
        if let State::Ended(ended) = &mut session.call.state {
            ended.closing.into = None;
        }
        let changed = session.call.clone();
        self.persist(CallChange::Put(Box::new(changed)));
        self.abandon(merged);
        self.takeover_over(merged);
        self.event(now, EventKind::End, Conversation::Call(merged), None, None);
    }

    /// A last word on a call that is not known here: its ring may still be on the way. Strangers
    /// leave no trace; they repeat the word.
    pub(super) fn bury(&mut self, now: Time, from: PublicKey, call: CallId, reason: Reason) {
        if self.standing(from) != Standing::Allowed {
            return;
        }
        if !self.tombstones.contains_key(&call) && self.tombstones.len() < TOMBSTONES_LIMIT {
            let tombstone = Tombstone { call, peer: from, reason, at: now };
            self.tombstones.insert(call, tombstone.clone());
            self.persist(CallChange::Tombstone(tombstone));
        }
        for merged in self.merged_into(from, call) {
            self.orphaned(now, merged);
        }
        self.say(now, from, &Body::Control(call, Control::Ended), Priority::Control);
    }
}

/// The call that this one was merged into.
fn successor(call: &Call) -> Option<CallId> {
    match &call.state {
        State::Ended(ended) if ended.closing.reason == Reason::Merged => ended.closing.into,
        _ => None,
    }
}
