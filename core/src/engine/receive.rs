//! What peers say: every packet finds its conversation, or is dropped.

use std::time::Duration;

use super::channel::{Channel, Parked};
use super::offers::Ring;
use super::{Cause, Engine, Priority, SEEN_KEPT};
use crate::call::Event as CallEvent;
use crate::conversation::change::ConversationChange;
use crate::ids::{CallId, Conversation, PublicKey, RumorId, StreamId};
use crate::lane::{Arrival, Incoming, Parcel};
use crate::policy::{Meter, Policy, Rate};
use crate::record::{Content, Delivery, EventKind, Lane, Message, Speaker, Speaks, Standing};
use crate::rumor::Verified;
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Body, Closing, Control, Item, Malformed, Packet, Reason, Slot, decode};

/// By how much a writer's clock may be wrong.
const SKEW: Duration = Duration::from_secs(2 * 24 * 3600);
/// Direct messages that all strangers together may leave in a minute.
pub(super) const STRANGERS_RATE: u32 = 10;

impl Engine {
    /// A peer's rumor, whose author and id are proven. Whatever does not fit is dropped silently:
    /// peers are told nothing about what we make of them.
    pub(super) fn receive(&mut self, now: Time, message: &Verified) {
        let mut packet = match decode(self.me, message) {
            Ok(packet) => packet,
            Err(Malformed::TooLong) => return self.too_long(now, message),
            Err(_) => return,
        };
        let from = packet.from;
        if from == self.me {
            return self.twin_heard(now, &packet);
        }
        if self.standing(from) == Standing::Blocked {
            return;
        }
        self.note_what_it_speaks(now, &packet);
        for ack in std::mem::take(&mut packet.acks) {
            self.acked(now, from, &ack);
        }
        // Its id may be forgotten: it could be a replay, and break its stream.
        let numbered = matches!(packet.body, Body::Numbered(..) | Body::Chunk(..));
        if numbered && is_forgotten(now, Time::from_secs(packet.created_at)) {
            return;
        }
        match std::mem::replace(&mut packet.body, Body::Ack) {
            Body::Ack | Body::Twin(_) => {}
            Body::Plain(text) => self.plain(now, &packet, text),
            Body::Control(call, control) => self.control(now, &packet, call, control),
            Body::Reset(slot) => self.reset(now, from, slot),
            Body::Chunk(call, slot, bytes) => self.chunk(now, from, call, slot, packet.id, bytes),
            Body::Numbered(conversation, slot, item) => {
                packet.body = Body::Numbered(conversation, slot, item);
                self.numbered(now, message, packet, conversation, slot);
            }
        }
        if self.standing(from) == Standing::Allowed {
            self.peer_alive(now, from);
        }
    }

    /// Keys that nothing is kept of stay unknown: a stranger cannot fill the store with itself.
    fn note_what_it_speaks(&mut self, now: Time, packet: &Packet) {
        let Some(known) = self.peers.get(&packet.from) else { return };
        let speaks = match packet.body {
            Body::Plain(_) if known.speaks == Speaks::Unknown => Speaks::Plain,
            Body::Plain(_) => return,
            _ => Speaks::P2p,
        };
        self.update_peer(now, packet.from, |peer| peer.speaks = speaks);
    }

    fn control(&mut self, now: Time, packet: &Packet, call: CallId, mut control: Control) {
        let from = packet.from;
        let Some(session) = self.calls.get(&call) else {
            return self.control_of_unknown_call(now, packet, call, control);
        };
        let open = session.call.is_open();
        let waits = open || session.call.was_given_up();
        // Another's accept, another's end.
        if session.call.peer != from {
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
                // What it was merged into may have been merged itself since.
                closing.into = closing.into.map(|into| self.heir(into));
                closing.into.filter(|into| waits && self.carry_over(now, call, *into) && open)
            }
            _ => None,
        };
        self.step(now, call, CallEvent::Said(control), Cause::Other);
        // We rang while it rang here: that is an answer.
        if let Some(into) = met {
            self.step(now, into, CallEvent::Take { replaces: Some(call) }, Cause::Other);
        }
    }

    /// The peer took our ring and says that it replaces one of its own.
    fn merge(&mut self, now: Time, from: PublicKey, replaced: CallId, into: CallId) {
        match self.calls.get(&replaced) {
            Some(session) if session.call.peer == from => {
                if session.call.is_open() {
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
                let sent = Time::from_secs(packet.created_at).0;
                let sent = Time(sent.saturating_add_signed(self.clock_ahead.saturating_neg()));
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

    /// A contact is in a call that is not known here: a store was lost. It is told so.
    fn no_such_call(&mut self, now: Time, from: PublicKey, call: CallId) {
        if self.standing(from) == Standing::Allowed {
            let closing = Closing::new(Reason::Failed, "no such call");
            let body = Body::Control(call, Control::End(closing));
            self.say(now, from, &body, Priority::Control);
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
                let Some(session) = self.calls.get(&call) else {
                    return self.no_such_call(now, from, call);
                };
                if session.call.peer != from {
                    return;
                }
                self.step(now, call, CallEvent::Spoke, Cause::Other);
                if !self.calls.get(&call).is_some_and(|s| s.call.carries()) {
                    return;
                }
            }
            Conversation::Direct(_) => {
                let text = match &packet.body {
                    Body::Numbered(_, _, Item::Text(text)) => text.as_str(),
                    _ => "",
                };
                if !self.seen.contains_key(&packet.id) && !self.may_write(now, from, text) {
                    return;
                }
                self.direct.entry(from).or_insert_with(|| Channel::new(from, conversation));
                self.update_peer(now, from, |_| {});
            }
        }
        self.take_in(now, message, packet, conversation, slot);
    }

    /// Whether a direct message of this key is taken in.
    fn may_write(&mut self, now: Time, from: PublicKey, text: &str) -> bool {
        match (self.standing(from), self.settings.policy) {
            (Standing::Allowed, _) => true,
            (Standing::Stranger, _) if self.may_pair(now, from, text) => true,
            (Standing::Blocked, _) | (_, Policy::AllowList | Policy::Closed) => false,
            (Standing::Stranger, _) => self.strangers.take(now, 1),
        }
    }

    /// Whether one more message of this peer is taken in now. One that is not comes again.
    fn within_rate(&mut self, now: Time, from: PublicKey, bytes: usize) -> bool {
        let size = u32::try_from(bytes).unwrap_or(u32::MAX);
        let (count, most) = (self.settings.receives, self.settings.receive_bytes);
        let full = || Meter::full(now, Rate::a_minute(count));
        let (messages, words) = self
            .meters
            .entry(from)
            .or_insert_with(|| (full(), Meter::full(now, Rate::an_hour(most))));
        words.has(now, size) && messages.take(now, 1) && words.take(now, size)
    }

    fn take_in(
        &mut self,
        now: Time,
        message: &Verified,
        packet: Packet,
        conversation: Conversation,
        slot: Slot,
    ) {
        let from = packet.from;
        let id = packet.id;
        let duplicate = self.seen.contains_key(&id);
        if !duplicate && !self.within_rate(now, from, message.rumor().content.len()) {
            return;
        }
        let ack_idle = self.settings.schedule.ack_idle;
        let Some(channel) = self.channel(conversation) else { return };
        if !channel.incoming.contains_key(&slot.stream) && !channel.takes_stream() {
            return;
        }
        let incoming =
            channel.incoming.entry(slot.stream).or_insert_with(|| Incoming::new(slot.stream));
        if duplicate && incoming.broken {
            // The sender did not hear that, or it would not say it there again.
            return self.ask_for_new_stream(now, from, slot);
        }
        if duplicate {
            incoming.owes_ack = true;
            return channel.owe(now, ack_idle);
        }
        let parcel = parcel(packet);
        let void = parcel.void;
        let arrival = incoming.arrive(slot.number, parcel);
        let broke = matches!(arrival, Arrival::Released(_)) && incoming.broken;
        let record = channel
            .incoming
            .get(&slot.stream)
            .map(|incoming| channel.stream_in(incoming, Lane::Text));
        match arrival {
            Arrival::TooFar => {}
            Arrival::Duplicate => self.owe(now, conversation, slot.stream),
            // A void never takes the place of what arrived before it was sent.
            Arrival::Conflict if void => self.owe(now, conversation, slot.stream),
            Arrival::Conflict => {
                if let Some(incoming) = channel.incoming.get_mut(&slot.stream) {
                    incoming.broken = true;
                }
                self.ask_for_new_stream(now, from, slot);
            }
            Arrival::Held => {
                channel.owe(now, ack_idle);
                self.remember_seen(now, id);
                if let Some(record) = record {
                    self.persist(ConversationChange::StreamIn(record));
                }
                let rumor = Box::new(message.rumor().clone());
                self.persist(ConversationChange::OutOfOrder {
                    stream: slot.stream,
                    number: slot.number,
                    rumor,
                });
            }
            Arrival::Released(released) => {
                channel.owe(now, ack_idle);
                self.remember_seen(now, id);
                if let Some(record) = record {
                    self.persist(ConversationChange::StreamIn(record));
                }
                for (number, id, parked) in released {
                    self.deliver(now, conversation, (slot.stream, number), id, parked.packet);
                }
                if broke {
                    self.ask_for_new_stream(now, from, slot);
                }
            }
        }
    }

    /// What the sender says of a stream and what is here do not fit. Strangers hear nothing.
    fn ask_for_new_stream(&mut self, now: Time, from: PublicKey, slot: Slot) {
        if self.standing(from) == Standing::Allowed {
            let body = Body::Reset(Slot::new(slot.stream, slot.number));
            self.say(now, from, &body, Priority::Control);
        }
    }

    fn owe(&mut self, now: Time, conversation: Conversation, stream: StreamId) {
        let idle = self.settings.schedule.ack_idle;
        if let Some(channel) = self.channel(conversation) {
            if let Some(incoming) = channel.incoming.get_mut(&stream) {
                incoming.owes_ack = true;
            }
            channel.owe(now, idle);
        }
    }

    pub(super) fn remember_seen(&mut self, now: Time, id: RumorId) {
        self.seen.insert(id, now);
        self.persist(ConversationChange::Seen(id, now));
    }

    /// Next in order: it becomes a message that our agent can read.
    fn deliver(
        &mut self,
        now: Time,
        conversation: Conversation,
        slot: (StreamId, u64),
        id: RumorId,
        mut packet: Packet,
    ) {
        let body = std::mem::replace(&mut packet.body, Body::Ack);
        let Body::Numbered(_, Slot { was, .. }, item) = body else { return };
        // The same words came in a stream that was abandoned since; or they wait there, beyond a
        // gap that nobody fills any more.
        if let Some(was) = was {
            let waits = self.channel(conversation).is_some_and(|c| c.take_held(was).is_some());
            if self.seen.contains_key(&was) && !waits {
                return;
            }
            self.remember_seen(now, was);
        }
        let content = match item {
            Item::Void => return,
            Item::Digest(summary) => {
                if let Conversation::Call(call) = conversation {
                    self.digest_heard(call, summary);
                }
                return;
            }
            Item::Text(text) => {
                if matches!(conversation, Conversation::Direct(_))
                    && self.for_its_human(now, &packet, &text)
                {
                    return;
                }
                Content::Text(text)
            }
            Item::Escalation(asked) => {
                Content::Escalation { question: asked.question, options: asked.options }
            }
            Item::Unknown(name) => Content::Unsupported(name),
            Item::File(offer) => match conversation {
                Conversation::Call(call) => {
                    let name = crate::policy::safe_name(&offer.name);
                    let file = self.file_offered(now, call, &offer);
                    Content::File { file, name: name.into() }
                }
                Conversation::Direct(_) => Content::Unsupported("file".into()),
            },
        };
        let silent = matches!(content, Content::File { .. });
        let forwarded = match conversation {
            Conversation::Call(call) if self.taken_over(call).is_some() => Some(content.clone()),
            _ => None,
        };
        let handle = self.number(|counters| &mut counters.messages);
        let message = Message {
            handle,
            conversation,
            peer: packet.from,
            by: Speaker::theirs(packet.by_human),
            rumor: id,
            slot: Some(slot),
            content,
            at: now,
            claimed_at: packet.created_at,
            delivery: Delivery::Delivered,
        };
        self.persist(ConversationChange::Message(Box::new(message)));
        if let (Conversation::Call(call), Some(content)) = (conversation, forwarded) {
            self.forward(now, call, Speaker::theirs(packet.by_human), &content);
        }
        // A file is news when it is whole.
        if !silent {
            self.event(now, EventKind::Message, conversation, Some(handle), None);
        }
    }

    /// Words from an ordinary app.
    fn plain(&mut self, now: Time, packet: &Packet, text: Text) {
        let from = packet.from;
        if self.seen.contains_key(&packet.id)
            || is_forgotten(now, Time::from_secs(packet.created_at))
            || text.trim().is_empty()
            || !self.may_write(now, from, &text)
            || !self.within_rate(now, from, text.len())
        {
            return;
        }
        self.remember_seen(now, packet.id);
        if self.for_its_human(now, packet, &text) {
            return;
        }
        let conversation = Conversation::Direct(from);
        self.direct.entry(from).or_insert_with(|| Channel::new(from, conversation));
        self.update_peer(now, from, |peer| {
            if peer.speaks == Speaks::Unknown {
                peer.speaks = Speaks::Plain;
            }
        });
        let handle = self.number(|counters| &mut counters.messages);
        self.persist(ConversationChange::Message(Box::new(Message {
            handle,
            conversation,
            peer: from,
            by: Speaker::Peer,
            rumor: packet.id,
            slot: None,
            content: Content::Text(text),
            at: now,
            claimed_at: packet.created_at,
            delivery: Delivery::Delivered,
        })));
        self.event(now, EventKind::Message, conversation, Some(handle), None);
    }

    /// Our agent was shown a stream up to a number.
    pub(super) fn shown(
        &mut self,
        now: Time,
        conversation: Conversation,
        stream: StreamId,
        number: u64,
    ) {
        let idle = self.settings.schedule.ack_idle;
        let disclose = self.settings.disclose_read;
        let Some(channel) = self.channel(conversation) else { return };
        let Some(incoming) = channel.incoming.get_mut(&stream) else { return };
        if !incoming.shown(number) {
            return;
        }
        incoming.owes_ack |= disclose;
        if disclose {
            channel.owe(now, idle);
        }
        let record =
            channel.incoming.get(&stream).map(|incoming| channel.stream_in(incoming, Lane::Text));
        if let Some(record) = record {
            self.persist(ConversationChange::StreamIn(record));
        }
    }
}

/// Whether its writer says that it is so old that its id would be forgotten here by now: it cannot
/// be told from a repetition, which relays may serve for years.
pub(super) fn is_forgotten(now: Time, written: Time) -> bool {
    now.since(written) > SEEN_KEPT.saturating_sub(SKEW)
}

/// A packet of the text lane as its stream takes it.
pub(super) fn parcel(packet: Packet) -> Parcel<Parked> {
    let (prev, void) = match &packet.body {
        Body::Numbered(_, slot, item) => (slot.prev, *item == Item::Void),
        _ => (None, false),
    };
    Parcel { id: packet.id, prev, void, value: Parked { packet } }
}

impl Channel {
    /// An acknowledgement goes soon, unless one is due already.
    fn owe(&mut self, now: Time, idle: Duration) {
        self.ack_due = Some(self.ack_due.unwrap_or(now + idle));
    }
}
