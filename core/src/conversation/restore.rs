//! Conversations as they were kept.

use std::collections::BTreeMap;

use super::conversations::Conversations;
use super::receive::inbound;
use super::state::{Receiving, Sending};
use crate::ids::{Conversation, PublicKey, RumorId, StreamId};
use crate::lane::{Inbound, Incoming, Outgoing, Pending};
use crate::record::{Lane, StreamIn, StreamOut};
use crate::rumor::{Rumor, Verified};
use crate::text::Text;
use crate::time::Time;
use crate::wire::decode;

/// A rumor that waits for its acknowledgement, as it was kept.
#[derive(Debug, Clone)]
pub struct OutboxEntry {
    /// The stream.
    pub stream: StreamId,
    /// The number.
    pub number: u64,
    /// The rumor.
    pub rumor: Rumor,
    /// Whether a relay took it.
    pub taken: bool,
    /// Time at which the rumor began to wait.
    pub since: Time,
}

/// A piece of a file that arrived, as it was kept. Its bytes stay in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredChunk {
    /// The stream.
    pub stream: StreamId,
    /// The number.
    pub number: u64,
    /// The rumor that brought it.
    pub rumor: RumorId,
    /// The number of bytes.
    pub size: u64,
}

/// Everything that was kept of conversations.
#[derive(Debug, Default)]
pub struct Kept {
    /// The sending streams, oldest first.
    pub streams_out: Vec<StreamOut>,
    /// The receiving streams.
    pub streams_in: Vec<StreamIn>,
    /// The rumors that wait for an acknowledgement.
    pub outbox: Vec<OutboxEntry>,
    /// The rumors that arrived out of order.
    pub out_of_order: Vec<(StreamId, u64, Rumor)>,
    /// The chunks of files that did not arrive in whole.
    pub chunks: Vec<StoredChunk>,
    /// The messages that were sent lately.
    pub recent: Vec<(Conversation, Text, u32, Time)>,
}

/// Finds the conversation of a stream.
type Index = BTreeMap<StreamId, Conversation>;

impl Conversations {
    /// Puts everything that was kept into place. The conversations of calls are open already.
    /// `rings` says whether a call was not answered yet, `under_way` whether a file is.
    pub fn restore(
        &mut self,
        (me, now): (PublicKey, Time),
        kept: Kept,
        rings: impl Fn(Conversation) -> bool,
        under_way: impl Fn(u32) -> bool,
    ) {
        let mut sending = Index::new();
        let mut receiving = Index::new();
        for record in kept.streams_out {
            if self.restore_outgoing(&record) {
                sending.insert(record.id, record.conversation);
            }
        }
        for record in kept.streams_in {
            if self.restore_incoming(&record, &under_way) {
                receiving.insert(record.id, record.conversation);
            }
        }
        for entry in kept.outbox {
            let Some(id) = sending.get(&entry.stream) else { continue };
            self.restore_pending(now, *id, entry, rings(*id));
        }
        for (stream, number, rumor) in kept.out_of_order {
            let Some(id) = receiving.get(&stream) else { continue };
            self.restore_buffered(me, *id, (stream, number), rumor);
        }
        for StoredChunk { stream, number, rumor, size } in kept.chunks {
            let state = receiving.get(&stream).and_then(|id| self.get_mut(*id));
            let Some(receiving) = state.and_then(|it| it.receiving.get_mut(&stream)) else {
                continue;
            };
            if number > receiving.incoming.upto {
                receiving.incoming.held.insert(number, Inbound::new(rumor, ()));
            }
            receiving.stored += size;
        }
        for (id, text, handle, at) in kept.recent {
            if let Some(state) = self.get_mut(id) {
                state.recent.push((text, handle, at));
            }
        }
        self.index_places();
    }

    /// Makes sure that a direct conversation is there. Returns false for a call that is not.
    fn is_there(&mut self, id: Conversation, peer: PublicKey) -> bool {
        if let Conversation::Direct(_) = id {
            self.open(peer, id);
        }
        self.get(id).is_some()
    }

    fn restore_outgoing(&mut self, record: &StreamOut) -> bool {
        if !self.is_there(record.conversation, record.peer) {
            return false;
        }
        let Some(state) = self.get_mut(record.conversation) else { return false };
        let stream = Outgoing {
            id: record.id,
            last: record.last,
            last_id: record.last_id,
            acked: record.acked,
            read: record.read,
            pending: BTreeMap::new(),
        };
        match record.lane {
            // The newest of several is in use; the store lists them oldest first.
            Lane::Text => state.text = Some(stream),
            Lane::Plain => state.plain = Some(stream),
            Lane::File(Some(file)) => {
                state.sending.insert(record.id, Sending { file, chunks: stream });
            }
            Lane::File(None) | Lane::Opening => {}
        }
        true
    }

    fn restore_incoming(&mut self, record: &StreamIn, under_way: impl Fn(u32) -> bool) -> bool {
        if !self.is_there(record.conversation, record.peer) {
            return false;
        }
        let Some(state) = self.get_mut(record.conversation) else { return false };
        match record.lane {
            Lane::File(file) => {
                let mut receiving = Receiving::new(record.id);
                receiving.file = file;
                receiving.done = file.is_some_and(|file| !under_way(file));
                receiving.incoming.upto = record.upto;
                receiving.incoming.upto_id = record.upto_id;
                state.receiving.insert(record.id, receiving);
            }
            Lane::Text | Lane::Plain | Lane::Opening => {
                let mut incoming = Incoming::new(record.id);
                incoming.upto = record.upto;
                incoming.upto_id = record.upto_id;
                incoming.read = record.read;
                state.incoming.insert(record.id, incoming);
            }
        }
        true
    }

    /// Puts a rumor into its stream that a relay took or not. A relay that took it is given time;
    /// a rumor that none took goes at once.
    fn restore_pending(&mut self, now: Time, id: Conversation, entry: OutboxEntry, rings: bool) {
        let rumor = entry.rumor.id();
        // A message that moved may have been heard where it was. In an earlier run it may have
        // gone out, unless it waits for the answer to a call.
        let exposed = entry.rumor.tag("was").is_some() || !rings;
        let pending = Pending {
            attempts: u32::from(entry.taken),
            taken: entry.taken,
            since: entry.since,
            exposed,
            ..Pending::new(now, entry.rumor, rumor)
        };
        let state = self.get_mut(id);
        if let Some((stream, _)) = state.and_then(|state| state.sending_stream(entry.stream)) {
            stream.pending.insert(entry.number, pending);
        }
    }

    fn restore_buffered(
        &mut self,
        me: PublicKey,
        id: Conversation,
        (stream, number): (StreamId, u64),
        rumor: Rumor,
    ) {
        let Ok(verified) = Verified::from_seal(rumor.pubkey, None, rumor) else { return };
        let Ok(packet) = decode(me, &verified) else { return };
        let state = self.get_mut(id);
        let Some(incoming) = state.and_then(|it| it.incoming.get_mut(&stream)) else { return };
        let inbound = inbound(packet);
        if inbound.void {
            incoming.voids.insert(number);
        }
        incoming.held.insert(number, inbound);
    }
}
