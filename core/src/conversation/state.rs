//! The state of one conversation: its streams in both directions.

use std::collections::{BTreeMap, BTreeSet};

use super::change::ConversationChange;
use crate::context::Context;
use crate::ids::{Conversation, PublicKey, RumorId, StreamId};
use crate::lane::{Incoming, Outgoing, Schedule};
use crate::policy::Meter;
use crate::record::{Lane, StreamIn, StreamOut};
use crate::text::Text;
use crate::time::{Time, earlier};
use crate::wire::{Ack, Packet};

/// The most text streams that one peer may open in one conversation without anything in them, and
/// in all.
const STREAMS_LIMIT: usize = 8;
const STREAMS_EVER: usize = 256;
/// The most files at once.
pub const FILES_LIMIT: usize = 16;

/// A message that waits for the messages before it.
#[derive(Debug)]
pub struct Buffered {
    pub packet: Packet,
}

/// A file on its way out.
#[derive(Debug)]
pub struct Sending {
    pub file: u32,
    pub chunks: Outgoing,
}

/// A file on its way in. Chunks may come before the offer that names it.
#[derive(Debug)]
pub struct Receiving {
    pub file: Option<u32>,
    pub incoming: Incoming<()>,
    /// The bytes of the pieces that are stored.
    pub stored: u64,
    /// True once no more pieces are taken in.
    pub done: bool,
}

impl Receiving {
    pub fn new(stream: StreamId) -> Self {
        let incoming = Incoming::new(stream);
        Self { file: None, incoming, stored: 0, done: false }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct ConversationState {
    pub peer: PublicKey,
    pub id: Conversation,
    /// True while messages may travel: always, but in a call that was not answered.
    pub open: bool,
    /// The handle of the opening message of a call.
    pub opening: Option<u32>,
    /// The text stream to a daemon like this one.
    pub text: Option<Outgoing>,
    /// The messages to an ordinary app.
    pub plain: Option<Outgoing>,
    /// The second in which the last message to an ordinary app was written.
    pub plain_at: u64,
    pub incoming: BTreeMap<StreamId, Incoming<Buffered>>,
    pub sending: BTreeMap<StreamId, Sending>,
    pub receiving: BTreeMap<StreamId, Receiving>,
    /// Time at which acknowledgements are sent in rumors of their own.
    pub ack_due: Option<Time>,
    /// The text streams that were acknowledged since a relay came back last.
    pub acknowledged: BTreeSet<StreamId>,
    /// Messages that were sent lately: agents that were killed repeat themselves.
    pub recent: Vec<(Text, u32, Time)>,
    /// The limits of what we send here.
    pub meters: Option<Vec<Meter>>,
    /// True while the daemon computes the transcript's digests.
    pub digesting: bool,
}

impl ConversationState {
    /// Returns an empty conversation. A call opens once it is answered.
    pub fn new(peer: PublicKey, id: Conversation) -> Self {
        Self {
            peer,
            id,
            open: matches!(id, Conversation::Direct(_)),
            opening: None,
            text: None,
            plain: None,
            plain_at: 0,
            incoming: BTreeMap::new(),
            sending: BTreeMap::new(),
            receiving: BTreeMap::new(),
            ack_due: None,
            acknowledged: BTreeSet::new(),
            recent: Vec::new(),
            meters: None,
            digesting: false,
        }
    }

    /// Returns when something is due here. Messages move only while the conversation is open, and
    /// nothing is acknowledged before `quiet` is over.
    pub fn next_timeout(&self, schedule: &Schedule, quiet: Time) -> Option<Time> {
        let ack_due = self.ack_due.map(|at| at.max(quiet));
        earlier(ack_due, if self.open { self.streams_due(schedule) } else { None })
    }

    /// Returns when something is due in a sending stream.
    pub fn streams_due(&self, schedule: &Schedule) -> Option<Time> {
        self.outgoing().map(|(stream, _)| stream.next_timeout(schedule)).fold(None, earlier)
    }

    /// Returns every sending stream and its lane.
    pub fn outgoing(&self) -> impl Iterator<Item = (&Outgoing, Lane)> {
        let text = self.text.iter().map(|stream| (stream, Lane::Text));
        let plain = self.plain.iter().map(|stream| (stream, Lane::Plain));
        let files =
            self.sending.values().map(|sending| (&sending.chunks, Lane::File(Some(sending.file))));
        text.chain(plain).chain(files)
    }

    /// Returns every sending stream and its lane, to change.
    pub fn outgoing_mut(&mut self) -> impl Iterator<Item = (&mut Outgoing, Lane)> {
        let text = self.text.iter_mut().map(|stream| (stream, Lane::Text));
        let plain = self.plain.iter_mut().map(|stream| (stream, Lane::Plain));
        let files = self
            .sending
            .values_mut()
            .map(|sending| (&mut sending.chunks, Lane::File(Some(sending.file))));
        text.chain(plain).chain(files)
    }

    /// Takes out the acknowledgements that are owed, at most `room`.
    pub fn owed(&mut self, disclose_read: bool, room: usize) -> Vec<Ack> {
        let texts = self.incoming.values_mut().filter_map(|i| i.take_ack(disclose_read));
        let mut acks: Vec<Ack> = texts.take(room).collect();
        let files = self.receiving.values_mut();
        let files = files.filter_map(|r| r.incoming.take_ack(disclose_read));
        acks.extend(files.take(room - acks.len()));
        if !self.owes() {
            self.ack_due = None;
        }
        self.acknowledged.extend(acks.iter().map(|ack| ack.stream));
        acks
    }

    /// Owes the acknowledgements since the last time again: nobody confirms them, and they may
    /// have gone nowhere.
    pub fn owe_again(&mut self, due: Time) {
        for stream in std::mem::take(&mut self.acknowledged) {
            if let Some(incoming) = self.incoming.get_mut(&stream) {
                incoming.owes_ack = true;
                self.ack_due = Some(self.ack_due.unwrap_or(due));
            }
        }
    }

    /// Owes an acknowledgement soon, unless one is due already.
    pub fn owe(&mut self, due: Time) {
        self.ack_due = Some(self.ack_due.unwrap_or(due));
    }

    fn owes(&self) -> bool {
        self.incoming.values().any(|incoming| incoming.owes_ack)
            || self.receiving.values().any(|receiving| receiving.incoming.owes_ack)
    }

    /// Drops the acknowledgements that are owed. A message that the sender repeats is owed one
    /// again.
    pub fn owe_nothing(&mut self) {
        self.ack_due = None;
        self.incoming.values_mut().for_each(|incoming| incoming.owes_ack = false);
        self.receiving.values_mut().for_each(|receiving| receiving.incoming.owes_ack = false);
    }

    /// Returns true if nothing is on its way out of here.
    pub fn is_idle(&self) -> bool {
        self.ack_due.is_none() && self.is_acknowledged()
    }

    /// Returns true if every message of ours was acknowledged or given up.
    pub fn is_acknowledged(&self) -> bool {
        self.outgoing().all(|(stream, _)| stream.pending.is_empty())
    }

    /// Returns true if the sender may open one more text stream. A sender that only makes gaps
    /// would fill our memory.
    pub fn takes_stream(&self) -> bool {
        let gaps = self.incoming.values().filter(|incoming| incoming.upto == 0).count();
        gaps < STREAMS_LIMIT && self.incoming.len() < STREAMS_EVER
    }

    /// Takes out a message that arrived out of order.
    pub fn take_buffered(&mut self, rumor: RumorId) -> Option<Packet> {
        self.incoming.values_mut().find_map(|incoming| {
            let (number, _) = incoming.held.iter().find(|(_, held)| held.id == rumor)?;
            let number = *number;
            incoming.held.remove(&number).map(|held| held.value.packet)
        })
    }

    /// Returns the last number of every sending stream.
    pub fn last_numbers(&self) -> BTreeMap<StreamId, u64> {
        self.outgoing().map(|(stream, _)| (stream.id, stream.last)).collect()
    }

    /// Returns the record of a sending stream.
    pub fn stream_out(&self, stream: &Outgoing, lane: Lane) -> StreamOut {
        StreamOut {
            id: stream.id,
            conversation: self.id,
            peer: self.peer,
            lane,
            last: stream.last,
            last_id: stream.last_id,
            acked: stream.acked,
            read: stream.read,
        }
    }

    /// Returns the record of a receiving stream.
    pub fn stream_in<T>(&self, stream: &Incoming<T>, lane: Lane) -> StreamIn {
        StreamIn {
            id: stream.id,
            conversation: self.id,
            peer: self.peer,
            lane,
            upto: stream.upto,
            upto_id: stream.upto_id,
            read: stream.read,
        }
    }

    /// Makes a receiving text stream durable as it is now.
    pub fn persist_incoming(&self, ctx: &mut Context, stream: StreamId) {
        if let Some(incoming) = self.incoming.get(&stream) {
            ctx.persist(ConversationChange::StreamIn(self.stream_in(incoming, Lane::Text)));
        }
    }

    /// Makes a stream of chunks durable as it is now.
    pub fn persist_receiving(&self, ctx: &mut Context, stream: StreamId) {
        if let Some(receiving) = self.receiving.get(&stream) {
            let record = self.stream_in(&receiving.incoming, Lane::File(receiving.file));
            ctx.persist(ConversationChange::StreamIn(record));
        }
    }

    /// Returns the record of the sending stream with this id.
    pub fn record_out(&self, stream: StreamId) -> Option<StreamOut> {
        let found = self.outgoing().find(|(known, _)| known.id == stream);
        found.map(|(stream, lane)| self.stream_out(stream, lane))
    }

    /// Returns the sending stream with this id and its lane, to change.
    pub fn sending_stream(&mut self, stream: StreamId) -> Option<(&mut Outgoing, Lane)> {
        self.outgoing_mut().find(|(known, _)| known.id == stream)
    }
}
