//! The files that are under way.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256 as Hasher};

use super::assembly::{Assembly, AssemblyFault};
use super::change::TransferChange;
use crate::context::Context;
use crate::conversation::conversations::Conversations;
use crate::conversation::state::{FILES_LIMIT, Receiving, Sending};
use crate::ids::{CallId, Conversation, PublicKey, RumorId, Sha256};
use crate::lane::{Arrival, Inbound, Outgoing};
use crate::output::Output;
use crate::policy::safe_name;
use crate::record::{EventKind, File, FileState, Lane};
use crate::text::{Blob, Text};
use crate::time::Time;
use crate::wire::{Body, CHUNK_SIZE, CHUNKS_LIMIT, FILE_LIMIT, FileOffer, Slot, encode};

/// The most streams of chunks that came before their offer.
const UNNAMED_LIMIT: usize = 4;

/// The files that are under way, ours and the peers'.
#[derive(Debug, Default)]
pub struct Transfers {
    files: BTreeMap<u32, File>,
}

impl Transfers {
    /// Returns the transfers as they were kept.
    pub fn restore(files: Vec<File>) -> Self {
        Self { files: files.into_iter().map(|file| (file.handle, file)).collect() }
    }

    /// Returns true if a file is under way.
    pub fn contains(&self, file: u32) -> bool {
        self.files.contains_key(&file)
    }

    /// Returns true if a file of this call is under way.
    pub fn is_busy(&self, call: CallId) -> bool {
        self.files.values().any(|file| file.call == call)
    }

    /// Begins to send a file in a call. [`Self::send_chunks`] goes on once it is offered.
    pub fn begin(
        &mut self,
        ctx: &mut Context,
        now: Time,
        (call, peer): (CallId, PublicKey),
        name: &str,
        bytes: &[u8],
    ) -> (u32, FileOffer) {
        let offer = FileOffer {
            name: safe_name(name).into(),
            size: bytes.len() as u64,
            sha256: Sha256(Hasher::digest(bytes).into()),
            stream: ctx.ids.stream(),
            chunk: CHUNK_SIZE as u64,
        };
        let file = record(ctx, now, (call, peer), true, &offer);
        ctx.persist(TransferChange::File(Box::new(file.clone())));
        let handle = file.handle;
        self.files.insert(handle, file);
        (handle, offer)
    }

    /// Keeps the chunks of a file that was offered.
    pub fn send_chunks(
        &mut self,
        ctx: &mut Context,
        conversations: &mut Conversations,
        now: Time,
        handle: u32,
        bytes: &[u8],
    ) {
        let Some(File { call, peer, stream, .. }) = self.files.get(&handle).cloned() else {
            return;
        };
        let id = Conversation::Call(call);
        if let Some(state) = conversations.get_mut(id) {
            state.sending.insert(stream, Sending { file: handle, chunks: Outgoing::new(stream) });
        }
        // An empty file is one empty chunk: it has to be confirmed like any other.
        let chunks = bytes.chunks(CHUNK_SIZE).chain(bytes.is_empty().then_some(bytes));
        for (number, chunk) in (1..).zip(chunks) {
            let body = Body::Chunk(call, Slot::new(stream, number), Blob(chunk.to_vec()));
            let rumor = encode(&ctx.stamp(now, peer, Vec::new()), &body);
            conversations.keep(ctx, now, id, Lane::File(Some(handle)), rumor);
        }
    }

    /// Notes that a file of ours goes on in another call.
    pub fn moved(&mut self, ctx: &mut Context, file: u32, call: CallId) {
        ctx.persist(TransferChange::Moved(file, call));
        if let Some(file) = self.files.get_mut(&file) {
            file.call = call;
        }
    }

    /// Ends a transfer.
    pub fn end(&mut self, ctx: &mut Context, file: u32, state: FileState) -> Option<File> {
        ctx.persist(TransferChange::State(file, state));
        self.files.remove(&file)
    }

    /// Takes in an offer of a peer. Returns the file's handle here.
    pub fn offered(
        &mut self,
        ctx: &mut Context,
        conversations: &mut Conversations,
        now: Time,
        (call, peer): (CallId, PublicKey),
        offer: &FileOffer,
    ) -> u32 {
        let file = record(ctx, now, (call, peer), false, offer);
        let (handle, id) = (file.handle, Conversation::Call(call));
        ctx.persist(TransferChange::File(Box::new(file.clone())));
        let Some(state) = conversations.get_mut(id) else { return handle };
        let under_way = state.receiving.values().filter(|it| !it.done).count();
        let known = state.receiving.get(&offer.stream);
        let used = known.is_some_and(|receiving| receiving.file.is_some());
        if used || (known.is_none() && under_way >= FILES_LIMIT) {
            let cause = "too many files at once, or a stream that is used already";
            ctx.persist(TransferChange::State(handle, FileState::Failed(cause.into())));
            ctx.event(now, EventKind::File, id, Some(handle), None);
            return handle;
        }
        let receiving =
            state.receiving.entry(offer.stream).or_insert_with(|| Receiving::new(offer.stream));
        receiving.file = Some(handle);
        state.persist_receiving(ctx, offer.stream);
        self.files.insert(handle, file);
        self.assemble(ctx, conversations, handle);
        handle
    }

    /// Takes in a chunk of a file.
    pub fn chunk(
        &mut self,
        ctx: &mut Context,
        conversations: &mut Conversations,
        now: Time,
        (call, slot): (CallId, Slot),
        (rumor, bytes): (RumorId, Blob),
    ) {
        let ack_due = now + ctx.settings.schedule.ack_idle;
        let (stream, number) = (slot.stream, slot.number);
        let Some(state) = conversations.get_mut(Conversation::Call(call)) else { return };
        if !state.receiving.contains_key(&stream) {
            let unnamed = state.receiving.values().filter(|it| it.file.is_none()).count();
            if unnamed >= UNNAMED_LIMIT || state.receiving.len() >= 4 * FILES_LIMIT {
                return;
            }
        }
        let receiving = state.receiving.entry(stream).or_insert_with(|| Receiving::new(stream));
        if ctx.was_seen(rumor) {
            receiving.incoming.owes_ack = true;
            return state.owe(ack_due);
        }
        let stored = receiving.stored + bytes.len() as u64;
        if receiving.done || number > CHUNKS_LIMIT || stored > FILE_LIMIT as u64 {
            return;
        }
        match receiving.incoming.arrive(number, Inbound::new(rumor, ())) {
            Arrival::OutOfOrder | Arrival::Released(_) => {}
            Arrival::Duplicate | Arrival::Conflict | Arrival::TooFar => return,
        }
        receiving.stored = stored;
        let file = receiving.file;
        state.owe(ack_due);
        ctx.remember_seen(now, rumor);
        ctx.persist(TransferChange::Chunk { stream, number, rumor, bytes });
        state.persist_receiving(ctx, stream);
        if let Some(file) = file {
            self.assemble(ctx, conversations, file);
        }
    }

    /// Has the files assembled again of which every piece arrived before the last run ended.
    pub fn resume(&self, ctx: &mut Context, conversations: &mut Conversations) {
        for file in self.files.values().filter(|file| !file.outgoing) {
            self.assemble(ctx, conversations, file.handle);
        }
    }

    /// Has the daemon assemble a file once every piece of it is stored.
    fn assemble(&self, ctx: &mut Context, conversations: &mut Conversations, handle: u32) {
        let Some(file) = self.files.get(&handle) else { return };
        let Some(state) = conversations.get_mut(Conversation::Call(file.call)) else { return };
        let Some(receiving) = state.receiving.get_mut(&file.stream) else { return };
        let pieces = file.size.div_ceil(file.chunk.max(1)).max(1);
        if receiving.done || receiving.incoming.upto < pieces {
            return;
        }
        receiving.done = true;
        ctx.output(Output::AssembleFile(Assembly {
            file: handle,
            stream: file.stream,
            pieces,
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256,
        }));
    }

    /// Gives up the unfinished files of a call that is being forgotten.
    pub fn give_up(&mut self, ctx: &mut Context, now: Time, call: CallId) {
        let files = self.files.values().filter(|file| file.call == call && !file.outgoing);
        for file in files.map(|file| file.handle).collect::<Vec<_>>() {
            self.arrived(ctx, now, file, FileState::Failed("it never came whole".into()));
        }
    }

    /// Notes that the daemon assembled a file, or could not.
    pub fn stored(
        &mut self,
        ctx: &mut Context,
        now: Time,
        file: u32,
        result: Result<Text, AssemblyFault>,
    ) {
        let state = match result {
            Ok(path) => FileState::Complete(Some(path)),
            Err(fault) => FileState::Failed(fault.to_string().into()),
        };
        self.arrived(ctx, now, file, state);
    }

    fn arrived(&mut self, ctx: &mut Context, now: Time, handle: u32, state: FileState) {
        if !self.contains(handle) {
            return;
        }
        if let Some(file) = self.end(ctx, handle, state) {
            ctx.persist(TransferChange::ChunksGone(file.stream));
            ctx.event(now, EventKind::File, Conversation::Call(file.call), Some(handle), None);
        }
    }
}

/// Returns the record of a file that is offered now.
fn record(
    ctx: &mut Context,
    now: Time,
    (call, peer): (CallId, PublicKey),
    outgoing: bool,
    offer: &FileOffer,
) -> File {
    File {
        handle: ctx.number(|counters| &mut counters.files),
        call,
        peer,
        outgoing,
        name: safe_name(&offer.name).into(),
        size: offer.size,
        sha256: offer.sha256,
        stream: offer.stream,
        chunk: offer.chunk,
        state: FileState::Transferring,
        at: now,
    }
}
