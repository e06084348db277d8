//! Messages, files and questions that our agent sends.

use super::command::{Escalate, MarkShown, SendMessage, SentMessage};
use super::{Engine, Limited, OutgoingRef, Refusal};
use crate::change::EventLogChange;
use crate::conversation::record::NewMessage;
use crate::ids::{CallId, Conversation, PublicKey, RumorId};
use crate::record::{Content, FileState, Speaker, Standing};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{self, Item, OPTIONS_LIMIT, TEXT_LIMIT};

impl Engine {
    /// Counts one more message of our agent, if it may send another so soon.
    pub(super) fn turn(&mut self, now: Time, id: Conversation) -> Result<(), Refusal> {
        let taken = self.conversations.take_turn(&self.ctx, now, id);
        taken.map_err(|limit| limit.map_or(Refusal::NoCall, Refusal::TooMany))
    }

    pub(super) fn send_message(
        &mut self,
        now: Time,
        wanted: SendMessage,
    ) -> Result<SentMessage, Refusal> {
        let SendMessage { conversation, text, again } = wanted;
        match conversation {
            Conversation::Call(call) => self.say_in_call(now, call, text, again),
            Conversation::Direct(peer) => self.say_directly(now, peer, text, again),
        }
    }

    pub(super) fn say_in_call(
        &mut self,
        now: Time,
        call: CallId,
        text: Text,
        again: bool,
    ) -> Result<SentMessage, Refusal> {
        nonempty(Limited::Message, &text)?;
        let id = Conversation::Call(self.spoken_in(call)?);
        if let Some(message) = self.conversations.repeated(now, id, &text).filter(|_| !again) {
            return Ok(SentMessage { message, repeated: true });
        }
        self.turn(now, id)?;
        let message = self.send_text(now, id, Speaker::Agent, text.clone())?;
        self.conversations.remember(now, id, text, message);
        Ok(SentMessage { message, repeated: false })
    }

    /// Sends a text in a call for our agent or our human.
    pub(super) fn send_text(
        &mut self,
        now: Time,
        id: Conversation,
        by: Speaker,
        text: Text,
    ) -> Result<u32, Refusal> {
        let what = (Item::Text(text.clone()), Content::Text(text));
        let message = self.conversations.write(&mut self.ctx, now, id, by, what);
        self.conversations.flush(&mut self.ctx, now, id);
        message.ok_or(Refusal::NoCall)
    }

    fn say_directly(
        &mut self,
        now: Time,
        peer: PublicKey,
        text: Text,
        again: bool,
    ) -> Result<SentMessage, Refusal> {
        nonempty(Limited::Message, &text)?;
        self.not_me(peer)?;
        if self.ctx.peers.standing(peer) == Standing::Blocked {
            return Err(Refusal::Blocked);
        }
        self.allow(now, peer);
        let id = self.conversations.open_direct(peer);
        if let Some(message) = self.conversations.repeated(now, id, &text).filter(|_| !again) {
            return Ok(SentMessage { message, repeated: true });
        }
        self.turn(now, id)?;
        let content = Content::Text(text.clone());
        let message = self.write_directly(now, peer, text.clone(), content);
        let message = message.ok_or(Refusal::NoCall)?.1;
        self.conversations.remember(now, id, text, message);
        self.conversations.flush(&mut self.ctx, now, id);
        Ok(SentMessage { message, repeated: false })
    }

    /// Keeps a direct message in the stream that its receiver understands; `content` is what is
    /// kept of it. Returns its rumor and its handle.
    pub(super) fn write_directly(
        &mut self,
        now: Time,
        to: PublicKey,
        text: Text,
        content: Content,
    ) -> Option<(RumorId, u32)> {
        let id = self.conversations.open_direct(to);
        let (rumor, slot) = self.conversations.enqueue_directly(&mut self.ctx, now, to, text)?;
        let message = NewMessage { by: Speaker::Agent, rumor, slot, content };
        Some((rumor, self.conversations.record(&mut self.ctx, now, id, message)))
    }

    pub(super) fn escalate(&mut self, now: Time, wanted: Escalate) -> Result<u32, Refusal> {
        let Escalate { call, question, options, quiet, lines } = wanted;
        nonempty(Limited::Question, &question)?;
        let (count, length) = OPTIONS_LIMIT;
        if options.len() > count {
            let (what, length, limit) = (Limited::Options, options.len(), count);
            return Err(Refusal::TooLong { what, length, limit });
        }
        for option in &options {
            nonempty(Limited::Option, option)?;
            within(Limited::Option, option, length)?;
        }
        let call = self.spoken_in(call)?;
        let id = Conversation::Call(call);
        self.turn(now, id)?;
        if !quiet {
            let (asked, choices) = (question.clone(), options.clone());
            let item = wire::Escalation { question: asked.clone(), options: choices.clone() };
            let content = Content::Escalation { question: asked, options: choices };
            let what = (Item::Escalation(item), content);
            let sent = self.conversations.write(&mut self.ctx, now, id, Speaker::Agent, what);
            sent.ok_or(Refusal::NoCall)?;
            self.conversations.flush(&mut self.ctx, now, id);
        }
        Ok(self.ask(now, call, question, options, quiet, &lines))
    }

    /// Records the messages that a reader was shown.
    pub(super) fn mark_shown(&mut self, now: Time, shown: MarkShown) {
        let MarkShown { reader, marks, read } = shown;
        for (conversation, seq) in marks {
            let reader = reader.clone();
            self.ctx.persist(EventLogChange::Cursor { reader, conversation, seq });
        }
        for (id, stream, number) in read {
            self.conversations.shown(&mut self.ctx, now, id, (stream, number));
        }
    }

    /// Returns the rumors that must never leave if a message is to be taken back. The daemon asks
    /// its relays, and only if none of the rumors was transmitted, nor will be, it goes on with
    /// [`super::command::CancelMessage`]. Returns nothing if it is too late already.
    #[must_use]
    pub fn to_withdraw(&self, message: &OutgoingRef) -> Option<Vec<RumorId>> {
        self.conversations.to_withdraw(message)
    }

    /// Cancels a message.
    pub(super) fn cancel(&mut self, now: Time, message: OutgoingRef) -> Result<(), Refusal> {
        if !self.conversations.cancel(&mut self.ctx, now, message) {
            return Err(Refusal::TooLate);
        }
        if let Some(file) = message.file {
            self.transfers.end(&mut self.ctx, file, FileState::Failed("cancelled".into()));
        }
        Ok(())
    }

    /// Returns the message that a rumor of ours brings; for an offer, the opening message.
    #[must_use]
    pub fn message_in(&self, rumor: RumorId) -> RumorId {
        self.calls.offered_by(rumor).map_or(rumor, crate::opening::opening_id)
    }

    /// Handles a report of the relays about a rumor of ours.
    pub(super) fn report(&mut self, rumor: RumorId, accepted: u32, relays: u32) {
        let message = self.message_in(rumor);
        self.conversations.report(&mut self.ctx, message, accepted, relays);
    }
}

/// Refuses a text that is empty or longer than a message may be.
fn nonempty(what: Limited, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    within(what, text, TEXT_LIMIT)
}

/// Refuses a text that is longer than `limit` bytes.
pub(super) fn within(what: Limited, text: &str, limit: usize) -> Result<(), Refusal> {
    let length = text.len();
    if length > limit { Err(Refusal::TooLong { what, length, limit }) } else { Ok(()) }
}
