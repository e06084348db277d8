//! Part of the engine that every component is handed: our key, the settings, fresh ids, the known
//! peers, and the sink for changes and effects.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::change::{Change, ConversationChange, EventLogChange};
use crate::ids::{CallId, Conversation, InstanceId, PublicKey, RumorId, StreamId};
use crate::output::{Output, Priority};
use crate::peer::peers::Peers;
use crate::policy::Settings;
use crate::record::{Counters, Event, EventKind, Standing};
use crate::rumor::Rumor;
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Ack, Stamp};

/// The time for which the id of a received rumor is remembered. A new relay is asked for all that
/// it has; a rumor older than this is not taken in again.
pub const SEEN_KEPT: Duration = Duration::from_secs(92 * 24 * 3600);
/// The number of ids that are remembered however old they are.
pub const SEEN_LEAST: usize = 10_000;

/// See the module's documentation.
pub struct Context {
    /// This agent's key.
    pub me: PublicKey,
    /// This run.
    pub instance: InstanceId,
    /// The settings.
    pub settings: Settings,
    /// The source of fresh ids.
    pub ids: Ids,
    /// Known peers.
    pub peers: Peers,
    /// Milliseconds by which other clocks are ahead of ours, as far as is known.
    pub clock_ahead: i64,
    /// The time before which nothing is acknowledged.
    pub quiet_until: Time,
    seen: BTreeMap<RumorId, Time>,
    counters: Counters,
    changes: VecDeque<Change>,
    effects: VecDeque<Output>,
}

/// The state that a [`Context`] goes on from.
pub struct Resumed {
    /// The handles that were given out.
    pub counters: Counters,
    /// The rumors that were received.
    pub seen: Vec<(RumorId, Time)>,
    /// Known peers.
    pub peers: Peers,
}

impl Context {
    /// Returns a context for `me` in the run `instance`, which is quiet until `quiet_until`.
    pub fn new(
        (me, instance): (PublicKey, InstanceId),
        ids: Ids,
        settings: Settings,
        resumed: Resumed,
        quiet_until: Time,
    ) -> Self {
        Self {
            me,
            instance,
            settings,
            ids,
            peers: resumed.peers,
            clock_ahead: 0,
            quiet_until,
            seen: resumed.seen.into_iter().collect(),
            counters: resumed.counters,
            changes: VecDeque::new(),
            effects: VecDeque::new(),
        }
    }

    /// Returns the next output; changes come before effects.
    pub fn poll(&mut self) -> Option<Output> {
        self.changes.pop_front().map(Output::Persist).or_else(|| self.effects.pop_front())
    }

    /// Makes a change durable before any effect.
    pub fn persist(&mut self, change: impl Into<Change>) {
        self.changes.push_back(change.into());
    }

    /// Has the daemon do something.
    pub fn output(&mut self, output: Output) {
        self.effects.push_back(output);
    }

    /// Gives a rumor to the relays of a peer. Nothing leaves for a peer in any other way, so that
    /// a blocked key is sent nothing.
    pub fn send(&mut self, to: PublicKey, rumor: Rumor, priority: Priority) {
        if self.peers.standing(to) != Standing::Blocked {
            self.output(Output::Send { to, rumor, priority });
        }
    }

    /// Adds an entry to the event log.
    pub fn event(
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
        self.output(Output::Notify(event));
    }

    /// Gives out a handle.
    pub fn number(&mut self, series: fn(&mut Counters) -> &mut u32) -> u32 {
        let count = series(&mut self.counters);
        *count += 1;
        let number = *count;
        self.persist(EventLogChange::Counters(self.counters));
        number
    }

    /// Returns the head of a rumor that is written at `at`.
    pub fn stamp(&self, at: Time, to: PublicKey, acks: Vec<Ack>) -> Stamp {
        let at = self.told(at);
        Stamp { from: self.me, to, at, instance: self.instance, by_human: false, acks }
    }

    /// Returns a time of ours by the clock that others have.
    pub fn told(&self, at: Time) -> Time {
        Time(at.0.saturating_add_signed(self.clock_ahead))
    }

    /// Returns a time by the clock that others have by ours.
    pub fn heard(&self, at: Time) -> Time {
        Time(at.0.saturating_add_signed(self.clock_ahead.saturating_neg()))
    }

    /// Returns true if a rumor was received before.
    pub fn was_seen(&self, rumor: RumorId) -> bool {
        self.seen.contains_key(&rumor)
    }

    /// Remembers that a rumor was received.
    pub fn remember_seen(&mut self, now: Time, rumor: RumorId) {
        self.seen.insert(rumor, now);
        self.persist(ConversationChange::Seen(rumor, now));
    }

    /// Forgets the rumors that were received long ago.
    pub fn sweep(&mut self, now: Time) {
        self.peers.sweep(now);
        if self.seen.len() > SEEN_LEAST {
            self.seen.retain(|_, at| now.since(*at) < SEEN_KEPT);
        }
    }
}

/// Fresh ids from a seed: the daemon gives randomness once, and the engine stays deterministic.
#[derive(Debug)]
pub struct Ids {
    seed: [u8; 32],
    count: u64,
}

impl Ids {
    /// Returns ids that follow from `seed`.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    /// Returns fresh bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        self.count += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.count.to_be_bytes());
        hash.finalize().into()
    }

    /// Returns a fresh id of a call.
    pub fn call(&mut self) -> CallId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.bytes()[..16]);
        CallId(uuid::Builder::from_random_bytes(id).into_uuid())
    }

    /// Returns a fresh id of a stream.
    pub fn stream(&mut self) -> StreamId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.bytes()[..8]);
        StreamId(id)
    }

    /// Returns a code that a human can type.
    pub fn code(&mut self, length: usize) -> String {
        loop {
            if let Some(code) = crate::human::code::from_bytes(&self.bytes(), length) {
                return code;
            }
        }
    }
}
