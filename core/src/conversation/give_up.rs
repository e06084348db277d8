//! Giving up: messages that are too old, that no relay takes, or that nobody will ever read.

use super::change::ConversationChange;
use super::conversations::{Conversations, PendingPlace};
use super::effect::{ConversationEffect, Effects, Notice};
use crate::context::Context;
use crate::ids::{Conversation, RumorId, StreamId};
use crate::record::{EventKind, Lane};
use crate::time::Time;
use crate::wire::{Body, Item, Slot, encode};

/// The notice of a message that is given up.
const GIVEN_UP: &str =
    "a message was not confirmed within its lifetime and is given up; it may still arrive";
/// The cause of failure of a file of ours that is given up.
const UNCONFIRMED: &str = "the peer never confirmed it";

/// The content of a number whose message is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// A void.
    Now,
    /// Nothing: a void had its place already.
    Before,
}

impl Conversations {
    /// Gives up what is older than its lifetime. A void takes the number of a message. When nobody
    /// acknowledges the void either, the stream is left behind: the peer would wait for that
    /// number for ever.
    #[must_use]
    pub(super) fn give_up_expired(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
    ) -> Effects {
        let Some(state) = self.get(id) else { return Effects::new() };
        let mut expired: Vec<(Lane, StreamId, u64)> = Vec::new();
        for (stream, lane) in state.outgoing() {
            let numbers = stream.expired(now, &ctx.settings.schedule).into_iter();
            expired.extend(numbers.map(|number| (lane, stream.id, number)));
        }
        let mut effects = Effects::new();
        let mut abandoned = false;
        for (lane, stream, number) in expired {
            match lane {
                Lane::Opening => {}
                Lane::Text => {
                    abandoned |= self.give_up(ctx, now, id, number, GIVEN_UP) == Filled::Before;
                }
                Lane::Plain => self.give_up_plain(ctx, now, id, number, GIVEN_UP),
                Lane::File(_) => effects.extend(self.fail_file(ctx, id, stream, UNCONFIRMED)),
            }
        }
        if abandoned {
            effects.extend(self.reopen(ctx, now, id, None));
        }
        effects
    }

    /// Gives up a rumor that no relay will ever take as it is, or the file that it is a part of:
    /// our agent is told at once, instead of after three days of attempts.
    #[must_use]
    pub fn undeliverable(
        &mut self,
        ctx: &mut Context,
        now: Time,
        rumor: RumorId,
        why: &str,
    ) -> Effects {
        let Some(PendingPlace { conversation, lane, stream, number }) = self.place_of(rumor) else {
            return Effects::new();
        };
        match lane {
            Lane::Text => {
                self.give_up(ctx, now, conversation, number, why);
                self.flush(ctx, now, conversation);
                Effects::new()
            }
            Lane::Plain => {
                self.give_up_plain(ctx, now, conversation, number, why);
                Effects::new()
            }
            Lane::File(_) => self.fail_file(ctx, conversation, stream, why),
            Lane::Opening => Effects::new(),
        }
    }

    /// Puts a void in the place of a message.
    fn give_up(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        number: u64,
        why: &str,
    ) -> Filled {
        let text = self.get(id).and_then(|state| state.text.as_ref());
        let Some(pending) = text.and_then(|text| text.pending.get(&number)) else {
            return Filled::Now;
        };
        if pending.is_void() {
            return Filled::Before;
        }
        let is_message = pending.rumor.tag("type") != Some("digest");
        ctx.persist(ConversationChange::Undelivered(pending.id));
        self.fill(ctx, now, id, number);
        if is_message {
            ctx.event(now, EventKind::Undelivered, id, None, Some(why.into()));
        }
        Filled::Now
    }

    /// Puts a void in the place of a message that will never be sent.
    pub(super) fn fill(&mut self, ctx: &mut Context, now: Time, id: Conversation, number: u64) {
        let Some(state) = self.get_mut(id) else { return };
        let Some(text) = &mut state.text else { return };
        let stream = text.id;
        let body = Body::Numbered(id, Slot::new(stream, number), Item::Void);
        let rumor = encode(&ctx.stamp(now, state.peer, Vec::new()), &body);
        let kept = Box::new(rumor.clone());
        let rumor_id = rumor.id();
        text.replace(now, number, rumor);
        self.note_place(rumor_id, (id, stream, number));
        ctx.persist(ConversationChange::Outbox { stream, number, rumor: kept, since: now });
    }

    fn give_up_plain(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        number: u64,
        why: &str,
    ) {
        let plain = self.get_mut(id).and_then(|state| state.plain.as_mut());
        let Some(plain) = plain else { return };
        let stream = plain.id;
        if let Some(pending) = plain.pending.remove(&number) {
            ctx.persist(ConversationChange::Undelivered(pending.id));
            ctx.persist(ConversationChange::OutboxGone(stream, number));
            ctx.event(now, EventKind::Undelivered, id, None, Some(why.into()));
        }
    }

    /// Gives a file up: without one of its chunks it is worth nothing.
    #[must_use]
    fn fail_file(
        &mut self,
        ctx: &mut Context,
        id: Conversation,
        stream: StreamId,
        why: &str,
    ) -> Effects {
        let sending = self.get_mut(id).and_then(|state| state.sending.remove(&stream));
        let Some(sending) = sending else { return Effects::new() };
        ctx.persist(ConversationChange::OutboxDone(stream, sending.chunks.last));
        let (file, notice) = (sending.file, Notice::Event);
        vec![ConversationEffect::FileFailed { file, why: why.into(), notice }]
    }

    /// Gives up everything in a conversation that waits for an acknowledgement. None will come, so
    /// that `sent` would stand for ever. `why` is the cause of failure of its files.
    #[must_use]
    pub fn abandon(&mut self, ctx: &mut Context, id: Conversation, why: &str) -> Effects {
        let mut effects = Effects::new();
        let Some(state) = self.get_mut(id) else { return effects };
        let mut failed = Vec::new();
        for (stream, lane) in state.outgoing_mut() {
            let pending = std::mem::take(&mut stream.pending);
            if pending.is_empty() {
                continue;
            }
            let gone = pending.into_values();
            gone.for_each(|it| ctx.persist(ConversationChange::Undelivered(it.id)));
            ctx.persist(ConversationChange::OutboxDone(stream.id, stream.last));
            if let Lane::File(Some(file)) = lane {
                failed.push(stream.id);
                let (why, notice) = (why.into(), Notice::Silent);
                effects.push(ConversationEffect::FileFailed { file, why, notice });
            }
        }
        failed.iter().for_each(|stream| _ = state.sending.remove(stream));
        effects
    }
}
