//! Taking back what was said. It is as if it had never been: its number is filled by a void, and
//! nobody hears it, now or later. What may have reached a relay cannot be taken back.

use super::command::OutgoingRef;
use super::{Engine, Refusal};
use crate::conversation::change::ConversationChange;
use crate::ids::{RumorId, StreamId};
use crate::lane::{Outgoing, Pending};
use crate::record::{FileState, Lane};
use crate::time::Time;

impl Engine {
    /// The rumors that must never leave if this message is to be taken back: the host asks its
    /// relays, and only when none of them was ever transmitted, nor will be, it goes on with
    /// [`super::CancelMessage`]. Nothing when it is too late already.
    #[must_use]
    pub fn to_withdraw(&self, said: &OutgoingRef) -> Option<Vec<RumorId>> {
        let (_, _, _, pending) = self.said(said)?;
        let mut rumors = vec![pending.id];
        if let Some(file) = said.file {
            let chunks = self.chunks(said, file)?;
            // A file of which pieces are acknowledged has gone out.
            let whole = chunks.pending.len() as u64 == chunks.last;
            if !whole || chunks.pending.values().any(Pending::is_out) {
                return None;
            }
            rumors.extend(chunks.pending.values().map(|pending| pending.id));
        }
        Some(rumors).filter(|_| !pending.is_out())
    }

    /// Takes it back.
    pub(super) fn cancel(&mut self, now: Time, said: OutgoingRef) -> Result<(), Refusal> {
        self.to_withdraw(&said).ok_or(Refusal::TooLate)?;
        let found = self.said(&said).map(|(lane, stream, number, _)| (lane, stream, number));
        let (lane, stream, number) = found.ok_or(Refusal::TooLate)?;
        self.persist(ConversationChange::Cancelled(said.rumor));
        if lane == Lane::Plain {
            if let Some(plain) = self.channel(said.conversation).and_then(|c| c.plain.as_mut()) {
                plain.pending.remove(&number);
            }
            self.persist(ConversationChange::OutboxGone(stream, number));
        } else {
            self.fill(now, said.conversation, number);
        }
        if let Some(file) = said.file {
            self.drop_chunks(&said, file);
        }
        // The same words may be said again.
        if let Some(channel) = self.channel(said.conversation) {
            channel.recent.retain(|(_, message, _)| *message != said.message);
        }
        self.flush(now, said.conversation);
        Ok(())
    }

    fn drop_chunks(&mut self, said: &OutgoingRef, file: u32) {
        let Some(channel) = self.channel(said.conversation) else { return };
        let stream = channel.sending.values().find(|sending| sending.file == file);
        let Some((stream, last)) = stream.map(|s| (s.chunks.id, s.chunks.last)) else { return };
        channel.sending.remove(&stream);
        self.persist(ConversationChange::OutboxDone(stream, last));
        self.file_state(file, FileState::Failed("cancelled".into()));
    }

    /// Where a message of ours waits.
    fn said(&self, said: &OutgoingRef) -> Option<(Lane, StreamId, u64, &Pending)> {
        let channel = self.channel_of(said.conversation)?;
        let words = channel.words.iter().map(|stream| (Lane::Text, stream));
        let plain = channel.plain.iter().map(|stream| (Lane::Plain, stream));
        words.chain(plain).find_map(|(lane, stream)| {
            let mut waiting = stream.pending.iter();
            let (number, pending) = waiting.find(|(_, pending)| pending.id == said.rumor)?;
            Some((lane, stream.id, *number, pending))
        })
    }

    fn chunks(&self, said: &OutgoingRef, file: u32) -> Option<&Outgoing> {
        let sending = &self.channel_of(said.conversation)?.sending;
        sending.values().find(|sending| sending.file == file).map(|sending| &sending.chunks)
    }
}
