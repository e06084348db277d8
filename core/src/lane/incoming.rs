//! The receiving side of a stream.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{RumorId, StreamId};
use crate::wire::Ack;

/// Most messages that are held beyond a gap.
const HELD_LIMIT: usize = 256;
/// How far beyond a gap a number may lie.
const REACH: u64 = 4096;

/// One direction of one lane, as its receiver sees it. `T` is what is held beyond a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming<T> {
    /// The stream's id.
    pub id: StreamId,
    /// Everything up to here is stored and released.
    pub upto: u64,
    /// The id of rumor `upto`, unless that is a void.
    pub upto_id: Option<RumorId>,
    /// Everything up to here was shown to the agent.
    pub read: u64,
    /// What is stored beyond a gap.
    pub held: BTreeMap<u64, Inbound<T>>,
    /// Something changed that the sender was not told of.
    pub owes_ack: bool,
    /// Numbers that a void fills, as far as this run knows: what they were for may still come, and
    /// comes too late.
    pub voids: BTreeSet<u64>,
    /// A number holds something else than the sender says: nothing more is taken in or
    /// acknowledged here until it opens another stream.
    pub broken: bool,
}

/// A numbered rumor, as far as its stream is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound<T> {
    /// The rumor's id.
    pub id: RumorId,
    /// What its sender says is the start of the id of the rumor before it.
    pub prev: Option<[u8; 8]>,
    /// It only fills a number.
    pub void: bool,
    /// What it brings.
    pub value: T,
}

impl<T> Inbound<T> {
    /// One that says nothing of what is before it.
    #[must_use]
    pub const fn new(id: RumorId, value: T) -> Self {
        Self { id, prev: None, void: false, value }
    }
}

/// What a numbered rumor did.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<T> {
    /// It is stored already.
    Duplicate,
    /// Another rumor is stored under its number, or before it: a store was restored from a
    /// backup.
    Conflict,
    /// Beyond what can be held: it will come again.
    TooFar,
    /// Stored beyond a gap.
    OutOfOrder,
    /// These are next in order.
    Released(Vec<(u64, RumorId, T)>),
}

impl<T> Incoming<T> {
    /// An empty stream.
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

    /// Takes a rumor that was not seen before; the caller knows by its id.
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

    /// Whether a rumor may stand behind the last one. A void stands for one that was never seen.
    fn follows(&self, inbound: &Inbound<T>) -> bool {
        match (inbound.prev, self.upto_id) {
            (Some(prev), Some(id)) => prev == id.start(),
            _ => true,
        }
    }

    /// What was shown to the agent. Answers whether that is news.
    pub fn shown(&mut self, number: u64) -> bool {
        let read = number.min(self.upto);
        let news = read > self.read;
        self.read = self.read.max(read);
        news
    }

    /// The acknowledgement, if the sender is owed one.
    pub fn take_ack(&mut self, disclose_read: bool) -> Option<Ack> {
        let owes = std::mem::take(&mut self.owes_ack) && !self.broken;
        owes.then(|| self.ack(disclose_read))
    }

    /// The acknowledgement as it stands.
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
