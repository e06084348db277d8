//! Every conversation of this agent, with an index of those with a peer and of the rumors that
//! wait for an acknowledgement.

use std::collections::{BTreeMap, BTreeSet};

use super::state::ConversationState;
use crate::context::Context;
use crate::ids::{CallId, Conversation, PublicKey, RumorId, StreamId};
use crate::record::Lane;
use crate::time::Time;

/// The place of a rumor of ours that waits for an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingPlace {
    /// The conversation.
    pub conversation: Conversation,
    /// Content type of the stream.
    pub lane: Lane,
    /// The stream.
    pub stream: StreamId,
    /// The number.
    pub number: u64,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Conversations {
    all: BTreeMap<Conversation, ConversationState>,
    by_peer: BTreeMap<PublicKey, BTreeSet<Conversation>>,
    /// The places of waiting rumors. An entry may outlive its rumor until the next sweep.
    waiting: BTreeMap<RumorId, (Conversation, StreamId, u64)>,
    /// Conversations with acknowledgements that left since a relay came back last.
    acknowledged: BTreeSet<Conversation>,
    /// Conversations whose deadline may have changed.
    touched: BTreeSet<Conversation>,
}

impl Conversations {
    /// Returns a conversation.
    pub fn get(&self, id: Conversation) -> Option<&ConversationState> {
        self.all.get(&id)
    }

    /// Returns a conversation, to change.
    pub fn get_mut(&mut self, id: Conversation) -> Option<&mut ConversationState> {
        self.touched.insert(id);
        self.all.get_mut(&id)
    }

    /// Returns the conversations with a peer: calls first, then direct messages.
    pub fn with(&self, peer: PublicKey) -> Vec<Conversation> {
        self.by_peer.get(&peer).into_iter().flatten().copied().collect()
    }

    /// Returns a conversation, and opens a missing one.
    pub fn open(&mut self, peer: PublicKey, id: Conversation) -> &mut ConversationState {
        self.touched.insert(id);
        self.by_peer.entry(peer).or_default().insert(id);
        self.all.entry(id).or_insert_with(|| ConversationState::new(peer, id))
    }

    /// Opens the direct conversation with a peer, unless it is open already.
    pub fn open_direct(&mut self, peer: PublicKey) -> Conversation {
        let id = Conversation::Direct(peer);
        self.open(peer, id);
        id
    }

    /// Notes whether messages of a call may travel.
    pub fn set_open(&mut self, call: CallId, open: bool) {
        let id = Conversation::Call(call);
        if self.get(id).is_some_and(|state| state.open != open)
            && let Some(state) = self.get_mut(id)
        {
            state.open = open;
        }
    }

    /// Returns true if messages of this conversation may travel now.
    pub fn is_open(&self, id: Conversation) -> bool {
        self.get(id).is_some_and(|state| state.open)
    }

    /// Drops a conversation from memory.
    pub fn remove(&mut self, id: Conversation) {
        let Some(state) = self.all.remove(&id) else { return };
        if let Some(theirs) = self.by_peer.get_mut(&state.peer) {
            theirs.remove(&id);
            if theirs.is_empty() {
                self.by_peer.remove(&state.peer);
            }
        }
        self.touched.insert(id);
    }

    /// Drops the places of rumors that wait no more.
    pub fn sweep(&mut self) {
        let waiting: Vec<RumorId> =
            self.waiting.keys().copied().filter(|rumor| self.place_of(*rumor).is_none()).collect();
        waiting.iter().for_each(|rumor| _ = self.waiting.remove(rumor));
    }

    /// Remembers the place of a rumor that waits.
    pub(super) fn note_place(&mut self, rumor: RumorId, place: (Conversation, StreamId, u64)) {
        self.waiting.insert(rumor, place);
    }

    /// Returns the place of a rumor of ours, while it waits for an acknowledgement.
    pub fn place_of(&self, rumor: RumorId) -> Option<PendingPlace> {
        let (conversation, stream, number) = *self.waiting.get(&rumor)?;
        let mut streams = self.get(conversation)?.outgoing();
        let (found, lane) = streams.find(|(known, _)| known.id == stream)?;
        let same = found.pending.get(&number).is_some_and(|pending| pending.id == rumor);
        same.then_some(PendingPlace { conversation, lane, stream, number })
    }

    /// Finds the places of all rumors that wait, after a restart.
    pub fn index_places(&mut self) {
        for (id, state) in &self.all {
            for (stream, _) in state.outgoing() {
                for (number, pending) in &stream.pending {
                    self.waiting.insert(pending.id, (*id, stream.id, *number));
                }
            }
        }
    }

    // Deadlines.

    /// Notes that the deadline of a conversation may have changed.
    pub fn touch(&mut self, id: Conversation) {
        self.touched.insert(id);
    }

    /// Takes out the conversations whose deadline may have changed.
    pub fn take_touched(&mut self) -> BTreeSet<Conversation> {
        std::mem::take(&mut self.touched)
    }

    /// Returns when something is due in a conversation.
    pub fn next_timeout(&self, ctx: &Context, id: Conversation) -> Option<Time> {
        self.get(id)?.next_timeout(&ctx.settings.schedule, ctx.quiet_until)
    }

    /// Notes that a rumor with acknowledgements of a conversation is about to leave.
    pub(super) fn note_acknowledged(&mut self, id: Conversation) {
        self.acknowledged.insert(id);
    }

    /// Owes every acknowledgement again that left since the last time: nobody confirms them, and
    /// they may have gone nowhere.
    pub fn acknowledge_again(&mut self, due: Time) {
        for id in std::mem::take(&mut self.acknowledged) {
            if let Some(state) = self.get_mut(id) {
                state.owe_again(due);
            }
        }
    }
}
