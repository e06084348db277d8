//! Keys with which this agent had contact: standing, kind of software, and recent amount of
//! messages.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ids::PublicKey;
use crate::peer::change::PeerChange;
use crate::policy::{Meter, Rate, Settings};
use crate::record::{Peer, Speaks, Standing};
use crate::time::Time;

/// A peer that was silent for as long as a presence lives, and shows itself, is back: whatever
/// waits for it is worth another try at once.
const SEEN_AGAIN: Duration = crate::presence::LIFETIME;
/// Direct messages that all strangers together may leave in a minute.
const STRANGERS_RATE: u32 = 10;

/// See the module's documentation.
pub struct Peers {
    known: BTreeMap<PublicKey, Peer>,
    last_seen: BTreeMap<PublicKey, Time>,
    /// For each peer, its messages and their bytes.
    meters: BTreeMap<PublicKey, (Meter, Meter)>,
    strangers: Meter,
}

impl Peers {
    /// Returns the peers as they were kept.
    pub fn new(now: Time, kept: Vec<Peer>) -> Self {
        Self {
            known: kept.into_iter().map(|peer| (peer.key, peer)).collect(),
            last_seen: BTreeMap::new(),
            meters: BTreeMap::new(),
            strangers: Meter::full(now, Rate::a_minute(STRANGERS_RATE)),
        }
    }

    /// Returns the record of a key.
    pub fn get(&self, key: PublicKey) -> Option<&Peer> {
        self.known.get(&key)
    }

    /// Returns every known key.
    pub fn all(&self) -> impl Iterator<Item = &Peer> {
        self.known.values()
    }

    /// Returns the standing of a key.
    pub fn standing(&self, key: PublicKey) -> Standing {
        self.get(key).map_or(Standing::Stranger, |peer| peer.standing)
    }

    /// Returns the kind of software behind a key.
    pub fn speaks(&self, key: PublicKey) -> Speaks {
        self.get(key).map_or(Speaks::Unknown, |peer| peer.speaks)
    }

    /// Changes the record of a key. Returns the change, if the record differs.
    #[must_use]
    pub fn update(
        &mut self,
        now: Time,
        key: PublicKey,
        change: impl FnOnce(&mut Peer),
    ) -> Option<PeerChange> {
        let known = self.known.get(&key);
        let mut peer = known.cloned().unwrap_or_else(|| Peer::stranger(key, now));
        change(&mut peer);
        if known == Some(&peer) {
            return None;
        }
        self.known.insert(key, peer.clone());
        Some(PeerChange::Put(peer))
    }

    /// Removes a key. Returns the change, if the key was known.
    #[must_use]
    pub fn forget(&mut self, key: PublicKey) -> Option<PeerChange> {
        self.last_seen.remove(&key);
        self.known.remove(&key).map(|_| PeerChange::Gone(key))
    }

    /// Returns true if a key was seen so lately that it still counts as present.
    pub fn was_seen_lately(&self, now: Time, key: PublicKey) -> bool {
        self.last_seen.get(&key).is_some_and(|last| now.since(*last) < SEEN_AGAIN)
    }

    /// Returns the last sign of life of a key in this run.
    pub fn last_seen(&self, key: PublicKey) -> Option<Time> {
        self.last_seen.get(&key).copied()
    }

    /// Records a sign of life. Returns true if the peer was silent before.
    pub fn seen(&mut self, now: Time, key: PublicKey) -> bool {
        let back = !self.was_seen_lately(now, key);
        self.last_seen.insert(key, now);
        back
    }

    /// Forgets when a key was last seen.
    pub fn unsee(&mut self, key: PublicKey) {
        self.last_seen.remove(&key);
    }

    /// Takes the place of one more direct message of a stranger, if there is one.
    pub fn take_stranger(&mut self, now: Time) -> bool {
        self.strangers.take(now, 1)
    }

    /// Counts one more message of a peer, unless it sent too much lately. A message that is not
    /// taken in comes again.
    pub fn within_rate(
        &mut self,
        now: Time,
        settings: &Settings,
        from: PublicKey,
        bytes: usize,
    ) -> bool {
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        let (messages, bytes) = self.meters.entry(from).or_insert_with(|| {
            let messages = Meter::full(now, Rate::a_minute(settings.receives));
            (messages, Meter::full(now, Rate::an_hour(settings.receive_bytes)))
        });
        bytes.has(now, size) && messages.take(now, 1) && bytes.take(now, size)
    }

    /// Removes the meters that are full again.
    pub fn sweep(&mut self, now: Time) {
        self.meters.retain(|_, (_, bytes)| now.since(bytes.last()) < Meter::LONGEST);
    }
}
