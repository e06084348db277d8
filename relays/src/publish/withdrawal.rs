//! Withdrawal of messages. The gate tracks which rumors have been transmitted in this run;
//! untransmitted rumors can still be withdrawn.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use p2p_core::RumorId;

/// Rumors that are remembered. Past that, every rumor counts as transmitted.
const LIMIT: usize = 1 << 20;

/// The gate that each message passes right before it is transmitted to any relay.
#[derive(Debug, Default)]
pub(crate) struct WithdrawalGate(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The first bytes of ids: two that are alike only make the second rumor count as transmitted.
    transmitted: HashSet<[u8; 8]>,
    withdrawn: HashSet<RumorId>,
}

impl WithdrawalGate {
    /// Returns whether a rumor may be transmitted now. From then on it cannot be withdrawn.
    pub fn pass(&self, rumor: RumorId) -> bool {
        let mut known = self.lock();
        let may = !known.withdrawn.contains(&rumor);
        if may && known.transmitted.len() < LIMIT {
            known.transmitted.insert(rumor.start());
        }
        may
    }

    /// Withdraws all of these rumors, or none. Returns true when no relay was sent one of them, nor
    /// ever will be.
    pub fn withdraw(&self, rumors: &[RumorId]) -> bool {
        let mut known = self.lock();
        let known = &mut *known;
        let free = known.transmitted.len() < LIMIT
            && !rumors.iter().any(|rumor| known.transmitted.contains(&rumor.start()));
        if free {
            known.withdrawn.extend(rumors);
        }
        free
    }

    /// Takes a withdrawal back.
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
    fn transmitted_rumors_cannot_be_withdrawn_and_withdrawn_ones_not_transmitted() {
        let [a, b, c] = [1, 2, 3].map(|n| RumorId([n; 32]));
        let gate = WithdrawalGate::default();
        assert!(gate.pass(a));
        assert!(!gate.withdraw(&[a]));
        assert!(!gate.withdraw(&[b, a]), "all or none");
        assert!(gate.pass(b));
        assert!(gate.withdraw(&[c]));
        assert!(!gate.pass(c));
        gate.readmit(&[c]);
        assert!(gate.pass(c) && !gate.withdraw(&[c]));
    }
}
