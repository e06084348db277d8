//! Inputs, deadlines and outputs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::input::Input;
use super::instances::Instances;
use crate::call::calls::{Calls, Cause};
use crate::call::state::Call;
use crate::call::step::Event as CallEvent;
use crate::context::Context;
use crate::conversation::conversations::Conversations;
use crate::human::owners::Owners;
use crate::ids::{CallId, Conversation, PublicKey};
use crate::output::Output;
use crate::record::Invite;
use crate::time::Time;
use crate::timers::Timers;
use crate::transfer::transfers::Transfers;

/// Interval at which the engine removes state that it no longer needs.
const SWEEP: Duration = Duration::from_secs(3600);
/// Maximum number of rounds of due timers per input, since a timer's effect may make another due.
const ROUNDS: usize = 4;

/// See the module's documentation.
pub struct Engine {
    pub(super) ctx: Context,
    pub(super) calls: Calls,
    pub(super) conversations: Conversations,
    pub(super) transfers: Transfers,
    pub(super) owners: Owners,
    /// Tokens that let strangers ring here.
    pub(super) invites: BTreeMap<u32, Invite>,
    pub(super) instances: Instances,
    pub(super) timers: Timers<Timer>,
    pub(super) swept: Time,
    /// The number of calls and conversations whose deadline was computed.
    pub(super) visited: u64,
}

/// The owner of a deadline. Calls are due before the conversations in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Call(CallId),
    Owners,
    Conversation(Conversation),
}

/// Hides the state of the engine from logs.
impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Handles an event that happened at `now`.
    pub fn handle(&mut self, now: Time, input: Input) {
        if self.instances.yielded() {
            return;
        }
        match input {
            Input::Received(message) => self.receive(now, &message),
            Input::Report { rumor, accepted, relays } => self.report(rumor, accepted, relays),
            Input::NoRoute { peer } => self.step_all(now, peer, &CallEvent::NoRoute),
            Input::PeerSeen { peer, name } => self.presence_seen(now, peer, name),
            Input::AgentFound { peer } => self.agent_found(now, peer),
            Input::RelayBack => self.relay_back(now),
            Input::Digested { call, said, heard } => self.digested(now, call, said, heard),
            Input::Undeliverable { rumor, why } => {
                let effects = self.conversations.undeliverable(&mut self.ctx, now, rumor, &why);
                self.route(now, effects);
            }
            Input::Clock { ahead } => self.ctx.clock_ahead = ahead,
            Input::Recalled { call, to, lines } => self.recalled(now, call, to, &lines),
            Input::FileStored { file, result } => {
                self.transfers.stored(&mut self.ctx, now, file, result);
            }
            Input::Tick => {}
        }
        self.run_due(now);
    }

    /// Returns the next output for the daemon.
    pub fn poll(&mut self) -> Option<Output> {
        self.ctx.poll()
    }

    /// Returns when [`Input::Tick`] is due, if nothing else happens before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        if self.instances.yielded() { None } else { self.timers.next() }
    }

    /// Returns this agent's key.
    #[must_use]
    pub fn me(&self) -> PublicKey {
        self.ctx.me
    }

    /// Returns a call that is open, or ended lately.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(id)
    }

    /// Returns every call that is open, or ended lately.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.all()
    }

    /// Returns how many deadlines of calls and conversations were computed so far: the measure of
    /// how much an input touches.
    #[doc(hidden)]
    #[must_use]
    pub fn visited(&self) -> u64 {
        self.visited
    }

    /// Handles all due deadlines, unless this run yielded.
    pub(super) fn run_due(&mut self, now: Time) {
        if self.instances.yielded() {
            return;
        }
        self.settle();
        for _ in 0..ROUNDS {
            let due = self.timers.take_due(now);
            if due.is_empty() {
                break;
            }
            for timer in due {
                self.due(now, timer);
            }
            self.settle();
        }
        if now.since(self.swept) >= SWEEP {
            self.sweep(now);
        }
    }

    fn due(&mut self, now: Time, timer: Timer) {
        match timer {
            Timer::Call(id) => {
                let Some(call) = self.calls.get(id) else { return };
                let waits = self.calls.waits_for_successor(call);
                if call.next_timeout().is_some_and(|at| at <= now) {
                    self.step(now, id, CallEvent::Tick, Cause::Other);
                }
                if waits.is_some_and(|until| until <= now) {
                    self.successor_missing(now, id);
                }
                self.calls.touch_one(id);
            }
            Timer::Owners => self.owners_due(now),
            Timer::Conversation(id) => {
                let effects = self.conversations.run_due(&mut self.ctx, now, id);
                self.conversations.touch(id);
                self.route(now, effects);
            }
        }
    }

    /// Sets the deadlines of the calls and conversations that were touched.
    pub(super) fn settle(&mut self) {
        loop {
            let calls = self.calls.take_touched();
            let conversations = self.conversations.take_touched();
            if calls.is_empty() && conversations.is_empty() {
                break;
            }
            let of_conversations = conversations.iter().filter_map(|id| match id {
                Conversation::Call(call) => Some(*call),
                Conversation::Direct(_) => None,
            });
            for call in calls.iter().copied().chain(of_conversations) {
                self.ask_for_digests(call);
            }
            for call in calls {
                self.visited += 1;
                self.timers.set(Timer::Call(call), self.calls.next_timeout(call));
            }
            for id in conversations {
                self.visited += 1;
                let next = self.conversations.next_timeout(&self.ctx, id);
                self.timers.set(Timer::Conversation(id), next);
            }
        }
        self.timers.set(Timer::Owners, self.owners.next_timeout());
    }

    /// Removes ended and confirmed state, and state that is too old, from memory. The store keeps
    /// it.
    fn sweep(&mut self, now: Time) {
        self.swept = now;
        for call in self.calls.expired(now) {
            let id = Conversation::Call(call);
            if self.conversations.get(id).is_some_and(|state| state.is_idle()) {
                self.transfers.give_up(&mut self.ctx, now, call);
                self.calls.remove(call);
                self.conversations.remove(id);
            }
        }
        self.calls.sweep(now);
        self.conversations.sweep();
        self.owners.sweep(now);
        self.forget_invites(now);
        self.ctx.sweep(now);
        self.settle();
    }
}
