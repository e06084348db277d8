//! Every call of this agent, with what is looked up for each input in an index: the calls with a
//! peer, and the calls that are open.

use std::collections::{BTreeMap, BTreeSet};

use super::change::CallChange;
use super::state::{By, Call, Ended, State, WORD_LIFETIME};
use super::step::{Effect, Event};
use crate::context::Context;
use crate::digest::Digests;
use crate::ids::{CallId, PublicKey, RumorId};
use crate::invite::Token;
use crate::record::{Standing, Tombstone};
use crate::time::{Time, earlier};
use crate::wire::{Closing, Control, Reason};

/// Maximum number of merged calls that are followed to the call that goes on.
const MERGES_LIMIT: usize = 16;
/// Maximum number of tombstones that peers can make us keep.
const TOMBSTONES_LIMIT: usize = 1000;

/// The cause of a call's transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A command of our agent, which needs no notice of what it did itself.
    Agent,
    /// The peer, the clock, or a rule.
    Other,
}

/// A transition of a call, and what the engine must do about it.
#[derive(Debug)]
pub struct Transition {
    /// The call before.
    pub before: Call,
    /// The call now.
    pub call: Call,
    /// Effects of the transition, in order.
    pub effects: Vec<Effect>,
    /// True if nothing that waits in the call will ever be sent.
    pub abandoned: bool,
    /// True if the callee's daemon has the offer now, and so the opening message in it.
    pub opening_arrived: bool,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Calls {
    all: BTreeMap<CallId, Call>,
    by_peer: BTreeMap<PublicKey, BTreeSet<CallId>>,
    open: BTreeSet<CallId>,
    /// The calls that the rumors of our offers ring for.
    offers: BTreeMap<RumorId, CallId>,
    /// Calls that ended before their offers arrived.
    tombstones: BTreeMap<CallId, Tombstone>,
    /// Calls whose deadline may have changed.
    touched: BTreeSet<CallId>,
}

impl Calls {
    /// Returns the calls as they were kept.
    pub fn restore(calls: Vec<Call>, tombstones: Vec<Tombstone>) -> Self {
        let tombstones = tombstones.into_iter().map(|it| (it.call, it)).collect();
        let mut restored = Self { tombstones, ..Self::default() };
        calls.into_iter().for_each(|call| restored.put(call));
        restored
    }

    /// Returns a call that is open, or ended lately.
    pub fn get(&self, id: CallId) -> Option<&Call> {
        self.all.get(&id)
    }

    /// Returns every call that is open, or ended lately.
    pub fn all(&self) -> impl Iterator<Item = &Call> {
        self.all.values()
    }

    /// Returns the calls with a peer.
    pub fn with(&self, peer: PublicKey) -> impl Iterator<Item = &Call> {
        let ids = self.by_peer.get(&peer).into_iter().flatten();
        ids.filter_map(|id| self.all.get(id))
    }

    /// Returns the calls that are open.
    pub fn open(&self) -> impl Iterator<Item = &Call> {
        self.open.iter().filter_map(|id| self.all.get(id))
    }

    /// Returns the number of calls that count against the limit: answered, or being answered.
    pub fn in_use(&self) -> usize {
        let in_use = |call: &&Call| matches!(call.state, State::Connecting(_) | State::Active);
        self.open().filter(in_use).count()
    }

    /// Returns the calls that ring here.
    pub fn incoming(&self) -> impl Iterator<Item = &Call> {
        self.open().filter(|call| matches!(call.state, State::Incoming(_)))
    }

    /// Adds a new call and persists it.
    pub fn insert(&mut self, ctx: &mut Context, call: Call) {
        ctx.persist(CallChange::Put(Box::new(call.clone())));
        self.put(call);
    }

    fn put(&mut self, call: Call) {
        self.touched.insert(call.id);
        self.by_peer.entry(call.peer).or_default().insert(call.id);
        if call.is_open() {
            self.open.insert(call.id);
        } else {
            self.open.remove(&call.id);
        }
        self.all.insert(call.id, call);
    }

    /// Changes a call, and persists the call if it differs.
    fn change(&mut self, ctx: &mut Context, id: CallId, change: impl FnOnce(&mut Call)) {
        let Some(before) = self.all.get(&id) else { return };
        let mut call = before.clone();
        change(&mut call);
        if call != *before {
            self.insert(ctx, call);
        }
    }

    /// Applies an event to a call.
    pub fn step(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: CallId,
        event: Event,
        cause: Cause,
    ) -> Option<Transition> {
        let before = self.all.get(&id)?.clone();
        let mut call = before.clone();
        let mut effects = call.step(now, event);
        self.touched.insert(id);
        if call != before {
            self.insert(ctx, call.clone());
        }
        // A stranger is sent nothing before our agent has answered it.
        let ours = matches!(&call.state, State::Ended(ended) if ended.by == By::Us);
        let silent = cause == Cause::Other
            && !call.outgoing
            && !ours
            && call.answered.is_none()
            && ctx.peers.standing(call.peer) != Standing::Allowed;
        effects.retain(|effect| match effect {
            Effect::Send(_) if silent => false,
            Effect::Send(Control::Ringing) => ctx.settings.disclose_ring,
            Effect::Send(_) | Effect::Answered => true,
            Effect::Closed => before.is_open(),
        });
        let dialing = |call: &Call| matches!(call.state, State::Dialing(_));
        let given_up = matches!(&call.state, State::Ended(ended) if ended.by != By::Peer);
        Some(Transition {
            abandoned: !call.is_open() && call.answered.is_none() && !self.awaits_successor(&call),
            opening_arrived: before.outgoing
                && dialing(&before)
                && !dialing(&call)
                && call.opening.is_some()
                && !given_up,
            before,
            call,
            effects,
        })
    }

    /// Ends a call whose ring was over before it arrived.
    pub fn miss(&mut self, ctx: &mut Context, now: Time, id: CallId, closing: Closing, by: By) {
        let state = State::Ended(Ended { at: now, closing, by, word: None });
        self.change(ctx, id, |call| call.state = state);
    }

    /// Notes that the call that this one was merged into will not come.
    pub fn successor_missing(&mut self, ctx: &mut Context, id: CallId) {
        self.change(ctx, id, |call| {
            if let State::Ended(ended) = &mut call.state {
                ended.closing.into = None;
            }
        });
    }

    /// Rings on with the invite token that our agent was given since.
    pub fn keep_token(&mut self, ctx: &mut Context, id: CallId, invite: Option<Token>) {
        self.change(ctx, id, |call| {
            if invite.is_some() && call.is_outgoing_ring() {
                call.invite = invite;
            }
        });
    }

    /// Records the digests that both ends of a call exchanged.
    pub fn keep_digests(&mut self, ctx: &mut Context, id: CallId, digests: Digests) {
        self.change(ctx, id, |call| call.digests = digests);
    }

    /// Returns true if the call `id` may be forgotten: it is over, and the peer confirmed that.
    pub fn is_confirmed(&self, id: CallId) -> bool {
        let state = self.all.get(&id).map(|call| &call.state);
        matches!(state, Some(State::Ended(ended)) if ended.word.is_none())
    }

    /// Drops a call from memory.
    pub fn remove(&mut self, id: CallId) {
        let Some(call) = self.all.remove(&id) else { return };
        if let Some(theirs) = self.by_peer.get_mut(&call.peer) {
            theirs.remove(&id);
            if theirs.is_empty() {
                self.by_peer.remove(&call.peer);
            }
        }
        self.open.remove(&id);
        self.touched.insert(id);
    }

    /// Returns the ended calls that can be forgotten.
    pub fn expired(&self, now: Time) -> Vec<CallId> {
        let expired = |call: &&Call| match &call.state {
            State::Ended(ended) => ended.word.is_none() && now.since(ended.at) >= WORD_LIFETIME,
            _ => false,
        };
        self.all().filter(expired).map(|call| call.id).collect()
    }

    /// Forgets offers of calls that ring no more, and old tombstones.
    pub fn sweep(&mut self, now: Time) {
        let all = &self.all;
        self.offers.retain(|_, call| all.get(call).is_some_and(Call::is_outgoing_ring));
        self.tombstones.retain(|_, tombstone| now.since(tombstone.at) < WORD_LIFETIME);
    }

    // Deadlines.

    /// Notes that the deadlines of the calls with a peer may have changed.
    pub fn touch(&mut self, peer: PublicKey) {
        self.touched.extend(self.by_peer.get(&peer).into_iter().flatten());
    }

    /// Notes that the deadline of a call may have changed.
    pub fn touch_one(&mut self, id: CallId) {
        self.touched.insert(id);
    }

    /// Takes out the calls whose deadline may have changed.
    pub fn take_touched(&mut self) -> BTreeSet<CallId> {
        std::mem::take(&mut self.touched)
    }

    /// Returns when something is due in a call.
    pub fn next_timeout(&self, id: CallId) -> Option<Time> {
        let call = self.all.get(&id)?;
        earlier(call.next_timeout(), self.waits_for_successor(call))
    }

    // Offers and tombstones.

    /// Notes that a rumor rings for a call of ours.
    pub fn note_offer(&mut self, rumor: RumorId, call: CallId) {
        self.offers.insert(rumor, call);
    }

    /// Returns the call that a rumor of ours rings for.
    pub fn offered_by(&self, rumor: RumorId) -> Option<CallId> {
        self.offers.get(&rumor).copied()
    }

    /// Returns how a call ended that this peer ended before it was known here.
    pub fn tombstone(&self, peer: PublicKey, call: CallId) -> Option<Reason> {
        let tombstone = self.tombstones.get(&call).filter(|tombstone| tombstone.peer == peer);
        tombstone.map(|tombstone| tombstone.reason)
    }

    /// Remembers that a call ended before it was known here.
    pub fn bury(&mut self, ctx: &mut Context, tombstone: Tombstone) {
        if !self.tombstones.contains_key(&tombstone.call)
            && self.tombstones.len() < TOMBSTONES_LIMIT
        {
            self.put_tombstone(ctx, tombstone);
        }
    }

    /// Forgets a call. An offer of it that is still on its way makes no missed call.
    pub fn forget(&mut self, ctx: &mut Context, now: Time, id: CallId) {
        if let Some(peer) = self.all.get(&id).map(|call| call.peer) {
            self.remove(id);
            let reason = Reason::Merged;
            self.put_tombstone(ctx, Tombstone { call: id, peer, reason, at: now });
        }
        ctx.persist(CallChange::Gone(id));
    }

    fn put_tombstone(&mut self, ctx: &mut Context, tombstone: Tombstone) {
        self.tombstones.insert(tombstone.call, tombstone.clone());
        ctx.persist(CallChange::Tombstone(tombstone));
    }

    // Merged calls.

    /// Returns the call in which we ring a peer.
    pub fn own_ring_to(&self, peer: PublicKey) -> Option<CallId> {
        self.with(peer).filter(|call| call.is_outgoing_ring()).map(|call| call.id).min()
    }

    /// Returns the calls that were merged into this one before it was known here.
    pub fn merged_into(&self, peer: PublicKey, into: CallId) -> Vec<CallId> {
        let merged = self.with(peer).filter(|call| successor(call) == Some(into));
        merged.map(|call| call.id).collect()
    }

    /// Returns the call that goes on after every merge from this one. A peer can make us believe
    /// in a circle, so that the search ends somewhere.
    pub fn successor(&self, call: CallId) -> CallId {
        let next = |id: &CallId| self.get(*id).and_then(successor);
        std::iter::successors(Some(call), next).take(MERGES_LIMIT).last().unwrap_or(call)
    }

    /// Returns the last known call of those that this one became part of.
    pub fn current(&self, call: CallId) -> CallId {
        let known = |into: &CallId| self.all.contains_key(into);
        let next = |id: &CallId| self.get(*id).and_then(successor).filter(known);
        std::iter::successors(Some(call), next).take(MERGES_LIMIT).last().unwrap_or(call)
    }

    /// Returns true if this call was merged into one whose ring has not come yet, so that its
    /// messages wait.
    pub fn awaits_successor(&self, call: &Call) -> bool {
        let ended = |into| self.tombstone(call.peer, into).is_some();
        successor(call).is_some_and(|into| !self.all.contains_key(&into) && !ended(into))
    }

    /// Returns until when the messages of a merged call wait for the ring of its successor.
    pub fn waits_for_successor(&self, call: &Call) -> Option<Time> {
        match &call.state {
            State::Ended(ended) if self.awaits_successor(call) => Some(ended.at + WORD_LIFETIME),
            _ => None,
        }
    }

    /// Returns true if this call was merged into one that is not over, as far as is known here.
    pub fn goes_on(&self, call: &Call) -> bool {
        self.awaits_successor(call)
            || successor(call).and_then(|into| self.get(into)).is_some_and(Call::is_open)
    }
}

/// Returns the call that this one was merged into.
fn successor(call: &Call) -> Option<CallId> {
    match &call.state {
        State::Ended(ended) if ended.closing.reason == Reason::Merged => ended.closing.into,
        _ => None,
    }
}
