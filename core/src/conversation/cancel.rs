//! Taking back a message. It is as if it had never been: a void fills its number, and nobody reads
//! it, now or later. A message that may have reached a relay cannot be taken back.

use super::change::ConversationChange;
use super::conversations::{Conversations, PendingPlace};
use crate::context::Context;
use crate::ids::{Conversation, RumorId};
use crate::lane::{Outgoing, Pending};
use crate::record::Lane;
use crate::time::Time;

/// A message of ours that is to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutgoingRef {
    /// The conversation.
    pub conversation: Conversation,
    /// The message's handle.
    pub message: u32,
    /// The message's rumor.
    pub rumor: RumorId,
    /// The handle of the file that the message offers.
    pub file: Option<u32>,
}

impl Conversations {
    /// Returns the rumors that must never leave if a message is to be taken back; or nothing, if it
    /// is too late already.
    pub fn to_withdraw(&self, message: &OutgoingRef) -> Option<Vec<RumorId>> {
        let pending = self.waiting_message(message)?.1;
        let mut rumors = vec![pending.id];
        if let Some(file) = message.file {
            let chunks = self.chunks(message, file)?;
            // A file of which pieces are acknowledged has gone out.
            let whole = chunks.pending.len() as u64 == chunks.last;
            if !whole || chunks.pending.values().any(Pending::is_out) {
                return None;
            }
            rumors.extend(chunks.pending.values().map(|pending| pending.id));
        }
        Some(rumors).filter(|_| !pending.is_out())
    }

    /// Takes a message back. Returns false if it is too late.
    pub fn cancel(&mut self, ctx: &mut Context, now: Time, message: OutgoingRef) -> bool {
        let id = message.conversation;
        let place = self.to_withdraw(&message).and_then(|_| self.waiting_message(&message));
        let Some((PendingPlace { lane, stream, number, .. }, _)) = place else { return false };
        ctx.persist(ConversationChange::Cancelled(message.rumor));
        if lane == Lane::Plain {
            if let Some(plain) = self.get_mut(id).and_then(|state| state.plain.as_mut()) {
                plain.pending.remove(&number);
            }
            ctx.persist(ConversationChange::OutboxGone(stream, number));
        } else {
            self.fill(ctx, now, id, number);
        }
        if let (Some(file), Some(state)) = (message.file, self.get_mut(id)) {
            let sending = state.sending.values().find(|sending| sending.file == file);
            if let Some((stream, last)) = sending.map(|it| (it.chunks.id, it.chunks.last)) {
                state.sending.remove(&stream);
                ctx.persist(ConversationChange::OutboxDone(stream, last));
            }
        }
        // The same text may be sent again.
        if let Some(state) = self.get_mut(id) {
            state.recent.retain(|(_, handle, _)| *handle != message.message);
        }
        self.flush(ctx, now, id);
        true
    }

    /// Returns the place where a message waits, and what waits there.
    fn waiting_message(&self, message: &OutgoingRef) -> Option<(PendingPlace, &Pending)> {
        let place = self.place_of(message.rumor)?;
        let of_text = matches!(place.lane, Lane::Text | Lane::Plain);
        if place.conversation != message.conversation || !of_text {
            return None;
        }
        let mut streams = self.get(place.conversation)?.outgoing();
        let (stream, _) = streams.find(|(stream, _)| stream.id == place.stream)?;
        Some((place, stream.pending.get(&place.number)?))
    }

    fn chunks(&self, message: &OutgoingRef, file: u32) -> Option<&Outgoing> {
        let mut sending = self.get(message.conversation)?.sending.values();
        sending.find(|sending| sending.file == file).map(|sending| &sending.chunks)
    }
}
