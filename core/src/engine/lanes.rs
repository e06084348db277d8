//! Sending, repeating, and acknowledging: the engine's side of lanes.

use std::time::Duration;

use super::channel::{Channel, Due, Sending};
use super::{Cause, Engine, Priority};
use crate::call::{Call, Event as CallEvent};
use crate::conversation::change::ConversationChange;
use crate::ids::{CallId, Conversation, PublicKey, RumorId, StreamId};
use crate::lane::{AckOutcome, Outgoing};
use crate::opening::{opening_id, opening_stream};
use crate::record::{EventKind, FileState, Lane, Standing, StreamOut};
use crate::rumor::Rumor;
use crate::text::Text;
use crate::time::Time;
use crate::transfer::change::TransferChange;
use crate::wire::{Ack, Body, Item, Slot, Stamp, encode, relocate};

/// Most acknowledgements that ride on one rumor.
const ACKS_LIMIT: usize = 16;
/// What went out within this time does not go again because a relay or the peer is back.
const JUST_NOW: Duration = Duration::from_secs(5);
/// Why messages move to another stream.
const RESTORED: &str = "a store was restored from a backup; unacknowledged messages are sent again";
/// What the agent is told of a dead letter.
const GIVEN_UP: &str =
    "a message was not confirmed within its lifetime and is given up; it may still arrive";

impl Engine {
    pub(super) fn channel(&mut self, conversation: Conversation) -> Option<&mut Channel> {
        match conversation {
            Conversation::Call(call) => self.calls.get_mut(&call).map(|s| &mut s.channel),
            Conversation::Direct(key) => self.direct.get_mut(&key),
        }
    }

    /// The same, to look at.
    pub(super) fn channel_of(&self, conversation: Conversation) -> Option<&Channel> {
        match conversation {
            Conversation::Call(call) => self.calls.get(&call).map(|session| &session.channel),
            Conversation::Direct(key) => self.direct.get(&key),
        }
    }

    fn channels(&mut self) -> impl Iterator<Item = &mut Channel> {
        self.calls.values_mut().map(|s| &mut s.channel).chain(self.direct.values_mut())
    }

    pub(super) fn conversations_with(&self, peer: PublicKey) -> Vec<Conversation> {
        let calls = self.calls_with(peer).into_iter().map(Conversation::Call);
        calls.chain(self.direct.contains_key(&peer).then_some(Conversation::Direct(peer))).collect()
    }

    /// Whether messages of this conversation may travel now.
    pub(super) fn is_open(&self, conversation: Conversation) -> bool {
        match conversation {
            Conversation::Call(call) => self.calls.get(&call).is_some_and(|s| s.call.carries()),
            Conversation::Direct(_) => true,
        }
    }

    /// Gives an item the next number of the text lane and keeps it. [`Engine::flush`] sends it.
    pub(super) fn enqueue(
        &mut self,
        now: Time,
        conversation: Conversation,
        item: Item,
    ) -> Option<(RumorId, (StreamId, u64))> {
        self.enqueue_as(now, conversation, item, false, None)
    }

    /// The same by our agent or its human; `was` is the id under which it was said elsewhere.
    pub(super) fn enqueue_as(
        &mut self,
        now: Time,
        conversation: Conversation,
        item: Item,
        by_human: bool,
        was: Option<RumorId>,
    ) -> Option<(RumorId, (StreamId, u64))> {
        let fresh = self.ids.stream();
        let open = self.is_open(conversation);
        let peer = self.channel(conversation)?.peer;
        let acks = if open { self.take_acks(now, peer) } else { Vec::new() };
        let stamp = Stamp { by_human, ..self.stamp(now, peer, acks) };
        let channel = self.channel(conversation)?;
        let stream = channel.words.get_or_insert_with(|| Outgoing::new(fresh));
        let slot = Slot { was, ..stream.next_slot() };
        let rumor = encode(&stamp, &Body::Numbered(conversation, slot, item));
        let id = self.keep(now, conversation, Lane::Text, rumor);
        Some((id, (slot.stream, slot.number)))
    }

    /// The same for words to an ordinary app. Each is written in a second of its own: apps sort by
    /// it, and take the same words in the same second for one message.
    pub(super) fn enqueue_plain(&mut self, now: Time, peer: PublicKey, text: Text) -> RumorId {
        let fresh = self.ids.stream();
        let mut stamp = self.stamp(now, peer, Vec::new());
        let conversation = Conversation::Direct(peer);
        if let Some(channel) = self.channel(conversation) {
            channel.plain.get_or_insert_with(|| Outgoing::new(fresh));
            channel.plain_at = stamp.at.secs().max(channel.plain_at + 1);
            stamp.at = Time::from_secs(channel.plain_at);
        }
        let rumor = encode(&stamp, &Body::Plain(text));
        self.keep(now, conversation, Lane::Plain, rumor)
    }

    /// Puts a rumor into its stream and makes both durable.
    pub(super) fn keep(
        &mut self,
        now: Time,
        conversation: Conversation,
        lane: Lane,
        rumor: Rumor,
    ) -> RumorId {
        let id = rumor.id();
        let kept = Box::new(rumor.clone());
        let Some(channel) = self.channel(conversation) else { return id };
        let Some((stream, _)) = channel.outgoing_mut().find(|(_, l)| *l == lane) else { return id };
        let number = stream.push(now, rumor);
        let stream_id = stream.id;
        let record = channel
            .outgoing()
            .find(|(stream, _)| stream.id == stream_id)
            .map(|(stream, lane)| channel.stream_out(stream, lane));
        if let Some(record) = record {
            self.persist(ConversationChange::StreamOut(record));
        }
        self.persist(ConversationChange::Outbox {
            stream: stream_id,
            number,
            rumor: kept,
            since: now,
        });
        id
    }

    /// Sends what is due in a conversation.
    pub(super) fn flush(&mut self, now: Time, conversation: Conversation) {
        if !self.is_open(conversation) {
            return;
        }
        let schedule = self.settings.schedule.clone();
        let Some(channel) = self.channel(conversation) else { return };
        let peer = channel.peer;
        let due: Vec<Due> = channel
            .outgoing_mut()
            .flat_map(|(stream, lane)| {
                let due = stream.due(now, &schedule).into_iter();
                due.map(move |(_, rumor)| (lane, rumor))
            })
            .collect();
        self.send_all(peer, due);
    }

    fn send_all(&mut self, to: PublicKey, due: Vec<Due>) {
        for (lane, rumor) in due {
            let priority = match lane {
                Lane::File(_) => Priority::Chunk,
                Lane::Text | Lane::Plain | Lane::Opening => Priority::Text,
            };
            self.send(to, rumor, priority);
        }
    }

    /// Everything whose time has come: dead letters, repetitions, acknowledgements.
    pub(super) fn flush_due(&mut self, now: Time) {
        let schedule = self.settings.schedule.clone();
        let calls = self.calls.keys().copied().map(Conversation::Call);
        let direct = self.direct.keys().copied().map(Conversation::Direct);
        let all: Vec<Conversation> = calls.chain(direct).collect();
        let quiet = now < self.quiet_until;
        for conversation in all {
            let open = self.is_open(conversation);
            let Some(channel) = self.channel(conversation) else { continue };
            let peer = channel.peer;
            let ack_due = !quiet && channel.ack_due.is_some_and(|at| at <= now);
            let due = open && channel.lanes_due(&schedule).is_some_and(|at| at <= now);
            if due {
                self.give_up_expired(now, conversation);
                self.flush(now, conversation);
            }
            if ack_due {
                self.acknowledge(now, peer);
            }
        }
    }

    /// Sends owed acknowledgements by themselves.
    fn acknowledge(&mut self, now: Time, peer: PublicKey) {
        let acks = self.take_acks(now, peer);
        if !acks.is_empty() {
            let rumor = encode(&self.stamp(now, peer, acks), &Body::Ack);
            self.send(peer, rumor, Priority::Ack);
        }
    }

    /// What is owed to a peer, to ride on what goes there now. Strangers get none outside calls
    /// that were answered.
    pub(super) fn take_acks(&mut self, now: Time, peer: PublicKey) -> Vec<Ack> {
        if now < self.quiet_until {
            return Vec::new();
        }
        let disclose = self.settings.disclose_read;
        let standing = self.standing(peer);
        let mut acks = Vec::new();
        for conversation in self.conversations_with(peer) {
            let heard = match (standing, conversation) {
                (Standing::Allowed, _) => true,
                (Standing::Stranger, Conversation::Call(_)) => self.is_open(conversation),
                _ => false,
            };
            let room = ACKS_LIMIT - acks.len();
            match self.channel(conversation) {
                Some(channel) if heard => acks.extend(channel.owed(disclose, room)),
                Some(channel) => channel.owe_nothing(),
                None => {}
            }
        }
        acks
    }

    /// An acknowledgement came.
    pub(super) fn acked(&mut self, now: Time, from: PublicKey, ack: &Ack) {
        for conversation in self.conversations_with(from) {
            let Some(channel) = self.channel(conversation) else { continue };
            let found = channel.outgoing_mut().find(|(stream, _)| stream.id == ack.stream);
            let Some((stream, lane)) = found else { continue };
            let outcome = stream.acked(now, ack);
            let again = stream.again(now, &outcome.resend);
            let whole = stream.pending.is_empty();
            let upto = stream.acked;
            let record = channel
                .outgoing()
                .find(|(stream, _)| stream.id == ack.stream)
                .map(|(stream, lane)| channel.stream_out(stream, lane));
            if outcome.diverged {
                // The chunks of a file have no second stream: what is missing times out.
                if lane == Lane::Text {
                    self.reopen(now, conversation, Some(RESTORED));
                }
                return;
            }
            self.record_ack(ack.stream, upto, record, &outcome);
            self.send_all(from, again.into_iter().map(|(_, rumor)| (lane, rumor)).collect());
            if let (Lane::File(Some(file)), true) = (lane, whole) {
                self.file_sent(file);
                if let Some(channel) = self.channel(conversation) {
                    channel.sending.remove(&ack.stream);
                }
            }
            return;
        }
        self.opening_acked(from, ack);
    }

    /// The callee's word on the opening message of a call of ours.
    fn opening_acked(&mut self, from: PublicKey, ack: &Ack) {
        let is_it = |call: &&Call| {
            call.outgoing && call.opening.is_some() && opening_stream(call.id) == ack.stream
        };
        let ours = self.calls().filter(|call| call.peer == from).find(is_it);
        let Some(call) = ours.map(|call| call.id) else { return };
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
            self.persist(ConversationChange::Delivered(opening_id(call)));
            self.persist(ConversationChange::StreamOut(record));
        }
    }

    fn record_ack(
        &mut self,
        stream: StreamId,
        upto: u64,
        record: Option<StreamOut>,
        outcome: &AckOutcome,
    ) {
        if !outcome.advanced && outcome.delivered.is_empty() && outcome.read.is_none() {
            return;
        }
        for id in &outcome.delivered {
            self.persist(ConversationChange::Delivered(*id));
        }
        self.persist(ConversationChange::OutboxDone(stream, upto));
        if let Some(record) = record {
            self.persist(ConversationChange::StreamOut(record));
        }
    }

    /// The stream leads nowhere: what is not acknowledged moves to a new one, where each message
    /// names the id that it had, so that none is taken in twice. Voids have nothing to say there.
    fn reopen(&mut self, now: Time, conversation: Conversation, notice: Option<&str>) {
        let Some(channel) = self.channel(conversation) else { return };
        let Some(old) = channel.words.take() else { return };
        self.say_again(now, conversation, old);
        if let Some(text) = notice {
            self.event(now, EventKind::Notice, conversation, None, Some(text.into()));
        }
        self.flush(now, conversation);
    }

    /// Moves what is not acknowledged to the text lane of a conversation, whichever it was in.
    pub(super) fn say_again(&mut self, now: Time, to: Conversation, old: Outgoing) {
        let fresh = self.ids.stream();
        self.persist(ConversationChange::OutboxDone(old.id, old.last));
        for pending in old.pending.into_values().filter(|pending| !pending.is_void()) {
            let Some(channel) = self.channel(to) else { return };
            let stream = channel.words.get_or_insert_with(|| Outgoing::new(fresh));
            let slot = stream.next_slot();
            let (from, claimed_at) = (pending.id, pending.rumor.created_at);
            let id = self.keep(now, to, Lane::Text, relocate(&pending.rumor, to, slot));
            if let Some(words) = self.channel(to).and_then(|channel| channel.words.as_mut()) {
                words.expose_last(pending.is_out() || pending.attempts > 0);
            }
            let slot = (slot.stream, slot.number);
            self.persist(ConversationChange::Moved {
                from,
                to: id,
                conversation: to,
                slot,
                claimed_at,
            });
            self.note_moved(from, id);
        }
    }

    /// Moves files that wait for the answer to a call to the one that it became part of.
    pub(super) fn send_files_there(
        &mut self,
        now: Time,
        call: CallId,
        files: impl IntoIterator<Item = Sending>,
    ) {
        let there = Conversation::Call(call);
        for Sending { file, chunks } in files {
            if let Some(file) = self.files.get_mut(&file) {
                file.call = call;
            }
            self.persist(TransferChange::Moved(file, call));
            let Some(channel) = self.channel(there) else { return };
            let fresh = Sending { file, chunks: Outgoing::new(chunks.id) };
            channel.sending.insert(chunks.id, fresh);
            for (number, pending) in chunks.pending {
                let moved = relocate(&pending.rumor, there, Slot::new(chunks.id, number));
                self.keep(now, there, Lane::File(Some(file)), moved);
            }
        }
    }

    /// The receiver says that a number of ours holds another rumor there.
    pub(super) fn reset(&mut self, now: Time, from: PublicKey, slot: Slot) {
        let current = self.conversations_with(from).into_iter().find(|conversation| {
            let channel = match conversation {
                Conversation::Call(call) => self.calls.get(call).map(|s| &s.channel),
                Conversation::Direct(key) => self.direct.get(key),
            };
            let stream = channel.and_then(|channel| channel.words.as_ref());
            stream.is_some_and(|stream| stream.id == slot.stream && slot.number <= stream.last)
        });
        if let Some(conversation) = current {
            self.reopen(now, conversation, Some(RESTORED));
        }
    }

    /// The message that a rumor of ours brings: of an offer, the opening.
    #[must_use]
    pub fn message_in(&self, rumor: RumorId) -> RumorId {
        self.offers.get(&rumor).map_or(rumor, |call| opening_id(*call))
    }

    /// How a rumor fared at the relays.
    pub(super) fn report(&mut self, rumor: RumorId, accepted: u32, relays: u32) {
        if self.offers.contains_key(&rumor) {
            let rumor = self.message_in(rumor);
            self.persist(ConversationChange::Relays { rumor, accepted, relays });
            return;
        }
        if accepted == 0 {
            self.persist(ConversationChange::Relays { rumor, accepted, relays });
            return;
        }
        let found = self.channels().find_map(|channel| {
            let (stream, lane, number) = channel.find(rumor)?;
            if lane == Lane::Plain {
                stream.pending.remove(&number);
            }
            Some((stream.id, lane, number))
        });
        self.persist(ConversationChange::Relays { rumor, accepted, relays });
        match found {
            Some((stream, Lane::Plain, number)) => {
                self.persist(ConversationChange::OutboxGone(stream, number));
            }
            Some((stream, _, number)) => self.persist(ConversationChange::Taken(stream, number)),
            None => {}
        }
    }

    /// A relay came back: what none has taken goes now, each call says again what it waits to have
    /// confirmed, and what was acknowledged since the last time is acknowledged again.
    pub(super) fn relay_back(&mut self, now: Time) {
        self.say_hello(now);
        for call in self.calls.keys().copied().collect::<Vec<_>>() {
            self.step(now, call, CallEvent::RelayBack, Cause::Other);
        }
        let calls = self.calls.keys().copied().map(Conversation::Call);
        let direct = self.direct.keys().copied().map(Conversation::Direct);
        for conversation in calls.chain(direct).collect::<Vec<_>>() {
            self.resend(now, conversation, false);
            let due = now + self.settings.schedule.ack_idle;
            if let Some(channel) = self.channel(conversation) {
                channel.owe_again(due);
            }
        }
    }

    /// The peer is back: what no relay has taken goes now, and of the rest the lowest number of
    /// each stream.
    pub(super) fn peer_back(&mut self, now: Time, peer: PublicKey) {
        for conversation in self.conversations_with(peer) {
            self.resend(now, conversation, true);
        }
    }

    fn resend(&mut self, now: Time, conversation: Conversation, lowest: bool) {
        if !self.is_open(conversation) {
            return;
        }
        let Some(channel) = self.channel(conversation) else { return };
        let peer = channel.peer;
        let mut due = Vec::new();
        for (stream, lane) in channel.outgoing_mut() {
            let mut again = stream.untaken(now, JUST_NOW);
            if lowest && lane != Lane::Plain {
                let stale: Vec<u64> = stream.stale(now, JUST_NOW).into_iter().collect();
                again.extend(stream.again(now, &stale));
            }
            due.extend(again.into_iter().map(|(_, rumor)| (lane, rumor)));
        }
        self.send_all(peer, due);
    }

    /// After three days a message is a dead letter, and a void takes its number. When nobody wants
    /// the void either, the stream is left behind: the peer would wait for that number for ever.
    fn give_up_expired(&mut self, now: Time, conversation: Conversation) {
        let schedule = self.settings.schedule.clone();
        let Some(channel) = self.channel(conversation) else { return };
        let dead: Vec<(StreamId, Lane, u64)> = channel
            .outgoing()
            .flat_map(|(stream, lane)| {
                let expired = stream.expired(now, &schedule).into_iter();
                expired.map(move |number| (stream.id, lane, number))
            })
            .collect();
        let mut abandoned = false;
        for (stream, lane, number) in dead {
            match lane {
                Lane::Opening => {}
                Lane::Text => abandoned |= self.give_up_words(now, conversation, number),
                Lane::Plain => self.give_up_plain(now, conversation, number),
                Lane::File(file) => self.give_up_file(now, conversation, stream, file),
            }
        }
        if abandoned {
            self.reopen(now, conversation, None);
        }
    }

    /// Puts a void in the place of a message. True when there was one already.
    fn give_up_words(&mut self, now: Time, conversation: Conversation, number: u64) -> bool {
        self.void_words(now, conversation, number, GIVEN_UP)
    }

    /// See [`Engine::give_up_words`].
    pub(super) fn void_words(
        &mut self,
        now: Time,
        conversation: Conversation,
        number: u64,
        why: &str,
    ) -> bool {
        let find = |channel: &Channel| {
            let words = channel.words.as_ref()?;
            let pending = words.pending.get(&number)?;
            let news = pending.rumor.tag("type") != Some("digest");
            Some((pending.id, pending.is_void(), news))
        };
        let found = self.channel(conversation).and_then(|channel| find(channel));
        let Some((id, void, news)) = found else { return false };
        if void {
            return true;
        }
        self.persist(ConversationChange::Undelivered(id));
        self.fill(now, conversation, number);
        if news {
            self.event(now, EventKind::Undelivered, conversation, None, Some(why.into()));
        }
        false
    }

    /// Puts a void in the place of what will never be said.
    pub(super) fn fill(&mut self, now: Time, conversation: Conversation, number: u64) {
        let Some(channel) = self.channel_of(conversation) else { return };
        let Some(stream) = channel.words.as_ref().map(|words| words.id) else { return };
        let body = Body::Numbered(conversation, Slot::new(stream, number), Item::Void);
        let rumor = encode(&self.stamp(now, channel.peer, Vec::new()), &body);
        let kept = Box::new(rumor.clone());
        if let Some(words) = self.channel(conversation).and_then(|c| c.words.as_mut()) {
            words.replace(now, number, rumor);
        }
        self.persist(ConversationChange::Outbox { stream, number, rumor: kept, since: now });
    }

    fn give_up_plain(&mut self, now: Time, conversation: Conversation, number: u64) {
        self.drop_plain(now, conversation, number, GIVEN_UP);
    }

    pub(super) fn drop_plain(
        &mut self,
        now: Time,
        conversation: Conversation,
        number: u64,
        why: &str,
    ) {
        let Some(plain) = self.channel(conversation).and_then(|c| c.plain.as_mut()) else { return };
        let stream = plain.id;
        if let Some(pending) = plain.pending.remove(&number) {
            self.persist(ConversationChange::Undelivered(pending.id));
            self.persist(ConversationChange::OutboxGone(stream, number));
            self.event(now, EventKind::Undelivered, conversation, None, Some(why.into()));
        }
    }

    /// A file without one of its chunks is no file.
    fn give_up_file(
        &mut self,
        now: Time,
        conversation: Conversation,
        stream: StreamId,
        file: Option<u32>,
    ) {
        self.fail_file(now, conversation, stream, file, "the peer never confirmed it");
    }

    pub(super) fn fail_file(
        &mut self,
        now: Time,
        conversation: Conversation,
        stream: StreamId,
        file: Option<u32>,
        why: &str,
    ) {
        let sending = self.channel(conversation).and_then(|c| c.sending.remove(&stream));
        let Some(sending) = sending else { return };
        self.persist(ConversationChange::OutboxDone(stream, sending.chunks.last));
        if let Some(file) = file {
            self.file_state(file, FileState::Failed(why.into()));
            self.event(now, EventKind::File, conversation, Some(file), None);
        }
    }

    /// Nothing that is queued in this conversation will ever go out.
    pub(super) fn abandon(&mut self, call: CallId) {
        self.abandon_all(Conversation::Call(call), "the call was not answered");
    }

    /// Gives up everything in a conversation that waits for an acknowledgement. None will come, so
    /// that `sent` would stand for ever. Says why files failed.
    pub(super) fn abandon_all(&mut self, conversation: Conversation, why: &str) {
        let Some(channel) = self.channel(conversation) else { return };
        let mut gone = Vec::new();
        for (stream, lane) in channel.outgoing_mut() {
            if !stream.pending.is_empty() {
                gone.push((stream.id, stream.last, lane, std::mem::take(&mut stream.pending)));
            }
        }
        for (stream, last, lane, pending) in gone {
            for pending in pending.into_values() {
                self.persist(ConversationChange::Undelivered(pending.id));
            }
            self.persist(ConversationChange::OutboxDone(stream, last));
            if let Lane::File(file) = lane {
                if let Some(channel) = self.channel(conversation) {
                    channel.sending.remove(&stream);
                }
                if let Some(file) = file {
                    self.file_state(file, FileState::Failed(why.into()));
                }
            }
        }
    }
}
