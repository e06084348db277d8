//! Transitions of calls, and what follows from them.

use super::command::{PlaceCall, PlacedCall, Placement};
use super::messages::within;
use super::{Engine, Limited, Refusal};
use crate::call::calls::{Cause, Transition};
use crate::call::state::{By, Call, State};
use crate::call::step::{Effect, Event as CallEvent};
use crate::conversation::change::ConversationChange;
use crate::conversation::effect::{ConversationEffect, Effects, Notice};
use crate::ids::{CallId, Conversation, PublicKey};
use crate::opening::opening_id;
use crate::output::Priority;
use crate::record::{EventKind, FileState, Speaks, Standing};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{
    Accept, Body, Closing, Control, OPENING_LIMIT, Offer, REASON_LIMIT, Reason, TEXT_LIMIT,
    TOPIC_LIMIT,
};

impl Engine {
    /// Rings a peer, unless a call with it fits already.
    pub(super) fn place_call(
        &mut self,
        now: Time,
        wanted: PlaceCall,
    ) -> Result<PlacedCall, Refusal> {
        self.may_place(&wanted)?;
        let PlaceCall { peer, topic, opening, note, new, ring, invite } = wanted;
        let rings = self.calls.with(peer).find(|call| matches!(call.state, State::Incoming(_)));
        if let Some(call) = rings.filter(|_| !new).map(|call| call.id) {
            self.accept(now, call)?;
            let message = match opening {
                Some(text) => Some(self.say_in_call(now, call, text, false)?.message),
                None => None,
            };
            return Ok(PlacedCall { call, placement: Placement::Accepted, message });
        }
        let same = |call: &&Call| call.outgoing && call.topic == topic;
        let same = {
            let mut same = self.calls.with(peer).filter(same);
            same.find_map(|call| self.spoken_in(call.id).ok())
        };
        if let Some(call) = same.filter(|_| !new) {
            self.calls.keep_token(&mut self.ctx, call, invite);
            return Ok(PlacedCall { call, placement: Placement::AlreadyOpen, message: None });
        }
        self.allow(now, peer);
        let id = self.ctx.ids.call();
        let handle = self.ctx.number(|counters| &mut counters.calls);
        let lifetime = ring.unwrap_or(self.ctx.settings.ring.as_secs()).clamp(10, 24 * 3600);
        let invite = invite.map(|token| token.to_string().into());
        let offer = Offer { topic, message: opening.clone(), lifetime, name: None, invite };
        let mut call = Call::dial(handle, id, peer, now, &offer, note);
        if let State::Dialing(state) = &mut call.state {
            state.sign = self.ctx.peers.was_seen_lately(now, peer);
        }
        self.calls.insert(&mut self.ctx, call.clone());
        self.conversations.open(peer, Conversation::Call(id));
        let message =
            opening.map(|text| self.conversations.record_opening(&mut self.ctx, now, &call, text));
        self.say_control(now, &call, Control::Offer(offer));
        Ok(PlacedCall { call: id, placement: Placement::Placed, message })
    }

    fn may_place(&self, wanted: &PlaceCall) -> Result<(), Refusal> {
        self.not_me(wanted.peer)?;
        within(Limited::Topic, &wanted.topic, TOPIC_LIMIT)?;
        within(Limited::Opening, wanted.opening.as_deref().unwrap_or_default(), OPENING_LIMIT)?;
        within(Limited::Note, wanted.note.as_deref().unwrap_or_default(), TEXT_LIMIT)?;
        match (self.ctx.peers.standing(wanted.peer), self.ctx.peers.speaks(wanted.peer)) {
            (Standing::Blocked, _) => Err(Refusal::Blocked),
            (_, Speaks::Plain) => Err(Refusal::PlainPeer),
            _ => Ok(()),
        }
    }

    /// Accepts a call that rings here.
    pub(super) fn accept(&mut self, now: Time, call: CallId) -> Result<(), Refusal> {
        let found = self.calls.get(call).ok_or(Refusal::NoCall)?;
        match &found.state {
            State::Incoming(_) => {
                self.allow(now, found.peer);
                self.step(now, call, CallEvent::Accept { replaces: None }, Cause::Agent);
                Ok(())
            }
            State::Connecting(_) | State::Active if !found.outgoing => Ok(()),
            State::Ended(ended) => Err(Refusal::Over(ended.closing.reason)),
            _ => Err(Refusal::NotRinging),
        }
    }

    /// Refuses a call that rings here.
    pub(super) fn reject(&mut self, now: Time, call: CallId, text: Text) -> Result<(), Refusal> {
        within(Limited::Reason, &text, REASON_LIMIT)?;
        match &self.calls.get(call).ok_or(Refusal::NoCall)?.state {
            State::Incoming(_) => {
                let closing = Closing::new(Reason::Declined, text);
                self.step(now, call, CallEvent::Close(closing), Cause::Agent);
                Ok(())
            }
            State::Ended(ended) => Err(Refusal::Over(ended.closing.reason)),
            _ => Err(Refusal::NotRinging),
        }
    }

    /// Ends a call for our agent or its human.
    pub(super) fn close(
        &mut self,
        now: Time,
        call: CallId,
        text: Text,
        cause: Cause,
    ) -> Result<(), Refusal> {
        within(Limited::Reason, &text, REASON_LIMIT)?;
        let reason = match &self.calls.get(call).ok_or(Refusal::NoCall)?.state {
            State::Incoming(_) => Reason::Declined,
            State::Dialing(_) | State::Ringing(_) => Reason::Cancelled,
            _ => Reason::Completed,
        };
        let closing = Closing::new(reason, text);
        self.step(now, call, CallEvent::Close(closing), cause);
        Ok(())
    }

    /// Deletes an ended call with every message in it.
    pub(super) fn forget_call(&mut self, now: Time, call: CallId) -> Result<(), Refusal> {
        let id = Conversation::Call(call);
        if self.calls.get(call).is_some() {
            let idle = self.conversations.get(id).is_none_or(|state| state.is_idle());
            if self.transfers.is_busy(call) || !idle || !self.calls.is_confirmed(call) {
                return Err(Refusal::NotOver);
            }
            self.conversations.remove(id);
        }
        self.calls.forget(&mut self.ctx, now, call);
        Ok(())
    }

    /// Returns the call in which a message for this one is sent: where it became part of another,
    /// that call, or itself while the ring of that is on the way. It must not be over, nor ring
    /// here; a message that is sent while we ring waits for the answer.
    pub(super) fn spoken_in(&self, call: CallId) -> Result<CallId, Refusal> {
        let call = self.calls.current(call);
        let found = self.calls.get(call).ok_or(Refusal::NoCall)?;
        match &found.state {
            State::Ended(_) if self.calls.awaits_successor(found) => Ok(call),
            State::Ended(ended) => Err(Refusal::Over(ended.closing.reason)),
            State::Incoming(_) => Err(Refusal::NotAnswered),
            _ => Ok(call),
        }
    }

    /// Applies an event to a call and carries out the effects.
    pub(super) fn step(&mut self, now: Time, id: CallId, event: CallEvent, cause: Cause) {
        let moved = self.calls.step(&mut self.ctx, now, id, event, cause);
        let Some(Transition { before, call, effects, abandoned, opening_arrived }) = moved else {
            return;
        };
        self.conversations.set_open(id, call.carries());
        for effect in effects {
            match effect {
                Effect::Send(control) => self.say_control(now, &call, control),
                Effect::Answered => self.answered(now, &before, &call),
                Effect::Closed => self.closed(now, &call, cause),
            }
        }
        if abandoned {
            self.abandon(now, id);
        }
        if opening_arrived {
            self.ctx.persist(ConversationChange::Delivered(opening_id(id)));
        }
    }

    /// Applies an event to every call with a peer.
    pub(super) fn step_all(&mut self, now: Time, peer: PublicKey, event: &CallEvent) {
        for id in self.calls_with(peer) {
            self.step(now, id, event.clone(), Cause::Other);
        }
    }

    /// Returns the calls with a peer.
    pub(super) fn calls_with(&self, peer: PublicKey) -> Vec<CallId> {
        self.calls.with(peer).map(|call| call.id).collect()
    }

    fn answered(&mut self, now: Time, before: &Call, call: &Call) {
        let glare = matches!(&before.state, State::Connecting(state) if state.replaces.is_some());
        let id = Conversation::Call(call.id);
        if call.outgoing || glare {
            self.ctx.event(now, EventKind::Answered, id, None, None);
        }
        self.conversations.flush(&mut self.ctx, now, id);
    }

    fn closed(&mut self, now: Time, call: &Call, cause: Cause) {
        // For a merged call, our agent is told of the call that goes on, unless that call ended.
        if self.calls.goes_on(call) {
            return;
        }
        let by_us = matches!(&call.state, State::Ended(ended) if ended.by == By::Us);
        self.takeover_ended(now, call.id, !by_us || call.was_given_up());
        if cause == Cause::Agent {
            return;
        }
        let id = Conversation::Call(call.id);
        let missed = !call.outgoing && call.answered.is_none();
        let kind = if missed { EventKind::Missed } else { EventKind::End };
        let opening = self.conversations.get(id).and_then(|state| state.opening);
        self.ctx.event(now, kind, id, opening.filter(|_| missed), None);
    }

    fn say_control(&mut self, now: Time, call: &Call, control: Control) {
        let name =
            || Some(Text::from(self.ctx.settings.name.as_str())).filter(|name| !name.is_empty());
        let control = match control {
            Control::Offer(offer) => Control::Offer(Offer { name: name(), ..offer }),
            Control::Accept(accept) => Control::Accept(Accept { name: name(), ..accept }),
            Control::End(mut closing) => {
                if let Some(state) = self.conversations.get(Conversation::Call(call.id)) {
                    closing.last = state.last_numbers();
                }
                Control::End(closing)
            }
            other => other,
        };
        let ringing = matches!(control, Control::Offer(_));
        let rumor = self.say(now, call.peer, &Body::Control(call.id, control));
        if ringing {
            self.calls.note_offer(rumor, call.id);
        }
    }

    /// Sends a control message.
    pub(super) fn say(&mut self, now: Time, to: PublicKey, body: &Body) -> crate::ids::RumorId {
        self.conversations.say(&mut self.ctx, now, to, body, Priority::Control)
    }

    /// Gives up everything that waits in a call, which will never be sent.
    pub(super) fn abandon(&mut self, now: Time, call: CallId) {
        let (id, why) = (Conversation::Call(call), "the call was not answered");
        let effects = self.conversations.abandon(&mut self.ctx, id, why);
        self.route(now, effects);
    }

    /// Carries out the effects of conversations.
    pub(super) fn route(&mut self, now: Time, effects: Effects) {
        for effect in effects {
            match effect {
                ConversationEffect::Moved { from, to } => self.note_moved(from, to),
                ConversationEffect::FileSent(file) => {
                    self.transfers.end(&mut self.ctx, file, FileState::Complete(None));
                }
                ConversationEffect::FileFailed { file, why, notice } => {
                    let ended = self.transfers.end(&mut self.ctx, file, FileState::Failed(why));
                    if let (Notice::Event, Some(ended)) = (notice, ended) {
                        let id = Conversation::Call(ended.call);
                        self.ctx.event(now, EventKind::File, id, Some(file), None);
                    }
                }
            }
        }
    }
}
