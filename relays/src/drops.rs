//! Inbound events that were dropped: the reasons, and how often each applied.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Relays that are counted one by one; the total counts all of them.
const RELAYS: usize = 256;

/// The reason why an inbound event was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// The event is larger than 128 KiB, or larger than the question that it answers allows.
    Oversized,
    /// The message of the relay cannot be parsed.
    Unreadable,
    /// The event came with a subscription that we do not have.
    NotRequested,
    /// An event with this id was taken before, most often from another relay.
    AlreadySeen,
    /// The relay sends more events than it may have checked.
    OverBudget,
    /// Too many events wait to be checked. The relay is asked for this one again.
    NoRoom,
    /// The id or the signature of the event is wrong.
    Unverified,
    /// The event is not a gift wrap.
    NotAWrap,
    /// The wrap is addressed to another key.
    NotForUs,
    /// The event has expired (NIP-40).
    Expired,
    /// The wrap or its seal cannot be decrypted.
    Undecryptable,
    /// The content of the wrap or of the seal cannot be parsed.
    Malformed,
    /// The content of the wrap is not a seal with a valid signature.
    SealUnverified,
    /// The rumor's author is not the seal's, or its id is wrong.
    Forged,
}

impl DropReason {
    /// Returns the name that status shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::Unreadable => "unreadable",
            Self::NotRequested => "not_requested",
            Self::AlreadySeen => "already_seen",
            Self::OverBudget => "over_budget",
            Self::NoRoom => "no_room",
            Self::Unverified => "unverified",
            Self::NotAWrap => "not_a_wrap",
            Self::NotForUs => "not_for_us",
            Self::Expired => "expired",
            Self::Undecryptable => "undecryptable",
            Self::Malformed => "malformed",
            Self::SealUnverified => "seal_unverified",
            Self::Forged => "forged",
        }
    }
}

/// Numbers of dropped events by reason.
pub type DropCounts = BTreeMap<DropReason, u64>;

/// The counters of all relays.
#[derive(Debug, Default)]
pub(crate) struct Drops(Mutex<Counters>);

#[derive(Debug, Default)]
struct Counters {
    total: DropCounts,
    relays: BTreeMap<String, DropCounts>,
}

impl Drops {
    /// Counts and logs a dropped event. `detail` must not quote the event.
    pub fn note(&self, relay: &str, reason: DropReason, detail: &str) {
        tracing::debug!(relay, reason = reason.as_str(), detail, "an event was dropped");
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counters.total.entry(reason).or_default() += 1;
        if !counters.relays.contains_key(relay) {
            if counters.relays.len() >= RELAYS {
                return;
            }
            counters.relays.insert(relay.to_owned(), DropCounts::new());
        }
        if let Some(counts) = counters.relays.get_mut(relay) {
            *counts.entry(reason).or_default() += 1;
        }
    }

    /// Returns the counts of all relays together.
    pub fn total(&self) -> DropCounts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total.clone()
    }

    /// Returns the counts of one relay.
    pub fn of(&self, relay: &str) -> DropCounts {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters.relays.get(relay).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_counted_by_relay_and_in_total_and_relays_are_bounded() {
        let drops = Drops::default();
        drops.note("wss://a", DropReason::Expired, "");
        drops.note("wss://b", DropReason::Expired, "");
        assert_eq!(drops.total(), [(DropReason::Expired, 2)].into());
        assert_eq!(drops.of("wss://a"), [(DropReason::Expired, 1)].into());
        assert!(drops.of("wss://c").is_empty());
        (0..2 * RELAYS).for_each(|n| drops.note(&n.to_string(), DropReason::Forged, ""));
        assert_eq!(drops.0.lock().unwrap().relays.len(), RELAYS);
        assert_eq!(drops.total()[&DropReason::Forged], 2 * RELAYS as u64);
    }
}
