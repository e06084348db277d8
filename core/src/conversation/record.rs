//! Messages: each is kept under a handle.

use super::change::ConversationChange;
use super::conversations::Conversations;
use super::repetition::is_recent;
use super::send::{Draft, SlotId};
use crate::call::state::Call;
use crate::context::Context;
use crate::ids::{Conversation, RumorId};
use crate::lane::Incoming;
use crate::opening::{opening_id, opening_stream};
use crate::policy::{Meter, Rate};
use crate::record::{Content, Delivery, Lane, Message, Speaker};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Item, Packet};

/// A message that is about to be kept.
#[derive(Debug)]
pub struct NewMessage {
    /// The author.
    pub by: Speaker,
    /// The rumor.
    pub rumor: RumorId,
    /// The place, where it has one.
    pub slot: Option<SlotId>,
    /// The content.
    pub content: Content,
}

impl Conversations {
    /// Keeps a message of ours, and gives it a handle.
    pub fn record(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        message: NewMessage,
    ) -> u32 {
        let claimed_at = ctx.told(now).secs();
        self.put_message(ctx, now, id, message, claimed_at, Delivery::Queued)
    }

    /// Keeps a message that a peer sent, and gives it a handle.
    pub fn record_received(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        packet: &Packet,
        message: NewMessage,
    ) -> u32 {
        self.put_message(ctx, now, id, message, packet.created_at, Delivery::Delivered)
    }

    fn put_message(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        message: NewMessage,
        claimed_at: u64,
        delivery: Delivery,
    ) -> u32 {
        let handle = ctx.number(|counters| &mut counters.messages);
        let NewMessage { by, rumor, slot, content } = message;
        let message = Message {
            handle,
            conversation: id,
            peer: self.get(id).map_or(ctx.me, |state| state.peer),
            by,
            rumor,
            slot,
            content,
            at: now,
            claimed_at,
            delivery,
        };
        ctx.persist(ConversationChange::Message(Box::new(message)));
        handle
    }

    /// Keeps the opening message of a call, ours or the peer's.
    pub fn record_opening(&mut self, ctx: &mut Context, now: Time, call: &Call, text: Text) -> u32 {
        let id = Conversation::Call(call.id);
        let (rumor, stream) = (opening_id(call.id), opening_stream(call.id));
        let by = if call.outgoing { Speaker::Agent } else { Speaker::Peer };
        let (slot, content) = (Some((stream, 1)), Content::Text(text));
        let handle = self.record(ctx, now, id, NewMessage { by, rumor, slot, content });
        let Some(state) = self.get_mut(id) else { return handle };
        state.opening = Some(handle);
        if !call.outgoing {
            let incoming = Incoming { upto: 1, upto_id: Some(rumor), ..Incoming::new(stream) };
            ctx.persist(ConversationChange::StreamIn(state.stream_in(&incoming, Lane::Text)));
            state.incoming.insert(stream, incoming);
        }
        handle
    }

    /// Gives a message of ours the next number of the text stream, and keeps it.
    pub fn write(
        &mut self,
        ctx: &mut Context,
        now: Time,
        id: Conversation,
        by: Speaker,
        (item, content): (Item, Content),
    ) -> Option<u32> {
        let (rumor, slot) = self.enqueue(ctx, now, id, Draft { by, ..Draft::new(item) })?;
        let message = NewMessage { by, rumor, slot: Some(slot), content };
        Some(self.record(ctx, now, id, message))
    }

    /// Counts one more message that our agent sends.
    ///
    /// # Errors
    /// The limit that it would exceed.
    pub fn take_turn(
        &mut self,
        ctx: &Context,
        now: Time,
        id: Conversation,
    ) -> Result<(), Option<Rate>> {
        let minute = Meter::full(now, Rate::a_minute(ctx.settings.sends));
        let hour = Meter::full(now, Rate::an_hour(ctx.settings.turns));
        let state = self.get_mut(id).ok_or(None)?;
        let meters = state.meters.get_or_insert_with(|| match id {
            Conversation::Call(_) => vec![minute, hour],
            Conversation::Direct(_) => vec![minute],
        });
        if let Some(empty) = meters.iter_mut().find_map(|m| (!m.has(now, 1)).then(|| m.rate())) {
            return Err(Some(empty));
        }
        meters.iter_mut().for_each(|meter| _ = meter.take(now, 1));
        Ok(())
    }

    /// Returns the handle of a message with the same text that was sent lately.
    pub fn repeated(&mut self, now: Time, id: Conversation, text: &Text) -> Option<u32> {
        let state = self.get_mut(id)?;
        state.recent.retain(|(_, _, at)| is_recent(now, *at));
        let same = state.recent.iter().find(|(said, _, _)| said == text);
        same.map(|(_, message, _)| *message)
    }

    /// Remembers the text of a message, to recognize a repetition.
    pub fn remember(&mut self, now: Time, id: Conversation, text: Text, message: u32) {
        if let Some(state) = self.get_mut(id) {
            state.recent.push((text, message, now));
        }
    }
}
