//! Our key, and the events that it signs about ourselves.

use std::sync::atomic::{AtomicU64, Ordering};

use nostr::{Event, EventBuilder, Keys, Kind, Tag, Timestamp};
use p2p_core::{PublicKey, Time};

/// Our key pair.
#[derive(Debug)]
pub(crate) struct Identity {
    pub keys: Keys,
    pub public: PublicKey,
    last_stamp: AtomicU64,
}

impl Identity {
    /// Returns the identity of a key pair.
    pub fn new(keys: Keys) -> Self {
        let public = PublicKey(keys.public_key().to_bytes());
        Self { keys, public, last_stamp: AtomicU64::new(0) }
    }

    /// Signs an event about ourselves. No two have the same time: of two replaceable events of the
    /// same second, relays keep the one with the lower id (NIP-01).
    pub fn sign(
        &self,
        kind: u16,
        tags: Vec<Vec<String>>,
        content: &str,
        now: Time,
    ) -> Option<Event> {
        let next = |last: u64| now.secs().max(last.saturating_add(1));
        let last = self
            .last_stamp
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)))
            .unwrap_or_default();
        let event = EventBuilder::new(Kind::from(kind), content)
            .tags(tags.into_iter().filter_map(|tag| Tag::parse(tag).ok()))
            .custom_created_at(Timestamp::from(next(last)))
            .sign_with_keys(&self.keys);
        event.inspect_err(|error| tracing::error!(%error, kind, "cannot sign")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_events_have_the_same_time() {
        let identity = Identity::new(Keys::generate());
        let at = |secs| {
            let event = identity.sign(0, vec![], "", Time::from_secs(secs)).unwrap();
            event.created_at.as_secs()
        };
        assert_eq!([at(10), at(10), at(9), at(20)], [10, 11, 12, 20]);
    }
}
