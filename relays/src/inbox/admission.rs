//! The cheap checks before an event is verified: size, already seen, the relay's budget.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nostr::EventId;
use tokio::time::Instant;

use crate::bucket::TokenBucket;

/// The largest event that is looked at, in bytes of JSON.
pub(crate) const MAX_EVENT: usize = 128 * 1024;
/// The largest number of ids that are remembered.
const REMEMBERED: usize = 100_000;
/// Events a second that a relay may have checked, and the number of events at once.
const RATE: f64 = 50.0;
const BURST: f64 = 1000.0;

/// Returns the budget of a relay.
pub(crate) fn budget(now: Instant) -> TokenBucket {
    TokenBucket::new(RATE, BURST, now)
}

/// The ids of verified wraps, of all relays.
#[derive(Debug, Default)]
pub(crate) struct SeenWraps(Mutex<Generations>);

impl SeenWraps {
    /// Returns whether a verified wrap with this id came before, from any relay.
    pub fn has(&self, id: &EventId) -> bool {
        self.lock().has(id)
    }

    /// Notes a wrap whose id and signature were verified. If others were noted, a relay could hide a
    /// message by serving an altered copy first.
    pub fn note(&self, id: EventId) {
        self.lock().add(id);
    }

    /// Forgets every wrap.
    pub fn forget(&self) {
        *self.lock() = Generations::default();
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bounded set: two generations, of which the older is forgotten at once.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<EventId>,
    old: HashSet<EventId>,
}

impl Generations {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> EventId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        EventId::from_byte_array(bytes)
    }

    #[test]
    fn the_number_of_remembered_wraps_is_bounded() {
        let seen = SeenWraps::default();
        for n in 0..2 * REMEMBERED {
            seen.note(id(n));
        }
        assert!(seen.has(&id(2 * REMEMBERED - 1)));
        assert!(seen.has(&id(2 * REMEMBERED - REMEMBERED / 2)));
        assert!(!seen.has(&id(0)));
        let seen = seen.lock();
        assert!(seen.young.len() + seen.old.len() <= REMEMBERED);
    }
}
