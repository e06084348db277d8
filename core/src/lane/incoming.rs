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
    /// The id of rumor `upto`.
    pub upto_id: Option<RumorId>,
    /// Everything up to here was shown to the agent.
    pub read: u64,
    /// What is stored beyond a gap.
    pub held: BTreeMap<u64, (RumorId, T)>,
    /// Something changed that the sender was not told of.
    pub owes_ack: bool,
    /// Numbers that a void fills, as far as this run knows: what they were for may still come, and
    /// comes too late.
    pub voids: BTreeSet<u64>,
    /// A number held something else than the sender says: nothing more is taken in or
    /// acknowledged here until it opens another stream.
    pub broken: bool,
}

/// What a numbered rumor did.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<T> {
    /// It is stored already.
    Duplicate,
    /// Another rumor is stored under its number: a store was restored from a backup.
    Conflict,
    /// Beyond what can be held: it will come again.
    TooFar,
    /// Stored beyond a gap.
    Held,
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
    pub fn arrive(&mut self, number: u64, id: RumorId, value: T) -> Arrival<T> {
        if self.voids.contains(&number) {
            return Arrival::Duplicate;
        }
        if number <= self.upto || self.broken {
            return Arrival::Conflict;
        }
        if let Some((held, _)) = self.held.get(&number) {
            return if *held == id { Arrival::Duplicate } else { Arrival::Conflict };
        }
        if number > self.upto + 1 && (self.held.len() >= HELD_LIMIT || number > self.upto + REACH) {
            return Arrival::TooFar;
        }
        self.owes_ack = true;
        self.held.insert(number, (id, value));
        let mut released = Vec::new();
        while let Some((id, value)) = self.held.remove(&(self.upto + 1)) {
            self.upto += 1;
            self.upto_id = Some(id);
            released.push((self.upto, id, value));
        }
        if released.is_empty() { Arrival::Held } else { Arrival::Released(released) }
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
            id: self.upto_id.map(|RumorId(id)| {
                let mut start = [0; 8];
                start.copy_from_slice(&id[..8]);
                start
            }),
            read: if disclose_read { self.read } else { 0 },
            held,
        }
    }
}
