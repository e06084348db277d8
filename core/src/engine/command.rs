//! What our agent wants: a handler a command.

use std::time::Duration;

use super::channel::Channel;
use super::{Cause, Change, Command, Engine, Refusal, Reply, Session, opening_id, opening_stream};
use crate::call::{Call, Event as CallEvent, State};
use crate::ids::{CallId, Conversation, PublicKey, RumorId, StreamId};
use crate::invite::Token;
use crate::lane::Incoming;
use crate::policy::{Meter, Rate, is_pet_name};
use crate::record::{Content, Delivery, Lane, Line, Message, Speaker, Speaks, Standing};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{
    Closing, Escalation, Item, OPENING_LIMIT, OPTIONS_LIMIT, Offer, REASON_LIMIT, Reason,
    TEXT_LIMIT, TOPIC_LIMIT,
};

/// The same words within this time are the same message.
const REPEAT: Duration = Duration::from_secs(120);

impl Engine {
    pub(super) fn command(&mut self, now: Time, command: Command) -> Result<Reply, Refusal> {
        if self.yielded && !matches!(command, Command::Shown { .. }) {
            return Err(Refusal::Yielded);
        }
        self.agent_may(&command)?;
        match command {
            Command::Call { peer, topic, opening, note, new, ring, invite } => {
                self.place_call(now, peer, topic, opening, note, new, ring, invite)
            }
            Command::Accept(call) => self.accept(now, call),
            Command::Reject(call, text) => self.reject(now, call, text),
            Command::Say { conversation: Conversation::Call(call), text, again } => {
                self.say_in_call(now, call, text, again)
            }
            Command::Say { conversation: Conversation::Direct(peer), text, again } => {
                self.say_directly(now, peer, text, again)
            }
            Command::SendFile { call, name, bytes } => {
                let call = self.spoken_in(call)?;
                self.turn(now, Conversation::Call(call))?;
                self.send_file(now, call, &name, &bytes).map(Reply::File)
            }
            Command::Cancel(said) => self.cancel(now, said),
            Command::Escalate { call, question, options, quiet, lines } => {
                self.escalate(now, call, question, options, quiet, &lines)
            }
            Command::Pair { only, proven } => self.pair(now, only, proven),
            Command::Order(order) => self.order_at_terminal(now, order),
            Command::Unproven(order) => self.unproven(now, order),
            Command::Redeem(code) => self.redeem(now, &code),
            Command::Invite { uses, lifetime } => Ok(self.invite(now, uses, lifetime)),
            Command::Revoke(id) => self.revoke(id).then_some(Reply::Done).ok_or(Refusal::NoInvite),
            Command::Invites => {
                self.forget_invites(now);
                Ok(Reply::Invites(self.invites.values().copied().collect()))
            }
            Command::Purge(call) => self.purge(now, call),
            Command::End(call, text) => self.close(now, call, text, Cause::Agent),
            Command::Name(key, name) => self.name(now, key, name),
            Command::Allow(key) => {
                self.not_me(key)?;
                self.allow(now, key);
                Ok(Reply::Done)
            }
            Command::Block(key) => self.block(now, key),
            Command::Forget(key) => {
                self.last_seen.remove(&key);
                if self.peers.remove(&key).is_some() {
                    self.persist(Change::PeerGone(key));
                }
                Ok(Reply::Done)
            }
            Command::Shown { reader, marks, read } => {
                for (conversation, seq) in marks {
                    let reader = reader.clone();
                    self.persist(Change::Cursor { reader, conversation, seq });
                }
                for (conversation, stream, number) in read {
                    self.shown(now, conversation, stream, number);
                }
                Ok(Reply::Done)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command")]
    fn place_call(
        &mut self,
        now: Time,
        peer: PublicKey,
        topic: Text,
        opening: Option<Text>,
        note: Option<Text>,
        new: bool,
        ring: Option<u64>,
        invite: Option<Token>,
    ) -> Result<Reply, Refusal> {
        self.not_me(peer)?;
        within("the topic", &topic, TOPIC_LIMIT)?;
        within("the opening message", opening.as_deref().unwrap_or_default(), OPENING_LIMIT)?;
        within("the note", note.as_deref().unwrap_or_default(), TEXT_LIMIT)?;
        match (self.standing(peer), self.speaks(peer)) {
            (Standing::Blocked, _) => return Err(Refusal::Blocked),
            (_, Speaks::Plain) => return Err(Refusal::PlainPeer),
            _ => {}
        }
        let with_peer = || self.calls().filter(|call| call.peer == peer && call.is_open());
        if !new {
            let open = with_peer()
                .find(|call| matches!(call.state, State::Incoming(_)))
                .map(|call| call.id);
            if let Some(call) = open {
                self.accept(now, call)?;
                let message = match opening {
                    Some(text) => match self.say_in_call(now, call, text, false)? {
                        Reply::Said { message, .. } => Some(message),
                        _ => None,
                    },
                    None => None,
                };
                return Ok(Reply::Call { call, new: false, accepted: true, message });
            }
            let same = |call: &&Call| call.peer == peer && call.outgoing && call.topic == topic;
            let same = self.calls().filter(same).find_map(|call| self.spoken_in(call.id).ok());
            if let Some(call) = same {
                self.tokens.extend(invite.map(|token| (call, token)));
                return Ok(Reply::Call { call, new: false, accepted: false, message: None });
            }
        }
        self.allow(now, peer);
        let id = self.ids.call();
        let handle = self.number(|counters| &mut counters.calls);
        let lifetime = ring.unwrap_or(self.settings.ring.as_secs()).clamp(10, 24 * 3600);
        let offer = Offer { topic, message: opening.clone(), lifetime, name: None, invite: None };
        let mut call = Call::dial(handle, id, peer, now, &offer, note);
        if let State::Dialing(state) = &mut call.state {
            state.sign = self.was_seen_lately(now, peer);
        }
        self.persist(Change::Call(Box::new(call.clone())));
        let channel = Channel::new(peer, Conversation::Call(id));
        self.calls.insert(id, Session { call: call.clone(), channel });
        let message = opening.map(|text| self.record_opening(now, &call, text));
        self.tokens.extend(invite.map(|token| (id, token)));
        self.say_control(now, &call, crate::wire::Control::Offer(offer));
        Ok(Reply::Call { call: id, new: true, accepted: false, message })
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
            self.persist(Change::StreamIn(record));
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
        self.weigh(&message);
        self.persist(Change::Message(Box::new(message)));
        handle
    }

    fn accept(&mut self, now: Time, call: CallId) -> Result<Reply, Refusal> {
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        let done = Reply::Call { call, new: false, accepted: true, message: None };
        match &session.call.state {
            State::Incoming(_) => {
                self.allow(now, session.call.peer);
                self.step(now, call, CallEvent::Take { replaces: None }, Cause::Agent);
                Ok(done)
            }
            State::Connecting(_) | State::Active if !session.call.outgoing => Ok(done),
            State::Ended(ended) => Err(Refusal::Over(ended.closing.reason)),
            _ => Err(Refusal::NotRinging),
        }
    }

    fn reject(&mut self, now: Time, call: CallId, text: Text) -> Result<Reply, Refusal> {
        within("the reason", &text, REASON_LIMIT)?;
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        match &session.call.state {
            State::Incoming(_) => {
                let closing = Closing::new(Reason::Declined, text);
                self.step(now, call, CallEvent::Close(closing), Cause::Agent);
                Ok(Reply::Call { call, new: false, accepted: false, message: None })
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
    ) -> Result<Reply, Refusal> {
        within("the reason", &text, REASON_LIMIT)?;
        let session = self.calls.get(&call).ok_or(Refusal::NoCall)?;
        let reason = match &session.call.state {
            State::Incoming(_) => Reason::Declined,
            State::Dialing(_) | State::Ringing(_) => Reason::Cancelled,
            _ => Reason::Completed,
        };
        let closing = Closing::new(reason, text);
        self.step(now, call, CallEvent::Close(closing), cause);
        Ok(Reply::Call { call, new: false, accepted: false, message: None })
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
    fn turn(&mut self, now: Time, conversation: Conversation) -> Result<(), Refusal> {
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

    fn say_in_call(
        &mut self,
        now: Time,
        call: CallId,
        text: Text,
        again: bool,
    ) -> Result<Reply, Refusal> {
        words("the message", &text)?;
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
        Ok(Reply::Said { message, repeated: false })
    }

    fn say_directly(
        &mut self,
        now: Time,
        peer: PublicKey,
        text: Text,
        again: bool,
    ) -> Result<Reply, Refusal> {
        words("the message", &text)?;
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
        Ok(Reply::Said { message, repeated: false })
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
    ) -> Option<Reply> {
        let channel = self.channel(conversation)?;
        channel.recent.retain(|(_, _, at)| now.since(*at) < REPEAT);
        let same = channel.recent.iter().find(|(said, _, _)| said == text && !again);
        same.map(|(_, message, _)| Reply::Said { message: *message, repeated: true })
    }

    fn remember(&mut self, now: Time, conversation: Conversation, text: Text, message: u32) {
        if let Some(channel) = self.channel(conversation) {
            channel.recent.push((text, message, now));
        }
    }

    fn escalate(
        &mut self,
        now: Time,
        call: CallId,
        question: Text,
        options: Vec<Text>,
        quiet: bool,
        lines: &[Line],
    ) -> Result<Reply, Refusal> {
        words("the question", &question)?;
        let (count, length) = OPTIONS_LIMIT;
        if options.len() > count {
            let (length, limit) = (options.len(), count);
            return Err(Refusal::TooLong { what: "the list of options", length, limit });
        }
        for option in &options {
            words("an option", option)?;
            within("an option", option, length)?;
        }
        let call = self.spoken_in(call)?;
        let conversation = Conversation::Call(call);
        self.turn(now, conversation)?;
        if !quiet {
            let (asked, choices) = (question.clone(), options.clone());
            let item = Escalation { question: asked.clone(), options: choices.clone() };
            let content = Content::Escalation { question: asked, options: choices };
            let item = Item::Escalation(item);
            self.utter(now, conversation, Speaker::Agent, item, content)?;
            self.flush(now, conversation);
        }
        Ok(self.ask(now, call, question, options, quiet, lines))
    }

    fn name(&mut self, now: Time, key: PublicKey, name: Text) -> Result<Reply, Refusal> {
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
        Ok(Reply::Done)
    }

    /// Drops a key: whoever was in a call with us hears that it is over, and nothing after that.
    pub(super) fn block(&mut self, now: Time, key: PublicKey) -> Result<Reply, Refusal> {
        self.not_me(key)?;
        let knocks = |call: &Call| matches!(call.state, State::Incoming(_));
        let (knocks, calls): (Vec<_>, Vec<_>) =
            self.calls_with(key).into_iter().partition(|call| self.call(*call).is_some_and(knocks));
        for call in calls {
            self.close(now, call, Text::default(), Cause::Agent)?;
        }
        self.update_peer(now, key, |peer| peer.standing = Standing::Blocked);
        self.last_seen.remove(&key);
        for call in knocks {
            self.close(now, call, Text::default(), Cause::Agent)?;
        }
        for conversation in self.conversations_with(key) {
            self.abandon_all(conversation, "the peer is blocked", false);
        }
        Ok(Reply::Done)
    }

    pub(super) fn not_me(&self, key: PublicKey) -> Result<(), Refusal> {
        if key == self.me { Err(Refusal::Own) } else { Ok(()) }
    }
}

fn words(what: &'static str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    within(what, text, TEXT_LIMIT)
}

fn within(what: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
    let length = text.len();
    if length > limit { Err(Refusal::TooLong { what, length, limit }) } else { Ok(()) }
}
