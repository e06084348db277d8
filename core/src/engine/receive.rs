//! Messages of peers: every packet finds its conversation, or is dropped.

use super::Engine;
use super::rings::Ring;
use crate::call::calls::Cause;
use crate::call::step::Event as CallEvent;
use crate::conversation::acknowledge::Acknowledged;
use crate::conversation::change::ConversationChange;
use crate::conversation::receive::{Released, is_forgotten};
use crate::conversation::record::NewMessage;
use crate::ids::{CallId, Conversation, PublicKey};
use crate::opening::{opening_id, opening_stream};
use crate::policy::Policy;
use crate::record::{Content, EventKind, Lane, Speaker, Speaks, Standing, StreamOut};
use crate::rumor::Verified;
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Ack, Body, Closing, Control, Item, Malformed, Packet, Reason, Slot, decode};

impl Engine {
    /// Takes in a rumor of a peer, whose author and id are proven. A rumor that does not fit is
    /// dropped silently: peers are told nothing about what we make of them.
    pub(super) fn receive(&mut self, now: Time, message: &Verified) {
        let mut packet = match decode(self.ctx.me, message) {
            Ok(packet) => packet,
            Err(Malformed::TooLong) => return self.too_long(now, message),
            Err(_) => return,
        };
        let from = packet.from;
        if from == self.ctx.me {
            return self.instance_received(now, &packet);
        }
        if self.ctx.peers.standing(from) == Standing::Blocked {
            return;
        }
        self.note_what_it_speaks(now, &packet);
        for ack in std::mem::take(&mut packet.acks) {
            match self.conversations.acked(&mut self.ctx, now, from, &ack) {
                Acknowledged::Stream(effects) => self.route(now, effects),
                Acknowledged::Unknown => self.opening_acked(from, &ack),
            }
        }
        // The id of so old a rumor may be forgotten: it could be a replay and break its stream.
        let numbered = matches!(packet.body, Body::Numbered(..) | Body::Chunk(..));
        if numbered && is_forgotten(now, Time::from_secs(packet.created_at)) {
            return;
        }
        match std::mem::replace(&mut packet.body, Body::Ack) {
            Body::Ack | Body::DuplicateInstance(_) => {}
            Body::Plain(text) => self.plain(now, &packet, text),
            Body::Control(call, control) => self.control(now, &packet, call, control),
            Body::Reset(slot) => {
                let effects = self.conversations.reset(&mut self.ctx, now, from, slot);
                self.route(now, effects);
            }
            Body::Chunk(call, slot, bytes) => {
                self.chunk(now, from, (call, slot), (packet.id, bytes));
            }
            Body::Numbered(conversation, slot, item) => {
                packet.body = Body::Numbered(conversation, slot, item);
                self.numbered(now, message, packet, conversation, slot);
            }
        }
        if self.ctx.peers.standing(from) == Standing::Allowed {
            self.peer_alive(now, from);
        }
    }

    /// Notes what runs behind a key. Keys that nothing is kept of stay unknown: a stranger cannot
    /// fill the store with itself.
    fn note_what_it_speaks(&mut self, now: Time, packet: &Packet) {
        let Some(known) = self.ctx.peers.get(packet.from) else { return };
        let speaks = match packet.body {
            Body::Plain(_) if known.speaks == Speaks::Unknown => Speaks::Plain,
            Body::Plain(_) => return,
            _ => Speaks::P2p,
        };
        self.update_peer(now, packet.from, |peer| peer.speaks = speaks);
    }

    /// Takes in the callee's acknowledgement of the opening message of a call of ours.
    fn opening_acked(&mut self, from: PublicKey, ack: &Ack) {
        let named = |call: &crate::call::state::Call| {
            call.outgoing && call.opening.is_some() && opening_stream(call.id) == ack.stream
        };
        let Some(call) = self.calls.with(from).find(|call| named(call)).map(|call| call.id) else {
            return;
        };
        let record = StreamOut {
            id: ack.stream,
            conversation: Conversation::Call(call),
            peer: from,
            lane: Lane::Opening,
            last: 1,
            last_id: Some(opening_id(call)),
            acked: ack.upto.min(1),
            read: ack.read.min(ack.upto).min(1),
        };
        if record.acked == 1 {
            self.ctx.persist(ConversationChange::Delivered(opening_id(call)));
            self.ctx.persist(ConversationChange::StreamOut(record));
        }
    }

    fn control(&mut self, now: Time, packet: &Packet, call: CallId, mut control: Control) {
        let from = packet.from;
        let Some(found) = self.calls.get(call) else {
            return self.control_of_unknown_call(now, packet, call, control);
        };
        let open = found.is_open();
        let waits = open || found.was_given_up();
        // The control message comes from a key that is not in this call.
        if found.peer != from {
            return;
        }
        if let Control::Accept(accept) = &control {
            if let Some(name) = accept.name.clone() {
                self.update_peer(now, from, |peer| peer.claimed = Some(name));
            }
            if let Some(replaced) = accept.replaces {
                self.merge(now, from, replaced, call);
            }
        }
        let met = match &mut control {
            Control::Reject(closing) | Control::Cancel(closing) | Control::End(closing)
                if closing.reason == Reason::Merged =>
            {
                // The surviving call may have been merged into another since.
                closing.into = closing.into.map(|into| self.calls.successor(into));
                closing.into.filter(|into| waits && self.carry_over(now, call, *into) && open)
            }
            _ => None,
        };
        self.step(now, call, CallEvent::Control(control), Cause::Other);
        // Both ends rang: our own ring counts as the answer.
        if let Some(into) = met {
            self.step(now, into, CallEvent::Accept { replaces: Some(call) }, Cause::Other);
        }
    }

    /// Handles an accept of our ring that replaces the peer's own ring.
    fn merge(&mut self, now: Time, from: PublicKey, replaced: CallId, into: CallId) {
        match self.calls.get(replaced) {
            Some(found) if found.peer == from => {
                if found.is_open() {
                    self.carry_over(now, replaced, into);
                }
                self.step(now, replaced, CallEvent::Merge(into), Cause::Other);
            }
            Some(_) => {}
            None => self.bury(now, from, replaced, Reason::Merged),
        }
    }

    fn control_of_unknown_call(
        &mut self,
        now: Time,
        packet: &Packet,
        call: CallId,
        control: Control,
    ) {
        let from = packet.from;
        match control {
            Control::Offer(offer) => {
                let sent = self.ctx.heard(Time::from_secs(packet.created_at));
                self.ring(now, Ring { from, call, rumor: packet.id, sent, offer });
            }
            Control::Cancel(closing) | Control::End(closing) | Control::Reject(closing) => {
                self.bury(now, from, call, closing.reason);
            }
            Control::Accept(_) | Control::Established | Control::Ringing => {
                self.no_such_call(now, from, call);
            }
            Control::Ended => {}
        }
    }

    /// Ends a call that a contact believes to be in and that is not known here, since a store was
    /// lost.
    fn no_such_call(&mut self, now: Time, from: PublicKey, call: CallId) {
        if self.ctx.peers.standing(from) == Standing::Allowed {
            let closing = Closing::new(Reason::Failed, "no such call");
            let body = Body::Control(call, Control::End(closing));
            self.say(now, from, &body);
        }
    }

    fn numbered(
        &mut self,
        now: Time,
        message: &Verified,
        packet: Packet,
        conversation: Conversation,
        slot: Slot,
    ) {
        let from = packet.from;
        match conversation {
            Conversation::Call(call) => {
                let Some(found) = self.calls.get(call) else {
                    return self.no_such_call(now, from, call);
                };
                if found.peer != from {
                    return;
                }
                self.step(now, call, CallEvent::Received, Cause::Other);
                if !self.conversations.is_open(conversation) {
                    return;
                }
            }
            Conversation::Direct(_) => {
                let text = match &packet.body {
                    Body::Numbered(_, _, Item::Text(text)) => text.as_str(),
                    _ => "",
                };
                if !self.ctx.was_seen(packet.id) && !self.may_write(now, from, text) {
                    return;
                }
                self.conversations.open_direct(from);
                self.update_peer(now, from, |_| {});
            }
        }
        let arrived = (packet, slot);
        for released in
            self.conversations.arrive(&mut self.ctx, now, conversation, message, arrived)
        {
            self.deliver(now, conversation, released);
        }
    }

    /// Returns true if a direct message of this key is taken in.
    fn may_write(&mut self, now: Time, from: PublicKey, text: &str) -> bool {
        match (self.ctx.peers.standing(from), self.ctx.settings.policy) {
            (Standing::Allowed, _) => true,
            (Standing::Stranger, _) if self.may_pair(now, from, text) => true,
            (Standing::Blocked, _) | (_, Policy::AllowList | Policy::Closed) => false,
            (Standing::Stranger, _) => self.ctx.peers.take_stranger(now),
        }
    }

    /// Records a rumor that is next in order as a message for our agent.
    fn deliver(&mut self, now: Time, id: Conversation, released: Released) {
        let Released { slot, id: rumor, mut packet } = released;
        let body = std::mem::replace(&mut packet.body, Body::Ack);
        let Body::Numbered(_, Slot { was, .. }, item) = body else { return };
        if was.is_some_and(|was| self.conversations.came_as(&mut self.ctx, now, id, was)) {
            return;
        }
        let Some(content) = self.content(now, id, &packet, item) else { return };
        let by = Speaker::theirs(packet.by_human);
        let silent = matches!(content, Content::File { .. });
        let forwarded = match id {
            Conversation::Call(call) if self.taken_over(call).is_some() => {
                Some((call, content.clone()))
            }
            _ => None,
        };
        let message = NewMessage { by, rumor, slot: Some(slot), content };
        let handle = self.conversations.record_received(&mut self.ctx, now, id, &packet, message);
        if let Some((call, content)) = forwarded {
            self.forward(now, call, by, &content);
        }
        // A file is reported once it is complete.
        if !silent {
            self.ctx.event(now, EventKind::Message, id, Some(handle), None);
        }
    }

    /// Returns the content of an item for our agent, unless the item is for somebody else.
    fn content(
        &mut self,
        now: Time,
        id: Conversation,
        packet: &Packet,
        item: Item,
    ) -> Option<Content> {
        Some(match (item, id) {
            (Item::Void, _) => return None,
            (Item::Digest(summary), Conversation::Call(call)) => {
                self.digest_received(call, summary);
                return None;
            }
            (Item::Digest(_), Conversation::Direct(_)) => return None,
            (Item::Text(text), Conversation::Direct(_))
                if self.for_its_human(now, packet, &text) =>
            {
                return None;
            }
            (Item::Text(text), _) => Content::Text(text),
            (Item::Escalation(asked), _) => {
                Content::Escalation { question: asked.question, options: asked.options }
            }
            (Item::Unknown(name), _) => Content::Unsupported(name),
            (Item::File(offer), Conversation::Call(call)) => {
                let name = crate::policy::safe_name(&offer.name).into();
                let peer = self.calls.get(call).map_or(self.ctx.me, |call| call.peer);
                let (transfers, conversations) = (&mut self.transfers, &mut self.conversations);
                let place = (call, peer);
                let file = transfers.offered(&mut self.ctx, conversations, now, place, &offer);
                Content::File { file, name }
            }
            (Item::File(_), Conversation::Direct(_)) => Content::Unsupported("file".into()),
        })
    }

    /// Takes in a message from an ordinary app.
    fn plain(&mut self, now: Time, packet: &Packet, text: Text) {
        let from = packet.from;
        if self.ctx.was_seen(packet.id)
            || is_forgotten(now, Time::from_secs(packet.created_at))
            || text.trim().is_empty()
            || !self.may_write(now, from, &text)
            || !self.ctx.peers.within_rate(now, &self.ctx.settings, from, text.len())
        {
            return;
        }
        self.ctx.remember_seen(now, packet.id);
        if self.for_its_human(now, packet, &text) {
            return;
        }
        let id = self.conversations.open_direct(from);
        self.update_peer(now, from, |peer| {
            if peer.speaks == Speaks::Unknown {
                peer.speaks = Speaks::Plain;
            }
        });
        let (by, content) = (Speaker::Peer, Content::Text(text));
        let message = NewMessage { by, rumor: packet.id, slot: None, content };
        let handle = self.conversations.record_received(&mut self.ctx, now, id, packet, message);
        self.ctx.event(now, EventKind::Message, id, Some(handle), None);
    }
}
