//! An agent's disk: it applies changes as the real store does, and is as strict.

use std::collections::BTreeMap;
use std::time::Duration;

use p2p_core::call::{Call, State, WORD_LIFETIME};
use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, HumanChange, PeerChange, TransferChange,
};
use p2p_core::digest::Digest;
use p2p_core::engine::{OutboxEntry, Snapshot, StoredChunk};
use p2p_core::record::{
    Content, Counters, Delivery, Event, File, FileState, Message, Note, Owner, Peer, Question,
    Standing, StreamIn, StreamOut, Tombstone,
};
use p2p_core::transfer::assembly::{Assembly, AssemblyFault, ContentCheck};
use p2p_core::{CallId, Conversation, PublicKey, Rumor, RumorId, StreamId, Time};

use super::Fault;

/// The same words within this time are the same message.
const REPEATED: Duration = Duration::from_secs(120);

/// A model of the store.
#[derive(Debug, Default, Clone)]
pub struct Store {
    counters: Counters,
    /// Keys.
    pub peers: BTreeMap<PublicKey, Peer>,
    /// Calls.
    pub calls: BTreeMap<CallId, Call>,
    /// Messages by handle.
    pub messages: BTreeMap<u32, Message>,
    order: Vec<StreamId>,
    /// Sending streams.
    pub streams_out: BTreeMap<StreamId, StreamOut>,
    /// Receiving streams.
    pub streams_in: BTreeMap<StreamId, StreamIn>,
    /// Messages that wait for acknowledgement.
    pub outbox: BTreeMap<(StreamId, u64), OutboxEntry>,
    held: BTreeMap<(StreamId, u64), Rumor>,
    chunks: BTreeMap<(StreamId, u64), (RumorId, Vec<u8>)>,
    /// Files by handle.
    pub files: BTreeMap<u32, File>,
    seen: BTreeMap<RumorId, Time>,
    tombstones: BTreeMap<CallId, Tombstone>,
    /// The event log.
    pub events: Vec<Event>,
    /// Owners.
    pub owners: Vec<Owner>,
    /// Questions by handle.
    pub questions: BTreeMap<u32, Question>,
    notes: Vec<Note>,
}

impl Store {
    /// Writes a change.
    ///
    /// # Errors
    /// When the real store would refuse it.
    pub fn apply(&mut self, change: Change) -> Result<(), Fault> {
        match change {
            Change::EventLog(EventLogChange::Counters(counters)) => self.counters = counters,
            Change::Peer(PeerChange::Put(peer)) => {
                self.peers.insert(peer.key, peer);
            }
            Change::Peer(PeerChange::Gone(key)) => {
                self.peers.remove(&key);
            }
            Change::Call(CallChange::Put(call)) => {
                self.calls.insert(call.id, *call);
            }
            Change::Conversation(ConversationChange::Message(message)) => {
                return self.message(*message);
            }
            Change::Conversation(ConversationChange::Relays { rumor, accepted, .. }) => {
                let queued = |message: &&mut Message| {
                    matches!(message.delivery, Delivery::Queued | Delivery::Cancelled)
                };
                if let Some(message) = self.sent(rumor).filter(queued).filter(|_| accepted > 0) {
                    message.delivery = Delivery::Sent;
                }
            }
            Change::Conversation(ConversationChange::Delivered(rumor)) => {
                if let Some(message) = self.sent(rumor) {
                    message.delivery = Delivery::Delivered;
                }
            }
            Change::Conversation(ConversationChange::Undelivered(rumor)) => {
                let open = |message: &&mut Message| {
                    matches!(message.delivery, Delivery::Queued | Delivery::Sent)
                };
                if let Some(message) = self.sent(rumor).filter(open) {
                    message.delivery = Delivery::Undelivered;
                }
            }
            Change::Conversation(ConversationChange::Cancelled(rumor)) => {
                if let Some(message) = self.sent(rumor) {
                    if message.delivery != Delivery::Queued {
                        return Err(format!("m{} is out and was cancelled", message.handle));
                    }
                    message.delivery = Delivery::Cancelled;
                }
            }
            Change::Conversation(ConversationChange::Moved {
                from,
                to,
                conversation,
                slot,
                claimed_at,
            }) => {
                if let Some(message) = self.sent(from) {
                    if message.conversation != conversation {
                        message.delivery = Delivery::Queued;
                    }
                    (message.rumor, message.slot) = (to, Some(slot));
                    (message.conversation, message.claimed_at) = (conversation, claimed_at);
                }
            }
            Change::Conversation(ConversationChange::StreamOut(stream)) => {
                if self.streams_out.insert(stream.id, stream.clone()).is_none() {
                    self.order.push(stream.id);
                }
            }
            Change::Conversation(ConversationChange::StreamIn(stream)) => {
                self.held.retain(|(id, number), _| *id != stream.id || *number > stream.upto);
                self.streams_in.insert(stream.id, stream);
            }
            Change::Conversation(ConversationChange::Outbox { stream, number, rumor, since }) => {
                let entry = OutboxEntry { stream, number, rumor: *rumor, taken: false, since };
                self.outbox.insert((stream, number), entry);
            }
            Change::Conversation(ConversationChange::Taken(stream, number)) => {
                if let Some(entry) = self.outbox.get_mut(&(stream, number)) {
                    entry.taken = true;
                }
            }
            Change::Conversation(ConversationChange::OutboxDone(stream, upto)) => {
                self.outbox.retain(|(id, number), _| *id != stream || *number > upto);
            }
            Change::Conversation(ConversationChange::OutboxGone(stream, number)) => {
                self.outbox.remove(&(stream, number));
            }
            Change::Conversation(ConversationChange::OutOfOrder { stream, number, rumor }) => {
                self.held.insert((stream, number), *rumor);
            }
            Change::Transfer(TransferChange::Chunk { stream, number, rumor, bytes }) => {
                self.chunks.insert((stream, number), (rumor, bytes.into()));
            }
            Change::Transfer(TransferChange::ChunksGone(stream)) => {
                self.chunks.retain(|(id, _), _| *id != stream)
            }
            Change::Conversation(ConversationChange::Seen(rumor, at)) => {
                self.seen.entry(rumor).or_insert(at);
            }
            // Nobody purges here.
            Change::Call(CallChange::Gone(call)) => {
                self.calls.remove(&call);
            }
            Change::Call(CallChange::Tombstone(grave)) => {
                self.tombstones.insert(grave.call, grave);
            }
            Change::Transfer(TransferChange::File(file)) => {
                if self.files.insert(file.handle, *file).is_some() {
                    return Err("a file's handle was used twice".into());
                }
            }
            Change::Transfer(TransferChange::Moved(handle, call)) => {
                match self.files.get_mut(&handle) {
                    Some(file) => file.call = call,
                    None => return Err("a file that is not there was moved".into()),
                }
            }
            Change::Transfer(TransferChange::State(handle, state)) => {
                if let Some(file) = self.files.get_mut(&handle) {
                    file.state = state;
                }
            }
            Change::EventLog(EventLogChange::Event(event)) => {
                if self.events.last().is_some_and(|last| last.seq >= event.seq) {
                    return Err(format!("event {} does not follow the last", event.seq));
                }
                self.events.push(event);
            }
            Change::Human(HumanChange::Question(question)) => {
                if self.questions.insert(question.handle, *question).is_some() {
                    return Err("a question's handle was used twice".into());
                }
            }
            Change::Human(HumanChange::Answered { question, answer }) => {
                match self.questions.get_mut(&question) {
                    Some(it) if it.answer.is_none() => it.answer = Some(answer),
                    _ => return Err(format!("q{question} is not to be answered")),
                }
            }
            Change::Human(HumanChange::Note(note)) => self.notes.push(note),
            Change::Human(HumanChange::Owner(_))
            | Change::Human(HumanChange::OwnerGone(_))
            | Change::Human(HumanChange::Takeover(_))
            | Change::Human(HumanChange::TakeoverOver(_))
            | Change::Peer(PeerChange::Policy(_))
            | Change::Peer(PeerChange::Invite(_))
            | Change::Peer(PeerChange::InviteGone(_))
            | Change::EventLog(EventLogChange::ReaderGone(_))
            | Change::EventLog(EventLogChange::Cursor { .. }) => {}
        }
        Ok(())
    }

    fn message(&mut self, message: Message) -> Result<(), Fault> {
        let same = |m: &Message| m.rumor == message.rumor && m.by.is_ours() == message.by.is_ours();
        if self.messages.values().any(same) {
            return Err(format!("m{} is a rumor that is stored already", message.handle));
        }
        match self.messages.insert(message.handle, message) {
            Some(old) => Err(format!("m{} was used twice", old.handle)),
            None => Ok(()),
        }
    }

    /// Assembles a file from the pieces that are stored, as the daemon's worker does.
    ///
    /// # Errors
    /// The pieces are not the file that was offered, or one is missing.
    pub fn assemble(&self, assembly: &Assembly) -> Result<Vec<u8>, AssemblyFault> {
        let mut check = ContentCheck::new(assembly.size, assembly.sha256);
        let mut content = Vec::new();
        for number in 1..=assembly.pieces {
            let missing = || AssemblyFault::Local(format!("piece {number} is missing").into());
            let (_, bytes) = self.chunks.get(&(assembly.stream, number)).ok_or_else(missing)?;
            check.add(bytes)?;
            content.extend(bytes);
        }
        check.finish()?;
        Ok(content)
    }

    /// Tells whether a rumor is stored, in order or beyond a gap.
    #[must_use]
    pub fn has(&self, rumor: RumorId) -> bool {
        self.messages.values().any(|message| !message.by.is_ours() && message.rumor == rumor)
            || self.held.values().any(|held| held.id() == rumor)
    }

    /// Returns the messages of a call: this agent's as far as they arrived, and the peer's.
    #[must_use]
    pub fn digests(&self, call: CallId) -> (Digest, Digest) {
        let of = |outgoing: bool| {
            let counts = |m: &&Message| {
                m.conversation == Conversation::Call(call)
                    && m.by.is_ours() == outgoing
                    && (!outgoing || m.delivery == Delivery::Delivered)
            };
            Digest::of(self.messages.values().filter(counts).map(|message| {
                let file = match &message.content {
                    Content::File { file, .. } => self.files.get(file).map(|file| file.sha256),
                    _ => None,
                };
                message.entry(file)
            }))
        };
        (of(true), of(false))
    }

    /// Returns the position of a message of ours: stream, then number.
    #[must_use]
    pub fn place(&self, message: &Message) -> Option<(usize, u64)> {
        let (stream, number) = message.slot?;
        Some((self.order.iter().position(|id| *id == stream)?, number))
    }

    fn sent(&mut self, rumor: RumorId) -> Option<&mut Message> {
        self.messages.values_mut().find(|m| m.by.is_ours() && m.rumor == rumor)
    }

    /// Returns the standing of a key with this agent.
    #[must_use]
    pub fn standing(&self, key: PublicKey) -> Standing {
        self.peers.get(&key).map_or(Standing::Stranger, |peer| peer.standing)
    }

    /// The same of every key.
    #[must_use]
    pub fn standings(&self) -> BTreeMap<PublicKey, Standing> {
        self.peers.iter().map(|(key, peer)| (*key, peer.standing)).collect()
    }

    /// Returns the snapshot that the engine gets after a restart.
    #[must_use]
    pub fn snapshot(&self, now: Time) -> Snapshot {
        let waits = |call: &CallId| {
            let here = |stream: &StreamId| {
                let conversation = self.streams_out.get(stream).map(|s| s.conversation);
                conversation == Some(Conversation::Call(*call))
            };
            self.outbox.keys().any(|(stream, _)| here(stream))
        };
        let live = |call: &Call| match &call.state {
            State::Ended(ended) => now.since(ended.at) < WORD_LIFETIME || waits(&call.id),
            _ => true,
        };
        let calls: Vec<Call> = self.calls.values().filter(|call| live(call)).cloned().collect();
        let here = |conversation: Conversation| match conversation {
            Conversation::Call(id) => calls.iter().any(|call| call.id == id),
            Conversation::Direct(_) => true,
        };
        let streams = self.order.iter().filter_map(|id| self.streams_out.get(id));
        let said = self.messages.values().filter(|m| {
            m.by.is_ours() && m.delivery != Delivery::Cancelled && now.since(m.at) < REPEATED
        });
        let under_way = |file: &&File| file.state == FileState::Transferring;
        Snapshot {
            counters: self.counters,
            peers: self.peers.values().cloned().collect(),
            streams_out: streams.filter(|s| here(s.conversation)).cloned().collect(),
            streams_in: self
                .streams_in
                .values()
                .filter(|s| here(s.conversation))
                .cloned()
                .collect(),
            outbox: self.outbox.values().cloned().collect(),
            out_of_order: self
                .held
                .iter()
                .map(|((id, n), rumor)| (*id, *n, rumor.clone()))
                .collect(),
            chunks: self.stored_chunks(),
            files: self.files.values().filter(under_way).cloned().collect(),
            seen: self.seen.iter().map(|(id, at)| (*id, *at)).collect(),
            tombstones: self.tombstones.values().cloned().collect(),
            recent: said
                .filter_map(|m| match &m.content {
                    Content::Text(text) => Some((m.conversation, text.clone(), m.handle, m.at)),
                    _ => None,
                })
                .collect(),
            calls,
            owners: self.owners.clone(),
            questions: self.questions.values().cloned().collect(),
            notes: self.notes.clone(),
            ..Snapshot::default()
        }
    }

    fn stored_chunks(&self) -> Vec<StoredChunk> {
        let stored = self.chunks.iter().map(|((stream, number), (rumor, bytes))| StoredChunk {
            stream: *stream,
            number: *number,
            rumor: *rumor,
            size: bytes.len() as u64,
        });
        stored.collect()
    }
}
