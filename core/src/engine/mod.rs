//! The engine: every rule of the protocol, and none of its plumbing.
//!
//! The host calls [`Engine::handle`] with the time and what happened, drains [`Engine::poll`] to
//! `None`, does the outputs in order, and calls again by [`Engine::next_timeout`]. Every
//! [`Output::Persist`] comes before everything else, and all of them are **one transaction**: a
//! message, its place in its stream and the event that tells of it are durable together or not
//! at all. Nothing else may leave the process before. If they cannot be made durable, the host
//! throws the engine away and restores it from what is on disk.

mod agreement;
mod cancel;
mod channel;
pub mod command;
mod execute;
mod files;
mod handlers;
mod input;
mod invites;
mod lanes;
mod offers;
mod output;
mod owner;
mod receive;
mod refusal;
mod restore;
mod snapshot;
mod twin;
mod unfit;

pub use crate::change::Change;
pub use command::OutgoingRef;
pub use execute::Command;
pub use input::Input;
pub use output::{Output, Priority};
pub use refusal::{Limited, Refusal};
pub use snapshot::{OutboxEntry, Snapshot};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::call::change::CallChange;
use crate::call::{By, Call, Effect, Ended, Event as CallEvent, State, WORD_LIFETIME};
use crate::change::EventLogChange;
use crate::conversation::change::ConversationChange;
use crate::ids::{CallId, Conversation, InstanceId, PublicKey, RumorId, StreamId};
use crate::opening::opening_id;
use crate::peer::change::PeerChange;
use crate::policy::{Meter, Settings};
use crate::record::{Counters, Event, EventKind, File, Invite, Peer, Speaks, Standing, Tombstone};
use crate::rumor::Rumor;
use crate::text::Text;
use crate::time::{Time, earlier};
use crate::wire::{Body, Control, Reason, Stamp, encode};
use channel::Channel;
use owner::Owners;

/// A peer that was silent for as long as a presence lives, and shows itself, is back: whatever
/// waits for it is worth another try at once.
const SEEN_AGAIN: Duration = crate::presence::LIFETIME;
/// How often what is over is looked for and forgotten.
const SWEEP: Duration = Duration::from_secs(3600);
/// How long the id of a rumor that was taken in is remembered. A new relay is asked for all that it
/// has; what is older than this is not taken in again.
pub const SEEN_KEPT: Duration = Duration::from_secs(92 * 24 * 3600);
/// So many ids are remembered however old they are.
pub const SEEN_LEAST: usize = 10_000;

/// A call and its lanes.
#[derive(Debug)]
struct Session {
    call: Call,
    channel: Channel,
}

impl Session {
    /// Whether it is over, and nothing of it is owed to the peer or on its way there.
    fn is_done(&self) -> bool {
        let confirmed = |ended: &Ended| ended.word.is_none() && self.channel.is_idle();
        matches!(&self.call.state, State::Ended(ended) if confirmed(ended))
    }
}

/// Who is behind a move of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Our agent's command: it needs no notice of what it did itself.
    Agent,
    /// The peer, the clock, or a rule.
    Other,
}

/// See the module's documentation.
pub struct Engine {
    me: PublicKey,
    instance: InstanceId,
    settings: Settings,
    ids: Ids,
    counters: Counters,
    peers: BTreeMap<PublicKey, Peer>,
    last_seen: BTreeMap<PublicKey, Time>,
    /// Of each peer, messages and bytes of words.
    meters: BTreeMap<PublicKey, (Meter, Meter)>,
    strangers: Meter,
    calls: BTreeMap<CallId, Session>,
    direct: BTreeMap<PublicKey, Channel>,
    files: BTreeMap<u32, File>,
    offers: BTreeMap<RumorId, CallId>,
    /// Tokens that let strangers ring here.
    invites: BTreeMap<u32, Invite>,
    tombstones: BTreeMap<CallId, Tombstone>,
    owners: Owners,
    seen: BTreeMap<RumorId, Time>,
    /// When this run began.
    started: Time,
    /// When it last said hello to others under its key.
    hello: Option<Time>,
    /// Nothing is acknowledged before.
    quiet_until: Time,
    /// Other runs that were told of this one.
    answered_twins: BTreeSet<InstanceId>,
    /// Another run was there first: this one does nothing any more.
    yielded: bool,
    swept: Time,
    /// Milliseconds that others' clocks are ahead of ours, as far as is known.
    clock_ahead: i64,
    changes: VecDeque<Change>,
    effects: VecDeque<Output>,
}

/// The engine holds everything there is to know: a log needs none of it.
impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Fresh ids from a seed: the host gives randomness once, and the engine stays deterministic.
#[derive(Debug)]
struct Ids {
    seed: [u8; 32],
    count: u64,
}

impl Ids {
    fn bytes(&mut self) -> [u8; 32] {
        self.count += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.count.to_be_bytes());
        hash.finalize().into()
    }

    fn call(&mut self) -> CallId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.bytes()[..16]);
        CallId(uuid::Builder::from_random_bytes(id).into_uuid())
    }

    /// A code for a human to type.
    fn code(&mut self, length: usize) -> String {
        loop {
            if let Some(code) = crate::owner::code::from_bytes(&self.bytes(), length) {
                return code;
            }
        }
    }

    fn stream(&mut self) -> StreamId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.bytes()[..8]);
        StreamId(id)
    }
}

impl Engine {
    /// Something happened at `now`.
    pub fn handle(&mut self, now: Time, input: Input) {
        if self.yielded {
            return;
        }
        match input {
            Input::Received(message) => self.receive(now, &message),
            Input::Report { rumor, accepted, relays } => self.report(rumor, accepted, relays),
            Input::NoRoute { peer } => self.step_all(now, peer, &CallEvent::NoRoute),
            Input::PeerSeen { peer, name } => self.presence_seen(now, peer, name),
            Input::RelayBack => self.relay_back(now),
            Input::Tallied { call, said, heard } => self.tallied(now, call, said, heard),
            Input::Unfit { rumor, why } => self.unfit(now, rumor, &why),
            Input::Clock { ahead } => self.clock_ahead = ahead,
            Input::Recalled { call, to, lines } => self.recalled(now, call, to, &lines),
            Input::FileStored { file, result } => self.file_stored(now, file, result),
            Input::Tick => {}
        }
        if !self.yielded {
            self.run_due(now);
        }
    }

    /// The next thing for the host to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.changes.pop_front().map(Output::Persist).or_else(|| self.effects.pop_front())
    }

    /// When [`Input::Tick`] is due, if nothing else happens before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        if self.yielded {
            return None;
        }
        let schedule = &self.settings.schedule;
        let calls = self.calls.values().map(|session| {
            let open = session.call.carries();
            let lanes = session.channel.next_timeout(schedule, open, self.quiet_until);
            let call =
                earlier(session.call.next_timeout(), self.waits_for_successor(&session.call));
            earlier(call, lanes)
        });
        let direct = self.direct.values();
        let direct = direct.map(|c| c.next_timeout(schedule, true, self.quiet_until));
        calls.chain(direct).fold(self.owners.next_timeout(), earlier)
    }

    /// This agent's key.
    #[must_use]
    pub fn me(&self) -> PublicKey {
        self.me
    }

    /// A call that is open, or ended lately.
    #[must_use]
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(&id).map(|session| &session.call)
    }

    /// All calls that are open, or ended lately.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.values().map(|session| &session.call)
    }

    /// Calls that count against the limit: answered, or being answered.
    #[must_use]
    pub fn calls_in_use(&self) -> usize {
        let in_use = |call: &&Call| matches!(call.state, State::Connecting(_) | State::Active);
        self.calls().filter(in_use).count()
    }

    fn run_due(&mut self, now: Time) {
        let due: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, session)| session.call.next_timeout().is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.step(now, id, CallEvent::Tick, Cause::Other);
        }
        let orphan =
            |call: &&Call| self.waits_for_successor(call).is_some_and(|until| until <= now);
        for merged in self.calls().filter(orphan).map(|call| call.id).collect::<Vec<_>>() {
            self.orphaned(now, merged);
        }
        self.owners_due(now);
        self.flush_due(now);
        self.tally_due();
        if now.since(self.swept) >= SWEEP {
            self.sweep(now);
        }
    }

    /// Forgets what is over and confirmed, or too old to matter. The store keeps it.
    fn sweep(&mut self, now: Time) {
        self.swept = now;
        let over = |session: &Session| match &session.call.state {
            State::Ended(ended) => now.since(ended.at) >= WORD_LIFETIME && session.is_done(),
            _ => false,
        };
        let over: Vec<CallId> =
            self.calls.iter().filter(|(_, s)| over(s)).map(|(id, _)| *id).collect();
        for call in over {
            self.give_up_files(now, call);
            self.calls.remove(&call);
        }
        let rings = |call: &CallId| {
            self.calls.get(call).is_some_and(|session| session.call.is_outgoing_ring())
        };
        self.offers.retain(|_, call| rings(call));
        self.owners.sweep(now);
        self.forget_invites(now);
        self.tombstones.retain(|_, grave| now.since(grave.at) < WORD_LIFETIME);
        self.meters.retain(|_, (_, words)| now.since(words.last()) < Meter::LONGEST);
        if self.seen.len() > SEEN_LEAST {
            self.seen.retain(|_, at| now.since(*at) < SEEN_KEPT);
        }
    }

    /// Forgets a call with all that was said in it. A ring of it that is still on its way is none.
    fn forget_call(&mut self, now: Time, id: CallId) -> Result<(), Refusal> {
        if let Some(session) = self.calls.get(&id) {
            let moving = self.files.values().any(|file| file.call == id);
            if moving || !session.is_done() {
                return Err(Refusal::NotOver);
            }
            let peer = session.call.peer;
            self.calls.remove(&id);
            // The one reason that makes no missed call of a ring.
            let tombstone = Tombstone { call: id, peer, reason: Reason::Merged, at: now };
            self.tombstones.insert(id, tombstone.clone());
            self.persist(CallChange::Tombstone(tombstone));
        }
        self.persist(CallChange::Gone(id));
        Ok(())
    }

    /// Moves one call and does what follows.
    fn step(&mut self, now: Time, id: CallId, event: CallEvent, cause: Cause) {
        let Some(session) = self.calls.get_mut(&id) else { return };
        let before = session.call.clone();
        let effects = session.call.step(now, event);
        let call = session.call.clone();
        if call != before {
            self.persist(CallChange::Put(Box::new(call.clone())));
        }
        // Strangers hear nothing before our agent has answered them.
        let ours = matches!(&call.state, State::Ended(ended) if ended.by == By::Us);
        let hush = cause == Cause::Other
            && !call.outgoing
            && !ours
            && call.answered.is_none()
            && self.standing(call.peer) != Standing::Allowed;
        for effect in effects {
            match effect {
                Effect::Say(_) if hush => {}
                Effect::Say(Control::Ringing) if !self.settings.disclose_ring => {}
                Effect::Say(control) => self.say_control(now, &call, control),
                Effect::Answered => self.answered(now, &before, &call),
                Effect::Closed if before.is_open() => self.closed(now, &call, cause),
                Effect::Closed => {}
            }
        }
        if !call.is_open() && call.answered.is_none() && !self.awaits_successor(&call) {
            self.abandon(call.id);
        }
        if before.outgoing
            && matches!(before.state, State::Dialing(_))
            && !matches!(call.state, State::Dialing(_))
        {
            self.opening_arrived(&call);
        }
    }

    fn step_all(&mut self, now: Time, peer: PublicKey, event: &CallEvent) {
        for id in self.calls_with(peer) {
            self.step(now, id, event.clone(), Cause::Other);
        }
    }

    fn calls_with(&self, peer: PublicKey) -> Vec<CallId> {
        self.calls.iter().filter(|(_, s)| s.call.peer == peer).map(|(id, _)| *id).collect()
    }

    fn answered(&mut self, now: Time, before: &Call, call: &Call) {
        let met = matches!(&before.state, State::Connecting(state) if state.replaces.is_some());
        if call.outgoing || met {
            self.event(now, EventKind::Answered, Conversation::Call(call.id), None, None);
        }
        self.flush(now, Conversation::Call(call.id));
    }

    fn closed(&mut self, now: Time, call: &Call, cause: Cause) {
        // Our agent hears of what goes on instead; unless that is over.
        if self.goes_on(call) {
            return;
        }
        let by_us = matches!(&call.state, State::Ended(ended) if ended.by == By::Us);
        self.takeover_ended(now, call.id, !by_us || call.was_given_up());
        if cause == Cause::Agent {
            return;
        }
        let missed = !call.outgoing && call.answered.is_none();
        let kind = if missed { EventKind::Missed } else { EventKind::End };
        let subject = self.calls.get(&call.id).and_then(|session| session.channel.opening);
        self.event(now, kind, Conversation::Call(call.id), subject.filter(|_| missed), None);
    }

    /// The callee's daemon has the offer, and so the opening message in it; unless it was us who
    /// ended the call.
    fn opening_arrived(&mut self, call: &Call) {
        let ours = matches!(&call.state, State::Ended(ended) if ended.by != By::Peer);
        if call.opening.is_some() && !ours {
            self.persist(ConversationChange::Delivered(opening_id(call.id)));
        }
    }

    fn say_control(&mut self, now: Time, call: &Call, control: Control) {
        let name = || Some(Text::from(self.settings.name.as_str())).filter(|name| !name.is_empty());
        let control = match control {
            Control::Offer(offer) => Control::Offer(crate::wire::Offer { name: name(), ..offer }),
            Control::Accept(accept) => {
                Control::Accept(crate::wire::Accept { name: name(), ..accept })
            }
            Control::End(mut closing) => {
                if let Some(session) = self.calls.get(&call.id) {
                    closing.last = session.channel.last_numbers();
                }
                Control::End(closing)
            }
            other => other,
        };
        let ringing = matches!(control, Control::Offer(_));
        let rumor = self.say(now, call.peer, &Body::Control(call.id, control), Priority::Control);
        if ringing {
            self.offers.insert(rumor, call.id);
        }
    }

    /// Gives something unnumbered to the relays. What is said of it later comes by its id.
    fn say(&mut self, now: Time, to: PublicKey, body: &Body, priority: Priority) -> RumorId {
        let acks = self.take_acks(now, to);
        let rumor = encode(&self.stamp(now, to, acks), body);
        let id = rumor.id();
        self.send(to, rumor, priority);
        id
    }

    /// Everything that leaves for a peer leaves here. The blocked hear nothing.
    fn send(&mut self, to: PublicKey, rumor: Rumor, priority: Priority) {
        if self.standing(to) != Standing::Blocked {
            self.effects.push_back(Output::Send { to, rumor, priority });
        }
    }

    /// What others read is dated by the clock that they have.
    fn stamp(&self, at: Time, to: PublicKey, acks: Vec<crate::wire::Ack>) -> Stamp {
        let at = self.told(at);
        Stamp { from: self.me, to, at, instance: self.instance, by_human: false, acks }
    }

    /// A time of ours as others are told it.
    fn told(&self, at: Time) -> Time {
        Time(at.0.saturating_add_signed(self.clock_ahead))
    }

    fn persist(&mut self, change: impl Into<Change>) {
        self.changes.push_back(change.into());
    }

    fn event(
        &mut self,
        at: Time,
        kind: EventKind,
        conversation: Conversation,
        subject: Option<u32>,
        text: Option<Text>,
    ) {
        self.counters.events += 1;
        let event = Event { seq: self.counters.events, kind, at, conversation, subject, text };
        self.persist(EventLogChange::Counters(self.counters));
        self.persist(EventLogChange::Event(event.clone()));
        self.effects.push_back(Output::Notify(event));
    }

    /// Gives out a handle.
    fn number(&mut self, series: fn(&mut Counters) -> &mut u32) -> u32 {
        let count = series(&mut self.counters);
        *count += 1;
        let number = *count;
        self.persist(EventLogChange::Counters(self.counters));
        number
    }

    fn standing(&self, key: PublicKey) -> Standing {
        self.peers.get(&key).map_or(Standing::Stranger, |peer| peer.standing)
    }

    fn speaks(&self, key: PublicKey) -> Speaks {
        self.peers.get(&key).map_or(Speaks::Unknown, |peer| peer.speaks)
    }

    /// Changes what is known of a key, and keeps it if that is news.
    fn update_peer(&mut self, now: Time, key: PublicKey, change: impl FnOnce(&mut Peer)) {
        let known = self.peers.get(&key);
        let mut peer = known.cloned().unwrap_or_else(|| Peer::stranger(key, now));
        change(&mut peer);
        if self.peers.get(&key) != Some(&peer) {
            self.peers.insert(key, peer.clone());
            self.persist(PeerChange::Put(peer));
        }
    }

    fn allow(&mut self, now: Time, key: PublicKey) {
        self.update_peer(now, key, |peer| peer.standing = Standing::Allowed);
    }

    fn presence_seen(&mut self, now: Time, key: PublicKey, name: Option<Text>) {
        if !self.peers.contains_key(&key) {
            return;
        }
        self.update_peer(now, key, |peer| {
            peer.speaks = Speaks::P2p;
            peer.claimed = name.or(peer.claimed.take());
        });
        self.peer_alive(now, key);
    }

    /// A sign of life: a ring learns that the peer is there, and whatever else waits for the
    /// peer goes now, if it was silent for a while.
    fn peer_alive(&mut self, now: Time, key: PublicKey) {
        let back = !self.was_seen_lately(now, key);
        self.last_seen.insert(key, now);
        for id in self.calls_with(key) {
            let rings = self.call(id).is_some_and(Call::is_outgoing_ring);
            if back || rings {
                self.step(now, id, CallEvent::PeerSeen, Cause::Other);
            }
        }
        if back {
            self.peer_back(now, key);
        }
    }

    fn was_seen_lately(&self, now: Time, key: PublicKey) -> bool {
        self.last_seen.get(&key).is_some_and(|last| now.since(*last) < SEEN_AGAIN)
    }
}
