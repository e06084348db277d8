//! The sending side of a stream.

use std::collections::BTreeMap;
use std::time::Duration;

use super::schedule::Schedule;
use crate::ids::{RumorId, StreamId};
use crate::rumor::Rumor;
use crate::time::Time;
use crate::wire::{Ack, Slot};

/// A gap that the receiver reports is filled at most this often per message.
const FAST_RESEND: Duration = Duration::from_secs(3);

/// A message that its receiver has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The very rumor: every attempt wraps this one.
    pub rumor: Rumor,
    /// Its id.
    pub id: RumorId,
    /// How often it was given to the relays.
    pub attempts: u32,
    /// When it was last.
    pub last: Time,
    /// Whether a relay took it.
    pub taken: bool,
    /// The receiver holds it beyond a gap, as far as its last word says.
    pub held: bool,
    /// It was reported as delivered.
    pub told: bool,
    /// It may have reached a relay in a way that the relays of this run do not know: in an
    /// earlier run, under another id, or in an offer.
    pub exposed: bool,
    /// When it was handed over.
    pub since: Time,
}

/// One direction of one lane, as its sender sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The stream's id.
    pub id: StreamId,
    /// The last number that was given out; numbers start at 1.
    pub last: u64,
    /// The id of that rumor.
    pub last_id: Option<RumorId>,
    /// Everything up to here is stored by the receiver.
    pub acked: u64,
    /// Everything up to here was shown to the receiver's agent.
    pub read: u64,
    /// What is not acknowledged.
    pub pending: BTreeMap<u64, Pending>,
}

/// The attempts to send a rumor that is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Number of times that the rumor was given to the relays.
    pub count: u32,
    /// A relay accepted the rumor.
    pub taken: bool,
    /// The time of the next attempt; `None` while the acknowledgement of an earlier number decides.
    pub next: Option<Time>,
}

/// The changes that an acknowledgement made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AckOutcome {
    /// The receiver stored more than was known before.
    pub advanced: bool,
    /// Rumors that are stored at the receiver now and were not known to be before.
    pub delivered: Vec<RumorId>,
    /// Everything up to here is read, when that grew.
    pub read: Option<u64>,
    /// Numbers that the receiver misses while it holds later ones.
    pub resend: Vec<u64>,
    /// The receiver speaks of messages that this side never sent: one of the two stores was
    /// restored from a backup.
    pub diverged: bool,
}

impl Outgoing {
    /// An empty stream.
    #[must_use]
    pub fn new(id: StreamId) -> Self {
        Self { id, last: 0, last_id: None, acked: 0, read: 0, pending: BTreeMap::new() }
    }

    /// The place of the next rumor.
    #[must_use]
    pub fn next_slot(&self) -> Slot {
        let prev = self.last_id.map(RumorId::start);
        Slot { prev, ..Slot::new(self.id, self.last + 1) }
    }

    /// Takes the next number for a rumor that was written for it.
    pub fn push(&mut self, now: Time, rumor: Rumor) -> u64 {
        self.last += 1;
        let id = rumor.id();
        self.last_id = Some(id);
        self.pending.insert(self.last, Pending::new(now, rumor, id));
        self.last
    }

    /// Returns the attempts to send a rumor, or `None` when the rumor is not pending.
    #[must_use]
    pub fn attempts(&self, id: RumorId, schedule: &Schedule) -> Option<Attempts> {
        let (number, pending) = self.pending.iter().find(|(_, pending)| pending.id == id)?;
        let lowest = self.pending.iter().find(|(_, pending)| !pending.held).map(|(n, _)| n);
        let goes = !pending.held && (!pending.taken || lowest == Some(number));
        Some(Attempts {
            count: pending.attempts,
            taken: pending.taken,
            next: goes.then(|| pending.due(schedule)),
        })
    }

    /// When something is due next.
    #[must_use]
    pub fn next_timeout(&self, schedule: &Schedule) -> Option<Time> {
        let mut lowest = true;
        let mut next = None;
        for pending in self.pending.values().filter(|pending| !pending.held) {
            if !pending.taken || lowest {
                next = crate::time::earlier(next, Some(pending.due(schedule)));
            }
            lowest = false;
        }
        next
    }

    /// Takes out what is due, and counts the attempt.
    pub fn due(&mut self, now: Time, schedule: &Schedule) -> Vec<(u64, Rumor)> {
        let mut lowest = true;
        let mut due = Vec::new();
        for (number, pending) in self.pending.iter_mut().filter(|(_, pending)| !pending.held) {
            if (!pending.taken || lowest) && pending.due(schedule) <= now {
                pending.attempt(now);
                due.push((*number, pending.rumor.clone()));
            }
            lowest = false;
        }
        due
    }

    /// Takes out these numbers now, whatever the schedule says, and counts the attempt.
    pub fn again(&mut self, now: Time, numbers: &[u64]) -> Vec<(u64, Rumor)> {
        let mut again = Vec::new();
        for number in numbers {
            if let Some(pending) = self.pending.get_mut(number) {
                pending.attempt(now);
                again.push((*number, pending.rumor.clone()));
            }
        }
        again
    }

    /// What no relay took, to go now that one may: its schedule begins again. What just went
    /// waits its first turn.
    pub fn untaken(&mut self, now: Time, after: Duration) -> Vec<(u64, Rumor)> {
        let mut again = Vec::new();
        let waits = |pending: &Pending| !pending.taken && !pending.held && pending.attempts > 0;
        for (number, pending) in self.pending.iter_mut().filter(|(_, pending)| waits(pending)) {
            pending.attempts = 1;
            if now.since(pending.last) >= after {
                pending.last = now;
                again.push((*number, pending.rumor.clone()));
            }
        }
        again
    }

    /// What to repeat when the peer shows itself: the lowest number, unless it just went out.
    #[must_use]
    pub fn stale(&self, now: Time, after: Duration) -> Option<u64> {
        let (number, pending) = self.pending.iter().find(|(_, pending)| !pending.held)?;
        (pending.attempts > 0 && now.since(pending.last) >= after).then_some(*number)
    }

    /// Notes that a relay took the rumor with this number.
    pub fn taken(&mut self, number: u64) {
        if let Some(pending) = self.pending.get_mut(&number).filter(|pending| !pending.taken) {
            pending.taken = true;
            pending.attempts = pending.attempts.min(1);
        }
    }

    /// The receiver's word.
    pub fn acked(&mut self, now: Time, ack: &Ack) -> AckOutcome {
        let mut outcome = AckOutcome::default();
        if self.diverges(ack) {
            outcome.diverged = true;
            return outcome;
        }
        if ack.upto > self.acked {
            outcome.advanced = true;
            self.acked = ack.upto;
            let beyond = self.pending.split_off(&(ack.upto + 1));
            let done = std::mem::replace(&mut self.pending, beyond);
            let news = done.into_values().filter(|pending| !pending.told);
            outcome.delivered.extend(news.map(|pending| pending.id));
        }
        for (number, pending) in &mut self.pending {
            // A receiver whose store was restored holds no longer what it held.
            pending.held = ack.held.iter().any(|(from, to)| (from..=to).contains(&number));
            if pending.held && !pending.told {
                pending.told = true;
                outcome.delivered.push(pending.id);
            }
        }
        if let Some(highest) = ack.held.iter().map(|(_, to)| *to).max() {
            outcome.resend = self
                .pending
                .range(..highest.max(1))
                .filter(|(_, p)| !p.held && p.attempts > 0 && now.since(p.last) >= FAST_RESEND)
                .map(|(number, _)| *number)
                .collect();
        }
        let read = ack.read.min(self.acked);
        if read > self.read {
            self.read = read;
            outcome.read = Some(read);
        }
        outcome
    }

    /// Whether one of the two stores was restored from a backup: the receiver has what was never
    /// sent, or something else under a number, or no longer has what it had. A late word of the
    /// receiver's looks like the last of these, but not if it holds what comes next.
    fn diverges(&self, ack: &Ack) -> bool {
        let holds = |number: u64| ack.held.iter().any(|(from, to)| (*from..=*to).contains(&number));
        let other = |id: [u8; 8]| {
            let ours = self.pending.get(&ack.upto);
            // What came late, after a void took its place, is there all the same.
            ours.is_some_and(|pending| !pending.is_void() && pending.id.start() != id)
        };
        ack.upto > self.last
            || ack.id.is_some_and(other)
            || (ack.upto < self.acked && holds(self.acked + 1))
    }

    /// Numbers whose time is up at `now`.
    #[must_use]
    pub fn expired(&self, now: Time, schedule: &Schedule) -> Vec<u64> {
        let old = |pending: &&Pending| now.since(pending.since) >= schedule.lifetime;
        self.pending.iter().filter(|(_, p)| old(p)).map(|(number, _)| *number).collect()
    }

    /// Notes that the last rumor may be known already, if it `is` so.
    pub fn expose_last(&mut self, is: bool) {
        if let Some(pending) = self.pending.get_mut(&self.last) {
            pending.exposed |= is;
        }
    }

    /// Puts another rumor in a number's place: a void for what will never be sent.
    pub fn replace(&mut self, now: Time, number: u64, rumor: Rumor) {
        if let Some(pending) = self.pending.get_mut(&number) {
            let id = rumor.id();
            *pending = Pending::new(now, rumor, id);
        }
    }
}

impl Pending {
    /// A rumor that no relay was given yet.
    #[must_use]
    pub fn new(now: Time, rumor: Rumor, id: RumorId) -> Self {
        Self {
            rumor,
            id,
            attempts: 0,
            last: now,
            taken: false,
            held: false,
            told: false,
            exposed: false,
            since: now,
        }
    }

    /// Whether it only fills a number.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.rumor.tag("type") == Some("void")
    }

    /// Whether it is out, as far as can be known here: once it was given to the relays, they know
    /// more.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.taken || self.held || self.told || self.exposed
    }

    fn due(&self, schedule: &Schedule) -> Time {
        match self.attempts {
            0 => self.last,
            attempts => self.last + schedule.wait(self.taken, attempts),
        }
    }

    fn attempt(&mut self, now: Time) {
        self.attempts = self.attempts.saturating_add(1);
        self.last = now;
    }
}
