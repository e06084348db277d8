//! Receiving side of a stream.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{RumorId, StreamId};
use crate::wire::Ack;

/// Maximum number of messages that are stored out of order.
const HELD_LIMIT: usize = 256;
/// Maximum distance of an out-of-order number from the gap.
const REACH: u64 = 4096;

/// Direction of a lane, as its receiver sees it. `T` is the value that is stored out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming<T> {
    /// Stream id.
    pub id: StreamId,
    /// Cumulative ack: highest number up to which everything is stored and released.
    pub upto: u64,
    /// Id of rumor `upto`, unless that rumor is a void.
    pub upto_id: Option<RumorId>,
    /// Highest number up to which the agent was shown everything.
    pub read: u64,
    /// Rumors that are stored out of order, beyond a gap.
    pub held: BTreeMap<u64, Inbound<T>>,
    /// True if the sender has not been told of the latest change.
    pub owes_ack: bool,
    /// Numbers that a void fills, as far as this run knows. The original rumors may still arrive,
    /// but are too late.
    pub voids: BTreeSet<u64>,
    /// True if a stored rumor contradicts the sender's account. Nothing more is accepted or
    /// acknowledged until the sender opens another stream.
    pub broken: bool,
}

/// Numbered rumor, reduced to the data that its stream needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound<T> {
    /// Rumor id.
    pub id: RumorId,
    /// Start of the id of the previous rumor, by the sender's account.
    pub prev: Option<[u8; 8]>,
    /// True if the rumor only fills a number.
    pub void: bool,
    /// Content.
    pub value: T,
}

impl<T> Inbound<T> {
    /// Returns a rumor that does not name the previous rumor.
    #[must_use]
    pub const fn new(id: RumorId, value: T) -> Self {
        Self { id, prev: None, void: false, value }
    }
}

/// Result of the arrival of a numbered rumor.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<T> {
    /// The rumor is already stored.
    Duplicate,
    /// A different rumor is stored under this number, or before it: a store was restored from a
    /// backup.
    Conflict,
    /// The rumor lies too far beyond the gap to be stored: the sender will repeat it.
    TooFar,
    /// The rumor is stored beyond a gap.
    OutOfOrder,
    /// These rumors are next in order.
    Released(Vec<(u64, RumorId, T)>),
}

impl<T> Incoming<T> {
    /// Returns an empty stream.
    #[must_use]
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            upto: 0,
            upto_id: None,
            read: 0,
            held: BTreeMap::new(),
            owes_ack: false,
            voids: BTreeSet::new(),
            broken: false,
        }
    }

    /// Takes in a rumor. The caller has checked by the rumor's id that it is new.
    pub fn arrive(&mut self, number: u64, inbound: Inbound<T>) -> Arrival<T> {
        if self.voids.contains(&number) {
            return Arrival::Duplicate;
        }
        let next = number == self.upto + 1;
        if number <= self.upto || self.broken || (next && !self.follows(&inbound)) {
            return Arrival::Conflict;
        }
        if let Some(held) = self.held.get(&number) {
            return if held.id == inbound.id { Arrival::Duplicate } else { Arrival::Conflict };
        }
        if !next && (self.held.len() >= HELD_LIMIT || number > self.upto + REACH) {
            return Arrival::TooFar;
        }
        self.owes_ack = true;
        if inbound.void {
            self.voids.insert(number);
        }
        self.held.insert(number, inbound);
        let mut released = Vec::new();
        while let Some(inbound) = self.held.remove(&(self.upto + 1)) {
            if !self.follows(&inbound) {
                self.broken = true;
                self.held.insert(self.upto + 1, inbound);
                break;
            }
            self.upto += 1;
            self.upto_id = (!inbound.void).then_some(inbound.id);
            released.push((self.upto, inbound.id, inbound.value));
        }
        if released.is_empty() { Arrival::OutOfOrder } else { Arrival::Released(released) }
    }

    /// Returns true if a rumor may follow the last stored rumor. A void replaces a rumor that was
    /// never received.
    fn follows(&self, inbound: &Inbound<T>) -> bool {
        match (inbound.prev, self.upto_id) {
            (Some(prev), Some(id)) => prev == id.start(),
            _ => true,
        }
    }

    /// Records that everything up to `number` was shown to the agent. Returns true if that is new.
    pub fn shown(&mut self, number: u64) -> bool {
        let read = number.min(self.upto);
        let news = read > self.read;
        self.read = self.read.max(read);
        news
    }

    /// Returns the acknowledgement, if the sender is owed an acknowledgement.
    pub fn take_ack(&mut self, disclose_read: bool) -> Option<Ack> {
        let owes = std::mem::take(&mut self.owes_ack) && !self.broken;
        owes.then(|| self.ack(disclose_read))
    }

    /// Returns the current acknowledgement.
    #[must_use]
    pub fn ack(&self, disclose_read: bool) -> Ack {
        let mut held: Vec<(u64, u64)> = Vec::new();
        for number in self.held.keys() {
            match held.last_mut() {
                Some((_, to)) if *to + 1 == *number => *to = *number,
                _ => held.push((*number, *number)),
            }
        }
        Ack {
            stream: self.id,
            upto: self.upto,
            id: self.upto_id.map(RumorId::start),
            read: if disclose_read { self.read } else { 0 },
            held,
        }
    }
}
