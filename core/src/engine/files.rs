//! Files: offered in the text lane, carried in a lane of their own, hashed when whole.

use sha2::{Digest, Sha256 as Hasher};

use super::channel::{FILES_LIMIT, Receiving, Sending};
use super::command::SendFile;
use super::refusal::Limited;
use super::{Cause, Engine, Output, Refusal};
use crate::call::Event as CallEvent;
use crate::conversation::change::ConversationChange;
use crate::ids::{CallId, Conversation, PublicKey, RumorId, Sha256};
use crate::lane::{Arrival, Outgoing, Parcel};
use crate::policy::safe_name;
use crate::record::{Content, EventKind, File, FileState, Lane, Speaker};
use crate::text::{Blob, Text};
use crate::time::Time;
use crate::transfer::change::TransferChange;
use crate::wire::{Body, CHUNK_SIZE, CHUNKS_LIMIT, FILE_LIMIT, FileOffer, Item, Slot, encode};

impl Engine {
    /// Our agent sends a file.
    pub(super) fn send_file(&mut self, now: Time, wanted: SendFile) -> Result<u32, Refusal> {
        let SendFile { call, name, bytes } = wanted;
        let call = self.spoken_in(call)?;
        self.turn(now, Conversation::Call(call))?;
        if bytes.len() > FILE_LIMIT {
            let (what, length, limit) = (Limited::File, bytes.len(), FILE_LIMIT);
            return Err(Refusal::TooLong { what, length, limit });
        }
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        let peer = session.call.peer;
        let conversation = Conversation::Call(call);
        let handle = self.number(|counters| &mut counters.files);
        let stream = self.ids.stream();
        let file = File {
            handle,
            call,
            peer,
            outgoing: true,
            name: safe_name(&name).into(),
            size: bytes.len() as u64,
            sha256: Sha256(Hasher::digest(&*bytes).into()),
            stream,
            chunk: CHUNK_SIZE as u64,
            state: FileState::Transferring,
            at: now,
        };
        self.files.insert(handle, file.clone());
        self.persist(TransferChange::File(Box::new(file.clone())));
        let offer = FileOffer {
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256,
            stream,
            chunk: file.chunk,
        };
        let content = Content::File { file: handle, name: file.name };
        self.utter(now, conversation, Speaker::Agent, Item::File(offer), content)?;
        if let Some(channel) = self.channel(conversation) {
            let chunks = Outgoing::new(stream);
            channel.sending.insert(stream, Sending { file: handle, chunks });
        }
        // An empty file is one empty piece: it has to be confirmed like any other.
        let pieces = bytes.chunks(CHUNK_SIZE).chain(bytes.is_empty().then_some(&bytes[..]));
        for (number, piece) in (1..).zip(pieces) {
            let slot = Slot::new(stream, number);
            let rumor = encode(
                &self.stamp(now, peer, Vec::new()),
                &Body::Chunk(call, slot, piece.to_vec().into()),
            );
            self.keep(now, conversation, Lane::File(Some(handle)), rumor);
        }
        self.flush(now, conversation);
        Ok(handle)
    }

    pub(super) fn file_sent(&mut self, file: u32) {
        self.file_state(file, FileState::Complete(None));
    }

    pub(super) fn file_state(&mut self, file: u32, state: FileState) {
        self.files.remove(&file);
        self.persist(TransferChange::State(file, state));
    }

    /// A peer offers a file. Answers with its handle here.
    pub(super) fn file_offered(&mut self, now: Time, call: CallId, offer: &FileOffer) -> u32 {
        let handle = self.number(|counters| &mut counters.files);
        let peer = self.calls.get(&call).map_or(self.me, |session| session.call.peer);
        let file = File {
            handle,
            call,
            peer,
            outgoing: false,
            name: safe_name(&offer.name).into(),
            size: offer.size,
            sha256: offer.sha256,
            stream: offer.stream,
            chunk: offer.chunk,
            state: FileState::Transferring,
            at: now,
        };
        self.persist(TransferChange::File(Box::new(file.clone())));
        let Some(channel) = self.channel(Conversation::Call(call)) else { return handle };
        let under_way = channel.receiving.values().filter(|r| !r.done).count();
        let known = channel.receiving.get(&offer.stream);
        let taken = known.is_some_and(|receiving| receiving.file.is_some());
        if taken || (known.is_none() && under_way >= FILES_LIMIT) {
            let cause = "too many files at once, or a stream that is used already";
            self.persist(TransferChange::State(handle, FileState::Failed(cause.into())));
            self.event(now, EventKind::File, Conversation::Call(call), Some(handle), None);
            return handle;
        }
        let receiving =
            channel.receiving.entry(offer.stream).or_insert_with(|| Receiving::new(offer.stream));
        receiving.file = Some(handle);
        let record = channel
            .receiving
            .get(&offer.stream)
            .map(|receiving| channel.stream_in(&receiving.incoming, Lane::File(Some(handle))));
        if let Some(record) = record {
            self.persist(ConversationChange::StreamIn(record));
        }
        self.files.insert(handle, file);
        self.assemble(now, call, handle);
        handle
    }

    /// A piece of a file came.
    pub(super) fn chunk(
        &mut self,
        now: Time,
        from: PublicKey,
        call: CallId,
        slot: Slot,
        rumor: RumorId,
        bytes: Blob,
    ) {
        if self.calls.get(&call).is_none_or(|session| session.call.peer != from) {
            return;
        }
        self.step(now, call, CallEvent::Spoke, Cause::Other);
        let Some(session) = self.calls.get_mut(&call) else { return };
        if !session.call.carries() {
            return;
        }
        let channel = &mut session.channel;
        let ack_due = now + self.settings.schedule.ack_idle;
        if !channel.receiving.contains_key(&slot.stream) {
            let unnamed = channel.receiving.values().filter(|r| r.file.is_none()).count();
            if unnamed >= 4 || channel.receiving.len() >= 4 * FILES_LIMIT {
                return;
            }
        }
        let receiving =
            channel.receiving.entry(slot.stream).or_insert_with(|| Receiving::new(slot.stream));
        if self.seen.contains_key(&rumor) {
            receiving.incoming.owes_ack = true;
            channel.ack_due = Some(channel.ack_due.unwrap_or(ack_due));
            return;
        }
        let stored: usize = receiving.chunks.values().map(|chunk| chunk.len()).sum();
        if receiving.done || slot.number > CHUNKS_LIMIT || stored + bytes.len() > FILE_LIMIT {
            return;
        }
        match receiving.incoming.arrive(slot.number, Parcel::new(rumor, ())) {
            Arrival::Held | Arrival::Released(_) => {}
            Arrival::Duplicate | Arrival::Conflict | Arrival::TooFar => return,
        }
        receiving.chunks.insert(slot.number, bytes.clone());
        let file = receiving.file;
        channel.ack_due = Some(channel.ack_due.unwrap_or(ack_due));
        let record = channel
            .receiving
            .get(&slot.stream)
            .map(|receiving| channel.stream_in(&receiving.incoming, Lane::File(file)));
        self.seen.insert(rumor, now);
        self.persist(ConversationChange::Seen(rumor, now));
        self.persist(TransferChange::Chunk {
            stream: slot.stream,
            number: slot.number,
            rumor,
            bytes,
        });
        if let Some(record) = record {
            self.persist(ConversationChange::StreamIn(record));
        }
        if let Some(file) = file {
            self.assemble(now, call, file);
        }
    }

    /// Puts a file together once every piece is there, and hands it to the host to be written.
    pub(super) fn assemble(&mut self, now: Time, call: CallId, handle: u32) {
        let Some(file) = self.files.get(&handle).cloned() else { return };
        let conversation = Conversation::Call(call);
        let Some(channel) = self.channel(conversation) else { return };
        let Some(receiving) = channel.receiving.get_mut(&file.stream) else { return };
        let pieces = file.size.div_ceil(file.chunk.max(1)).max(1);
        if receiving.done || receiving.incoming.upto < pieces {
            return;
        }
        receiving.done = true;
        let chunks = std::mem::take(&mut receiving.chunks);
        let bytes: Vec<u8> = chunks.into_values().flat_map(|chunk| chunk.0).collect();
        if bytes.len() as u64 == file.size && Hasher::digest(&bytes)[..] == file.sha256.0 {
            let output = Output::StoreFile { file: handle, name: file.name, bytes: bytes.into() };
            self.effects.push_back(output);
        } else {
            let cause = "what arrived does not match its size and SHA-256";
            self.file_arrived(now, &file, FileState::Failed(cause.into()));
        }
    }

    /// The call is over for so long that nobody sends the rest.
    pub(super) fn give_up_files(&mut self, now: Time, call: CallId) {
        let files = self.files.values().filter(|file| file.call == call && !file.outgoing);
        for file in files.cloned().collect::<Vec<_>>() {
            self.file_arrived(now, &file, FileState::Failed("it never came whole".into()));
        }
    }

    /// The host wrote a file, or could not.
    pub(super) fn file_stored(&mut self, now: Time, handle: u32, result: Result<Text, Text>) {
        let Some(file) = self.files.get(&handle).cloned() else { return };
        let state = match result {
            Ok(path) => FileState::Complete(Some(path)),
            Err(cause) => FileState::Failed(cause),
        };
        self.file_arrived(now, &file, state);
    }

    fn file_arrived(&mut self, now: Time, file: &File, state: FileState) {
        self.file_state(file.handle, state);
        self.persist(TransferChange::ChunksGone(file.stream));
        let conversation = Conversation::Call(file.call);
        self.event(now, EventKind::File, conversation, Some(file.handle), None);
    }
}
