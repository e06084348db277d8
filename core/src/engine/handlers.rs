//! What our agent wants: a handler a command.

use std::time::Duration;

use super::channel::Channel;
use super::command::{
    Escalate, MarkShown, PlaceCall, PlacedCall, Placement, SendMessage, SentMessage,
};
use super::refusal::{Limited, Refusal};
use super::{Cause, Engine, Session};
use crate::call::change::CallChange;
use crate::call::{Call, Event as CallEvent, State};
use crate::change::EventLogChange;
use crate::conversation::change::ConversationChange;
use crate::ids::{CallId, Conversation, PublicKey, RumorId, StreamId};
use crate::invite::Token;
use crate::lane::Incoming;
use crate::opening::{opening_id, opening_stream};
use crate::peer::change::PeerChange;
use crate::policy::{Meter, Rate, is_pet_name};
use crate::record::{Content, Delivery, Lane, Message, Speaker, Speaks, Standing};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{
    self, Closing, Item, OPENING_LIMIT, OPTIONS_LIMIT, Offer, REASON_LIMIT, Reason, TEXT_LIMIT,
    TOPIC_LIMIT,
};

/// The same words within this time are the same message.
const REPEAT: Duration = Duration::from_secs(120);

impl Engine {
    pub(super) fn place_call(
        &mut self,
        now: Time,
        wanted: PlaceCall,
    ) -> Result<PlacedCall, Refusal> {
        self.may_place(&wanted)?;
        let PlaceCall { peer, topic, opening, note, new, ring, invite } = wanted;
        if !new {
            let call = self.calls_with(peer).into_iter().find(|call| {
                self.call(*call).is_some_and(|call| matches!(call.state, State::Incoming(_)))
            });
            if let Some(call) = call {
                self.accept(now, call)?;
                let message = match opening {
                    Some(text) => Some(self.say_in_call(now, call, text, false)?.message),
                    None => None,
                };
                return Ok(PlacedCall { call, placement: Placement::Accepted, message });
            }
            let same = |call: &&Call| call.peer == peer && call.outgoing && call.topic == topic;
            let same = self.calls().filter(same).find_map(|call| self.spoken_in(call.id).ok());
            if let Some(call) = same {
                self.keep_token(call, invite);
                let placement = Placement::AlreadyOpen;
                return Ok(PlacedCall { call, placement, message: None });
            }
        }
        self.allow(now, peer);
        let id = self.ids.call();
        let handle = self.number(|counters| &mut counters.calls);
        let lifetime = ring.unwrap_or(self.settings.ring.as_secs()).clamp(10, 24 * 3600);
        let invite = invite.map(|token| token.to_string().into());
        let offer = Offer { topic, message: opening.clone(), lifetime, name: None, invite };
        let mut call = Call::dial(handle, id, peer, now, &offer, note);
        if let State::Dialing(state) = &mut call.state {
            state.sign = self.was_seen_lately(now, peer);
        }
        self.persist(CallChange::Put(Box::new(call.clone())));
        let channel = Channel::new(peer, Conversation::Call(id));
        self.calls.insert(id, Session { call: call.clone(), channel });
        let message = opening.map(|text| self.record_opening(now, &call, text));
        self.say_control(now, &call, crate::wire::Control::Offer(offer));
        Ok(PlacedCall { call: id, placement: Placement::Placed, message })
    }

    /// Rings on with the invite token that our agent was given since.
    fn keep_token(&mut self, id: CallId, invite: Option<Token>) {
        let Some(session) = self.calls.get_mut(&id) else { return };
        if invite.is_some() && session.call.is_outgoing_ring() {
            session.call.invite = invite;
            let call = session.call.clone();
            self.persist(CallChange::Put(Box::new(call)));
        }
    }

    fn may_place(&self, wanted: &PlaceCall) -> Result<(), Refusal> {
        self.not_me(wanted.peer)?;
        within(Limited::Topic, &wanted.topic, TOPIC_LIMIT)?;
        within(Limited::Opening, wanted.opening.as_deref().unwrap_or_default(), OPENING_LIMIT)?;
        within(Limited::Note, wanted.note.as_deref().unwrap_or_default(), TEXT_LIMIT)?;
        match (self.standing(wanted.peer), self.speaks(wanted.peer)) {
            (Standing::Blocked, _) => Err(Refusal::Blocked),
            (_, Speaks::Plain) => Err(Refusal::PlainPeer),
            _ => Ok(()),
        }
    }

    /// Keeps the opening message of a call, ours or the peer's.
    pub(super) fn record_opening(&mut self, now: Time, call: &Call, text: Text) -> u32 {
        let conversation = Conversation::Call(call.id);
        let (id, stream) = (opening_id(call.id), opening_stream(call.id));
        let content = Content::Text(text);
        let by = if call.outgoing { Speaker::Agent } else { Speaker::Peer };
        let handle = self.record(now, conversation, by, id, Some((stream, 1)), content);
        let Some(channel) = self.channel(conversation) else { return handle };
        channel.opening = Some(handle);
        if !call.outgoing {
            let incoming = Incoming { upto: 1, upto_id: Some(id), ..Incoming::new(stream) };
            let record = channel.stream_in(&incoming, Lane::Text);
            channel.incoming.insert(stream, incoming);
            self.persist(ConversationChange::StreamIn(record));
        }
        handle
    }

    /// Keeps a new message and gives it a handle.
    pub(super) fn record(
        &mut self,
        now: Time,
        conversation: Conversation,
        by: Speaker,
        rumor: RumorId,
        slot: Option<(StreamId, u64)>,
        content: Content,
    ) -> u32 {
        let handle = self.number(|counters| &mut counters.messages);
        let me = self.me;
        let peer = self.channel(conversation).map_or(me, |channel| channel.peer);
        let message = Message {
            handle,
            conversation,
            peer,
            by,
            rumor,
            slot,
            content,
            at: now,
            claimed_at: self.told(now).secs(),
            delivery: Delivery::Queued,
        };
        self.persist(ConversationChange::Message(Box::new(message)));
        handle
    }

    pub(super) fn accept(&mut self, now: Time, call: CallId) -> Result<(), Refusal> {
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        match &session.call.state {
            State::Incoming(_) => {
                self.allow(now, session.call.peer);
                self.step(now, call, CallEvent::Take { replaces: None }, Cause::Agent);
                Ok(())
            }
            State::Connecting(_) | State::Active if !session.call.outgoing => Ok(()),
            State::Ended(ended) => Err(Refusal::Over(ended.closing.reason)),
            _ => Err(Refusal::NotRinging),
        }
    }

    pub(super) fn reject(&mut self, now: Time, call: CallId, text: Text) -> Result<(), Refusal> {
        within(Limited::Reason, &text, REASON_LIMIT)?;
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        match &session.call.state {
            State::Incoming(_) => {
                let closing = Closing::new(Reason::Declined, text);
                self.step(now, call, CallEvent::Close(closing), Cause::Agent);
                Ok(())
            }
            State::Ended(ended) => Err(Refusal::Over(ended.closing.reason)),
            _ => Err(Refusal::NotRinging),
        }
    }

    /// Ends a call, by our agent's word or its human's.
    pub(super) fn close(
        &mut self,
        now: Time,
        call: CallId,
        text: Text,
        cause: Cause,
    ) -> Result<(), Refusal> {
        within(Limited::Reason, &text, REASON_LIMIT)?;
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        let reason = match &session.call.state {
            State::Incoming(_) => Reason::Declined,
            State::Dialing(_) | State::Ringing(_) => Reason::Cancelled,
            _ => Reason::Completed,
        };
        let closing = Closing::new(reason, text);
        self.step(now, call, CallEvent::Close(closing), cause);
        Ok(())
    }

    /// The call in which something that is meant for this one is said: where it became part of
    /// another, in that, or in itself while the ring of that is on the way. It must not be over, nor
    /// ring here: what is said while we ring waits for the answer.
    pub(super) fn spoken_in(&self, call: CallId) -> Result<CallId, Refusal> {
        let call = self.current(call);
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        match &session.call.state {
            State::Ended(_) if self.awaits_successor(&session.call) => Ok(call),
            State::Ended(ended) => Err(Refusal::Over(ended.closing.reason)),
            State::Incoming(_) => Err(Refusal::NotAnswered),
            _ => Ok(call),
        }
    }

    /// Takes our turn, if we may speak so soon again.
    pub(super) fn turn(&mut self, now: Time, conversation: Conversation) -> Result<(), Refusal> {
        let minute = Meter::full(now, Rate::a_minute(self.settings.sends));
        let hour = Meter::full(now, Rate::an_hour(self.settings.turns));
        let Some(channel) = self.channel(conversation) else { return Err(Refusal::NoCall) };
        let meters = channel.meters.get_or_insert_with(|| match conversation {
            Conversation::Call(_) => vec![minute, hour],
            Conversation::Direct(_) => vec![minute],
        });
        if let Some(empty) = meters.iter_mut().find_map(|m| (!m.has(now, 1)).then(|| m.rate())) {
            return Err(Refusal::TooMany(empty));
        }
        meters.iter_mut().for_each(|meter| _ = meter.take(now, 1));
        Ok(())
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

    fn say_in_call(
        &mut self,
        now: Time,
        call: CallId,
        text: Text,
        again: bool,
    ) -> Result<SentMessage, Refusal> {
        words(Limited::Message, &text)?;
        let call = self.spoken_in(call)?;
        let conversation = Conversation::Call(call);
        if let Some(reply) = self.repeated(now, conversation, &text, again) {
            return Ok(reply);
        }
        self.turn(now, conversation)?;
        let content = Content::Text(text.clone());
        let item = Item::Text(text.clone());
        let message = self.utter(now, conversation, Speaker::Agent, item, content)?;
        self.remember(now, conversation, text, message);
        self.flush(now, conversation);
        Ok(SentMessage { message, repeated: false })
    }

    fn say_directly(
        &mut self,
        now: Time,
        peer: PublicKey,
        text: Text,
        again: bool,
    ) -> Result<SentMessage, Refusal> {
        words(Limited::Message, &text)?;
        self.not_me(peer)?;
        if self.standing(peer) == Standing::Blocked {
            return Err(Refusal::Blocked);
        }
        self.allow(now, peer);
        let conversation = Conversation::Direct(peer);
        self.direct.entry(peer).or_insert_with(|| Channel::new(peer, conversation));
        if let Some(reply) = self.repeated(now, conversation, &text, again) {
            return Ok(reply);
        }
        self.turn(now, conversation)?;
        let content = Content::Text(text.clone());
        let written = self.write_directly(now, peer, text.clone()).ok_or(Refusal::NoCall)?;
        let message = self.record(now, conversation, Speaker::Agent, written.0, written.1, content);
        self.remember(now, conversation, text, message);
        self.flush(now, conversation);
        Ok(SentMessage { message, repeated: false })
    }

    /// Puts an item into the text lane and keeps it as a message of ours.
    pub(super) fn utter(
        &mut self,
        now: Time,
        conversation: Conversation,
        by: Speaker,
        item: Item,
        content: Content,
    ) -> Result<u32, Refusal> {
        let by_human = by == Speaker::Human;
        let said = self.enqueue_as(now, conversation, item, by_human, None);
        let (rumor, slot) = said.ok_or(Refusal::NoCall)?;
        Ok(self.record(now, conversation, by, rumor, Some(slot), content))
    }

    fn repeated(
        &mut self,
        now: Time,
        conversation: Conversation,
        text: &str,
        again: bool,
    ) -> Option<SentMessage> {
        let channel = self.channel(conversation)?;
        channel.recent.retain(|(_, _, at)| now.since(*at) < REPEAT);
        let same = channel.recent.iter().find(|(said, _, _)| said == text && !again);
        same.map(|(_, message, _)| SentMessage { message: *message, repeated: true })
    }

    fn remember(&mut self, now: Time, conversation: Conversation, text: Text, message: u32) {
        if let Some(channel) = self.channel(conversation) {
            channel.recent.push((text, message, now));
        }
    }

    pub(super) fn escalate(&mut self, now: Time, wanted: Escalate) -> Result<u32, Refusal> {
        let Escalate { call, question, options, quiet, lines } = wanted;
        words(Limited::Question, &question)?;
        let (count, length) = OPTIONS_LIMIT;
        if options.len() > count {
            let (what, length, limit) = (Limited::Options, options.len(), count);
            return Err(Refusal::TooLong { what, length, limit });
        }
        for option in &options {
            words(Limited::Option, option)?;
            within(Limited::Option, option, length)?;
        }
        let call = self.spoken_in(call)?;
        let conversation = Conversation::Call(call);
        self.turn(now, conversation)?;
        if !quiet {
            let (asked, choices) = (question.clone(), options.clone());
            let item = wire::Escalation { question: asked.clone(), options: choices.clone() };
            let content = Content::Escalation { question: asked, options: choices };
            let item = Item::Escalation(item);
            self.utter(now, conversation, Speaker::Agent, item, content)?;
            self.flush(now, conversation);
        }
        Ok(self.ask(now, call, question, options, quiet, &lines))
    }

    pub(super) fn name(&mut self, now: Time, key: PublicKey, name: Text) -> Result<(), Refusal> {
        self.not_me(key)?;
        if !is_pet_name(&name) {
            return Err(Refusal::BadName);
        }
        let lower = name.to_lowercase();
        let same = |pet: &Text| pet.to_lowercase() == lower;
        let taken = self.peers.values().find(|p| p.key != key && p.name.as_ref().is_some_and(same));
        if let Some(other) = taken {
            return Err(Refusal::NameTaken(other.key));
        }
        self.update_peer(now, key, |peer| {
            peer.name = Some(name);
            peer.standing = Standing::Allowed;
        });
        Ok(())
    }

    /// Drops a key: whoever was in a call with us hears that it is over, and nothing after that.
    pub(super) fn block(&mut self, now: Time, key: PublicKey) -> Result<(), Refusal> {
        self.not_me(key)?;
        let knocks = |call: &Call| matches!(call.state, State::Incoming(_));
        let (knocks, calls): (Vec<_>, Vec<_>) =
            self.calls_with(key).into_iter().partition(|call| self.call(*call).is_some_and(knocks));
        let blocked = || CallEvent::Close(Closing::new(Reason::Blocked, ""));
        for call in calls {
            self.step(now, call, blocked(), Cause::Agent);
        }
        self.update_peer(now, key, |peer| peer.standing = Standing::Blocked);
        self.last_seen.remove(&key);
        for call in knocks {
            self.step(now, call, blocked(), Cause::Agent);
        }
        for conversation in self.conversations_with(key) {
            self.abandon_all(conversation, "the peer is blocked");
        }
        Ok(())
    }

    /// Forgets a key.
    pub(super) fn forget_peer(&mut self, key: PublicKey) {
        self.last_seen.remove(&key);
        if self.peers.remove(&key).is_some() {
            self.persist(PeerChange::Gone(key));
        }
    }

    /// Notes what a reader was shown.
    pub(super) fn mark_shown(&mut self, now: Time, shown: MarkShown) {
        let MarkShown { reader, marks, read } = shown;
        for (conversation, seq) in marks {
            let reader = reader.clone();
            self.persist(EventLogChange::Cursor { reader, conversation, seq });
        }
        for (conversation, stream, number) in read {
            self.shown(now, conversation, stream, number);
        }
    }

    pub(super) fn not_me(&self, key: PublicKey) -> Result<(), Refusal> {
        if key == self.me { Err(Refusal::Own) } else { Ok(()) }
    }
}

fn words(what: Limited, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    within(what, text, TEXT_LIMIT)
}

fn within(what: Limited, text: &str, limit: usize) -> Result<(), Refusal> {
    let length = text.len();
    if length > limit { Err(Refusal::TooLong { what, length, limit }) } else { Ok(()) }
}
