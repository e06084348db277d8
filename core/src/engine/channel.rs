//! The lanes of one conversation, both directions.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Conversation, PublicKey, RumorId, StreamId};
use crate::lane::{Incoming, Outgoing, Schedule};
use crate::policy::Meter;
use crate::record::{Lane, StreamIn, StreamOut};
use crate::rumor::Rumor;
use crate::text::{Blob, Text};
use crate::time::{Time, earlier};
use crate::wire::{Ack, Packet};

/// Most streams of words that one peer may open in one conversation without anything in them,
/// and in all.
const STREAMS_LIMIT: usize = 8;
const STREAMS_EVER: usize = 256;
/// Most files at once.
pub(super) const FILES_LIMIT: usize = 16;

/// A message beyond a gap.
#[derive(Debug)]
pub(super) struct Parked {
    pub packet: Packet,
}

/// A file on its way out.
#[derive(Debug)]
pub(super) struct Sending {
    pub file: u32,
    pub chunks: Outgoing,
}

/// A file on its way in. Chunks may come before the offer that names it.
#[derive(Debug)]
pub(super) struct Receiving {
    pub file: Option<u32>,
    pub incoming: Incoming<()>,
    pub chunks: BTreeMap<u64, Blob>,
    pub done: bool,
}

impl Receiving {
    pub fn new(stream: StreamId) -> Self {
        let incoming = Incoming::new(stream);
        Self { file: None, incoming, chunks: BTreeMap::new(), done: false }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Channel {
    pub peer: PublicKey,
    pub conversation: Conversation,
    /// Handle of the opening message of a call.
    pub opening: Option<u32>,
    pub words: Option<Outgoing>,
    /// Words to an ordinary app.
    pub plain: Option<Outgoing>,
    /// The second in which the last of them was written.
    pub plain_at: u64,
    pub incoming: BTreeMap<StreamId, Incoming<Parked>>,
    pub sending: BTreeMap<StreamId, Sending>,
    pub receiving: BTreeMap<StreamId, Receiving>,
    pub ack_due: Option<Time>,
    /// Streams of words that were acknowledged since a relay came back last.
    pub acknowledged: BTreeSet<StreamId>,
    /// What was said lately: killed agents type again.
    pub recent: Vec<(Text, u32, Time)>,
    /// How often we may speak here.
    pub meters: Option<Vec<Meter>>,
    /// The host was asked to sum up what is kept.
    pub tallying: bool,
}

impl Channel {
    pub fn new(peer: PublicKey, conversation: Conversation) -> Self {
        Self {
            peer,
            conversation,
            opening: None,
            words: None,
            plain: None,
            plain_at: 0,
            incoming: BTreeMap::new(),
            sending: BTreeMap::new(),
            receiving: BTreeMap::new(),
            ack_due: None,
            acknowledged: BTreeSet::new(),
            recent: Vec::new(),
            meters: None,
            tallying: false,
        }
    }

    /// When anything here is due. Messages move only while the conversation is `open`, and
    /// nothing is acknowledged before `quiet` is over.
    pub fn next_timeout(&self, schedule: &Schedule, open: bool, quiet: Time) -> Option<Time> {
        let ack_due = self.ack_due.map(|at| at.max(quiet));
        earlier(ack_due, if open { self.lanes_due(schedule) } else { None })
    }

    /// When something is due in a sending stream.
    pub fn lanes_due(&self, schedule: &Schedule) -> Option<Time> {
        self.outgoing().map(|(lane, _)| lane.next_timeout(schedule)).fold(None, earlier)
    }

    /// Every sending stream and what it carries.
    pub fn outgoing(&self) -> impl Iterator<Item = (&Outgoing, Lane)> {
        let words = self.words.iter().map(|stream| (stream, Lane::Text));
        let plain = self.plain.iter().map(|stream| (stream, Lane::Plain));
        let files =
            self.sending.values().map(|sending| (&sending.chunks, Lane::File(Some(sending.file))));
        words.chain(plain).chain(files)
    }

    /// The same, to change.
    pub fn outgoing_mut(&mut self) -> impl Iterator<Item = (&mut Outgoing, Lane)> {
        let words = self.words.iter_mut().map(|stream| (stream, Lane::Text));
        let plain = self.plain.iter_mut().map(|stream| (stream, Lane::Plain));
        let files = self
            .sending
            .values_mut()
            .map(|sending| (&mut sending.chunks, Lane::File(Some(sending.file))));
        words.chain(plain).chain(files)
    }

    /// Takes out at most `room` of the acknowledgements that are owed.
    pub fn owed(&mut self, disclose_read: bool, room: usize) -> Vec<Ack> {
        let words = self.incoming.values_mut().filter_map(|i| i.take_ack(disclose_read));
        let mut acks: Vec<Ack> = words.take(room).collect();
        let files = self.receiving.values_mut();
        let files = files.filter_map(|r| r.incoming.take_ack(disclose_read));
        acks.extend(files.take(room - acks.len()));
        if !self.owes() {
            self.ack_due = None;
        }
        self.acknowledged.extend(acks.iter().map(|ack| ack.stream));
        acks
    }

    /// Nobody confirms an acknowledgement: those since the last time may have gone nowhere.
    pub fn owe_again(&mut self, due: Time) {
        for stream in std::mem::take(&mut self.acknowledged) {
            if let Some(incoming) = self.incoming.get_mut(&stream) {
                incoming.owes_ack = true;
                self.ack_due = Some(self.ack_due.unwrap_or(due));
            }
        }
    }

    fn owes(&self) -> bool {
        self.incoming.values().any(|incoming| incoming.owes_ack)
            || self.receiving.values().any(|receiving| receiving.incoming.owes_ack)
    }

    /// Lets the sender wait: what it repeats is owed again.
    pub fn owe_nothing(&mut self) {
        self.ack_due = None;
        self.incoming.values_mut().for_each(|incoming| incoming.owes_ack = false);
        self.receiving.values_mut().for_each(|receiving| receiving.incoming.owes_ack = false);
    }

    /// Whether nothing is under way out of here.
    pub fn is_idle(&self) -> bool {
        self.ack_due.is_none() && self.outgoing().all(|(stream, _)| stream.pending.is_empty())
    }

    /// Whether a sender may open one more stream of words here: one that only makes gaps fills
    /// our memory.
    pub fn takes_stream(&self) -> bool {
        let gaps = self.incoming.values().filter(|incoming| incoming.upto == 0).count();
        gaps < STREAMS_LIMIT && self.incoming.len() < STREAMS_EVER
    }

    /// Takes a message out of what is held beyond a gap.
    pub fn take_held(&mut self, rumor: RumorId) -> Option<Packet> {
        self.incoming.values_mut().find_map(|incoming| {
            let (number, _) = incoming.held.iter().find(|(_, held)| held.id == rumor)?;
            let number = *number;
            incoming.held.remove(&number).map(|held| held.value.packet)
        })
    }

    /// The last number of every sending stream.
    pub fn last_numbers(&self) -> BTreeMap<StreamId, u64> {
        self.outgoing().map(|(stream, _)| (stream.id, stream.last)).collect()
    }

    pub fn stream_out(&self, stream: &Outgoing, lane: Lane) -> StreamOut {
        StreamOut {
            id: stream.id,
            conversation: self.conversation,
            peer: self.peer,
            lane,
            last: stream.last,
            last_id: stream.last_id,
            acked: stream.acked,
            read: stream.read,
        }
    }

    pub fn stream_in<T>(&self, stream: &Incoming<T>, lane: Lane) -> StreamIn {
        StreamIn {
            id: stream.id,
            conversation: self.conversation,
            peer: self.peer,
            lane,
            upto: stream.upto,
            upto_id: stream.upto_id,
            read: stream.read,
        }
    }

    /// The sending stream that holds this rumor, what it carries, and the number.
    pub fn find(&mut self, rumor: RumorId) -> Option<(&mut Outgoing, Lane, u64)> {
        self.outgoing_mut().find_map(|(stream, lane)| {
            let number = stream.taken(rumor)?;
            Some((stream, lane, number))
        })
    }
}

/// A rumor to send, with what decides its urgency.
pub(super) type Due = (Lane, Rumor);
