//! What ever left for a relay in this run: what did not can be withdrawn, and never will.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use p2p_core::RumorId;

/// Rumors that are remembered: past that, none is known not to have left.
const LIMIT: usize = 1 << 20;

/// The gate that each message passes right before it is transmitted, for whichever relay.
#[derive(Debug, Default)]
pub(super) struct Wire(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The beginnings of their ids: two that are alike only make the second one look sent.
    left: HashSet<[u8; 8]>,
    withdrawn: HashSet<RumorId>,
}

impl Wire {
    /// Whether a rumor may be transmitted now. From then on it cannot be withdrawn.
    pub fn leaves(&self, rumor: RumorId) -> bool {
        let mut known = self.lock();
        let may = !known.withdrawn.contains(&rumor);
        if may && known.left.len() < LIMIT {
            known.left.insert(rumor.start());
        }
        may
    }

    /// Withdraws all of these, or none: true when no relay was ever sent one of them, nor will be.
    pub fn withdraw(&self, rumors: &[RumorId]) -> bool {
        let mut known = self.lock();
        let known = &mut *known;
        let free = known.left.len() < LIMIT
            && !rumors.iter().any(|rumor| known.left.contains(&rumor.start()));
        if free {
            known.withdrawn.extend(rumors);
        }
        free
    }

    /// Takes that back.
    pub fn readmit(&self, rumors: &[RumorId]) {
        let mut known = self.lock();
        known.withdrawn.retain(|rumor| !rumors.contains(rumor));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_stays_out_and_what_was_withdrawn_stays_in() {
        let [a, b, c] = [1, 2, 3].map(|n| RumorId([n; 32]));
        let wire = Wire::default();
        assert!(wire.leaves(a));
        assert!(!wire.withdraw(&[a]));
        assert!(!wire.withdraw(&[b, a]), "all or none");
        assert!(wire.leaves(b));
        assert!(wire.withdraw(&[c]));
        assert!(!wire.leaves(c));
        wire.readmit(&[c]);
        assert!(wire.leaves(c) && !wire.withdraw(&[c]));
    }
}
