//! Sending side of a stream.

use std::collections::BTreeMap;
use std::time::Duration;

use super::schedule::Schedule;
use crate::ids::{RumorId, StreamId};
use crate::rumor::Rumor;
use crate::time::Time;
use crate::wire::{Ack, Slot};

/// Minimum interval between repetitions of a message that the receiver reports missing.
const FAST_RESEND: Duration = Duration::from_secs(3);

/// A message that its receiver has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The very rumor: every attempt wraps this one.
    pub rumor: Rumor,
    /// Its id.
    pub id: RumorId,
    /// Number of times that the rumor was given to the relays.
    pub attempts: u32,
    /// Time of the last attempt.
    pub last: Time,
    /// True if a relay accepted the rumor.
    pub taken: bool,
    /// True if the receiver stores the rumor out of order, by its latest acknowledgement.
    pub held: bool,
    /// True if the rumor was reported as delivered.
    pub told: bool,
    /// True if the rumor may have reached a relay without the knowledge of this run: in an earlier
    /// run, under another id, or in an offer.
    pub exposed: bool,
    /// Time at which the rumor was handed over for sending.
    pub since: Time,
}

/// Direction of a lane, as its sender sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Stream id.
    pub id: StreamId,
    /// Last number that was assigned; numbers start at 1.
    pub last: u64,
    /// Id of the rumor with the last number.
    pub last_id: Option<RumorId>,
    /// Highest number up to which the receiver stored everything.
    pub acked: u64,
    /// Highest number up to which the receiver's agent was shown everything.
    pub read: u64,
    /// Rumors that are not acknowledged.
    pub pending: BTreeMap<u64, Pending>,
}

/// Attempts to send a rumor that is not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Number of times that the rumor was given to the relays.
    pub count: u32,
    /// True if a relay accepted the rumor.
    pub taken: bool,
    /// Time of the next attempt; `None` while the acknowledgement of an earlier number decides.
    pub next: Option<Time>,
}

/// Changes that an acknowledgement made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AckOutcome {
    /// True if the receiver stored more than was known before.
    pub advanced: bool,
    /// Rumors that the receiver is now known to have stored.
    pub delivered: Vec<RumorId>,
    /// Highest number up to which everything is read, if that grew.
    pub read: Option<u64>,
    /// Numbers that the receiver misses while it stores later numbers.
    pub resend: Vec<u64>,
    /// True if the acknowledgement contradicts this side: one of the two stores was restored from a
    /// backup.
    pub diverged: bool,
}

impl Outgoing {
    /// Returns an empty stream.
    #[must_use]
    pub fn new(id: StreamId) -> Self {
        Self { id, last: 0, last_id: None, acked: 0, read: 0, pending: BTreeMap::new() }
    }

    /// Returns the place of the next rumor.
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

    /// Returns the time of the next attempt.
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

    /// Returns the number to repeat when the peer comes online: the lowest, unless it was just
    /// sent.
    #[must_use]
    pub fn stale(&self, now: Time, after: Duration) -> Option<u64> {
        let (number, pending) = self.pending.iter().find(|(_, pending)| !pending.held)?;
        (pending.attempts > 0 && now.since(pending.last) >= after).then_some(*number)
    }

    /// Records that a relay accepted the rumor with this number.
    pub fn taken(&mut self, number: u64) {
        if let Some(pending) = self.pending.get_mut(&number).filter(|pending| !pending.taken) {
            pending.taken = true;
            pending.attempts = pending.attempts.min(1);
        }
    }

    /// Applies an acknowledgement.
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

    /// Returns true if one of the two stores was restored from a backup: the receiver has rumors
    /// that were never sent, or a different rumor under a number, or lost rumors that it had. A
    /// late acknowledgement looks like such a loss, but not if the receiver stores the next number.
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

    /// Returns the numbers whose lifetime is over at `now`.
    #[must_use]
    pub fn expired(&self, now: Time, schedule: &Schedule) -> Vec<u64> {
        let old = |pending: &&Pending| now.since(pending.since) >= schedule.lifetime;
        self.pending.iter().filter(|(_, p)| old(p)).map(|(number, _)| *number).collect()
    }

    /// Marks the last rumor as possibly known already, if `is` is true.
    pub fn expose_last(&mut self, is: bool) {
        if let Some(pending) = self.pending.get_mut(&self.last) {
            pending.exposed |= is;
        }
    }

    /// Puts another rumor in a number's place: a void for a rumor that will never be sent.
    pub fn replace(&mut self, now: Time, number: u64, rumor: Rumor) {
        if let Some(pending) = self.pending.get_mut(&number) {
            let id = rumor.id();
            *pending = Pending::new(now, rumor, id);
        }
    }
}

impl Pending {
    /// Returns a rumor that has not been given to any relay.
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

    /// Returns true if the rumor only fills a number.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.rumor.tag("type") == Some("void")
    }

    /// Returns true if the rumor has left this side, as far as the stream knows. The relays know
    /// more once the rumor was given to them.
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
