//! Files that our agent sends, and chunks of files that arrive.

use super::command::SendFile;
use super::{Engine, Limited, Refusal};
use crate::call::calls::Cause;
use crate::call::step::Event as CallEvent;
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::record::{Content, Speaker};
use crate::text::Blob;
use crate::time::Time;
use crate::wire::{FILE_LIMIT, Item, Slot};

impl Engine {
    /// Offers a file in a call and sends its chunks.
    pub(super) fn send_file(&mut self, now: Time, wanted: SendFile) -> Result<u32, Refusal> {
        let SendFile { call, name, bytes } = wanted;
        let call = self.spoken_in(call)?;
        let id = Conversation::Call(call);
        self.turn(now, id)?;
        if bytes.len() > FILE_LIMIT {
            let (what, length, limit) = (Limited::File, bytes.len(), FILE_LIMIT);
            return Err(Refusal::TooLong { what, length, limit });
        }
        let peer = self.calls.get(call).ok_or(Refusal::NoCall)?.peer;
        let (file, offer) = self.transfers.begin(&mut self.ctx, now, (call, peer), &name, &bytes);
        let content = Content::File { file, name: offer.name.clone() };
        let what = (Item::File(offer), content);
        let offered = self.conversations.write(&mut self.ctx, now, id, Speaker::Agent, what);
        offered.ok_or(Refusal::NoCall)?;
        let conversations = &mut self.conversations;
        self.transfers.send_chunks(&mut self.ctx, conversations, now, file, &bytes);
        self.conversations.flush(&mut self.ctx, now, id);
        Ok(file)
    }

    /// Takes in a chunk of a file.
    pub(super) fn chunk(
        &mut self,
        now: Time,
        from: PublicKey,
        (call, slot): (CallId, Slot),
        (rumor, bytes): (RumorId, Blob),
    ) {
        if self.calls.get(call).is_none_or(|call| call.peer != from) {
            return;
        }
        self.step(now, call, CallEvent::Received, Cause::Other);
        if self.conversations.is_open(Conversation::Call(call)) {
            let conversations = &mut self.conversations;
            let chunk = (rumor, bytes);
            self.transfers.chunk(&mut self.ctx, conversations, now, (call, slot), chunk);
        }
    }
}
