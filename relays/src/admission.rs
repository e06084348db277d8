//! The cheap checks before an event is looked at: size, already seen, the relay's budget.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nostr::EventId;
use tokio::time::Instant;

use super::wrap::Rejected;

/// The largest event that is looked at, in bytes of JSON.
pub(super) const MAX_EVENT: usize = 128 * 1024;
/// How many ids of verified wraps are remembered, at most.
const REMEMBERED: usize = 100_000;
/// Events a second that a relay may have us check, and how many at once.
const RATE: f64 = 50.0;
const BURST: f64 = 1000.0;

/// What all relays share: the wraps that were seen, and the count of what was refused.
#[derive(Debug, Default)]
pub(super) struct Gate {
    seen: Mutex<Seen>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Gate {
    /// Whether a verified wrap with this id came before, by any relay.
    pub fn has_seen(&self, id: &EventId) -> bool {
        lock(&self.seen).has(id)
    }

    /// Takes note of a wrap. Only of one whose id and signature were verified: or else a relay
    /// could have us ignore a message by serving an altered copy first.
    pub fn saw(&self, id: EventId) {
        lock(&self.seen).add(id);
    }

    /// Forgets the wraps that were seen.
    pub fn forget(&self) {
        *lock(&self.seen) = Seen::default();
    }

    /// Counts and logs what was refused.
    pub fn refuse(&self, relay: &str, why: Rejected) {
        tracing::debug!(relay, %why, "an event was refused");
        *lock(&self.refused).entry(word(why)).or_default() += 1;
    }

    /// How often what was refused, since the start.
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.refused).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn word(why: Rejected) -> &'static str {
    match why {
        Rejected::Oversized => "oversized",
        Rejected::OverBudget => "over_budget",
        Rejected::NoRoom => "no_room",
        Rejected::WrapId | Rejected::WrapSignature => "unverified",
        Rejected::NotAWrap => "not_a_wrap",
        Rejected::NotForUs => "not_for_us",
        Rejected::Expired => "expired",
        Rejected::WrapCiphertext | Rejected::SealCiphertext => "undecryptable",
        Rejected::SealMalformed | Rejected::RumorMalformed => "malformed",
        Rejected::NotASeal | Rejected::SealSignature => "seal_unverified",
        Rejected::Forged(_) => "forged",
    }
}

/// A bounded set: two generations, of which the older is forgotten at once.
#[derive(Debug, Default)]
struct Seen {
    young: HashSet<EventId>,
    old: HashSet<EventId>,
}

impl Seen {
    fn has(&self, id: &EventId) -> bool {
        self.young.contains(id) || self.old.contains(id)
    }

    fn add(&mut self, id: EventId) {
        if self.young.len() >= REMEMBERED / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id);
    }
}

/// A relay's budget of events to check.
#[derive(Debug)]
pub(super) struct Budget {
    tokens: f64,
    at: Instant,
}

impl Budget {
    pub fn new(now: Instant) -> Self {
        Self { tokens: BURST, at: now }
    }

    /// Takes one event's worth, if there is.
    pub fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * RATE;
        self.tokens = (self.tokens + gained).min(BURST);
        self.at = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn id(n: usize) -> EventId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        EventId::from_byte_array(bytes)
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let gate = Gate::default();
        for n in 0..3 * REMEMBERED {
            gate.saw(id(n));
        }
        assert!(gate.has_seen(&id(3 * REMEMBERED - 1)));
        assert!(gate.has_seen(&id(3 * REMEMBERED - REMEMBERED / 2)));
        assert!(!gate.has_seen(&id(0)));
        let seen = gate.seen.lock().unwrap();
        assert!(seen.young.len() + seen.old.len() <= REMEMBERED);
    }

    #[test]
    fn a_budget_allows_a_burst_and_then_a_rate() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        assert_eq!((0..2000).filter(|_| budget.take(start)).count(), 1000);
        let later = start + Duration::from_secs(2);
        assert_eq!((0..2000).filter(|_| budget.take(later)).count(), 100);
    }
}
