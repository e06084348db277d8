//! Transitions of a call: from a state and an event to the next state and its effects.

use super::state::{
    By, CONNECT_LIMIT, Call, Connecting, Dialing, Ended, Incoming, RING_WAITS, Resend, Ringing,
    SEEN_WAIT, State, WORD_LIFETIME, WORD_WAITS,
};
use crate::ids::CallId;
use crate::time::Time;
use crate::wire::{Accept, Closing, Control, Reason};

/// Inputs of a call, with the author already checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The other end sent this control message.
    Control(Control),
    /// The other end sent something numbered in a lane.
    Received,
    /// Our agent accepts the call.
    Accept {
        /// Our own call that the accepted call replaces.
        replaces: Option<CallId>,
    },
    /// Our agent, or a rule of ours, ends the call in any state.
    Close(Closing),
    /// Both sides rang each other, and this call gives way to the given call.
    Merge(CallId),
    /// No relay is known through which to reach the peer.
    NoRoute,
    /// The peer showed a sign of life, on any path.
    PeerSeen,
    /// A relay came back: control messages sent meanwhile may be lost.
    RelayBack,
    /// Time passed.
    Tick,
}

/// Effects of a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send this control message to the other end.
    Send(Control),
    /// The call became active.
    Answered,
    /// The call ended, or the reason of its end changed.
    Closed,
}

type Effects = Vec<Effect>;

impl Call {
    /// Applies an event. The caller must persist the changed call before it carries out the
    /// effects.
    pub fn step(&mut self, now: Time, event: Event) -> Effects {
        let effects = match (self.state.clone(), event) {
            (_, Event::Close(closing)) => self.close(now, closing),
            (_, Event::Merge(into)) => self.merge(now, into),
            (State::Dialing(state), event) => self.dialing(now, state, event),
            (State::Ringing(state), event) => self.ringing(now, state, event),
            (State::Incoming(state), event) => self.incoming(now, state, event),
            (State::Connecting(state), event) => self.connecting(now, state, event),
            (State::Active, event) => self.active(now, event),
            (State::Ended(state), event) => self.ended(now, state, event),
        };
        if !self.is_outgoing_ring() {
            self.invite = None;
        }
        effects
    }

    fn dialing(&mut self, now: Time, state: Dialing, event: Event) -> Effects {
        match event {
            Event::Control(Control::Ringing) => {
                self.state = State::Ringing(Ringing { expires: state.expires });
                vec![]
            }
            Event::PeerSeen if now < state.expires => {
                let due = now.since(state.resend.last) >= SEEN_WAIT;
                let resend = if due { state.resend.again(now) } else { state.resend };
                self.state = State::Dialing(Dialing { sign: true, resend, ..state });
                if due { vec![Effect::Send(self.offer())] } else { vec![] }
            }
            Event::RelayBack if now.since(state.resend.last) >= SEEN_WAIT => {
                self.state = State::Dialing(Dialing { resend: Resend::said(now), ..state });
                vec![Effect::Send(self.offer())]
            }
            // An offer may have gone out before the route was lost: the callee must hear of it.
            Event::NoRoute => {
                let text = "no relay list (kind 10050) was found";
                self.close(now, Closing::new(Reason::Unreachable, text))
            }
            Event::Tick if now >= state.expires => {
                let reason = if state.sign { Reason::NoAnswer } else { Reason::Unreachable };
                self.close(now, Closing::new(reason, ""))
            }
            Event::Tick if now >= state.resend.next(&RING_WAITS) => {
                self.state = State::Dialing(Dialing { resend: state.resend.again(now), ..state });
                vec![Effect::Send(self.offer())]
            }
            event => self.rung(now, event),
        }
    }

    fn ringing(&mut self, now: Time, state: Ringing, event: Event) -> Effects {
        match event {
            Event::Tick if now >= state.expires => {
                self.close(now, Closing::new(Reason::NoAnswer, ""))
            }
            event => self.rung(now, event),
        }
    }

    /// Handles the callee's responses to a call that we ring, in the states dialing and ringing.
    fn rung(&mut self, now: Time, event: Event) -> Effects {
        match event {
            Event::Control(Control::Accept(_)) => {
                self.answered = Some(now);
                self.state = State::Active;
                vec![Effect::Send(Control::Established), Effect::Answered]
            }
            Event::Control(Control::Reject(closing)) => self.end_by_peer(now, closing),
            // The accept was lost: the callee took the call, and its messages are on the way.
            Event::Control(Control::End(closing)) => {
                self.answered = Some(now);
                self.end_by_peer(now, closing)
            }
            _ => vec![],
        }
    }

    fn incoming(&mut self, now: Time, state: Incoming, event: Event) -> Effects {
        match event {
            Event::Accept { replaces } => {
                let expires = now + CONNECT_LIMIT;
                let resend = Resend::said(now);
                self.state = State::Connecting(Connecting { expires, resend, replaces });
                vec![Effect::Send(accept(replaces))]
            }
            Event::Control(Control::Offer(_)) if !state.knock => {
                vec![Effect::Send(Control::Ringing)]
            }
            Event::Control(Control::Cancel(closing) | Control::End(closing)) => {
                self.end_by_peer(now, closing)
            }
            Event::Tick if now >= state.expires => self.end_silently(now, Reason::NoAnswer, ""),
            _ => vec![],
        }
    }

    fn connecting(&mut self, now: Time, state: Connecting, event: Event) -> Effects {
        match event {
            Event::Control(Control::Established) | Event::Received => {
                self.answered = Some(now);
                self.state = State::Active;
                vec![Effect::Answered]
            }
            Event::Control(Control::Cancel(closing)) => self.end_by_peer(now, closing),
            // The caller was in the call: its `established` and its messages are on the way.
            Event::Control(Control::End(closing)) => {
                self.answered = Some(now);
                self.end_by_peer(now, closing)
            }
            Event::Tick if now >= state.expires => {
                self.close(now, Closing::new(Reason::PeerLost, ""))
            }
            Event::Control(Control::Offer(_)) => self.accept_again(now, state),
            Event::PeerSeen if now.since(state.resend.last) >= SEEN_WAIT => {
                self.accept_again(now, state)
            }
            Event::RelayBack if now.since(state.resend.last) >= SEEN_WAIT => {
                let resend = Resend { attempts: 0, ..state.resend };
                self.accept_again(now, Connecting { resend, ..state })
            }
            Event::Tick if now >= state.resend.next(&RING_WAITS) => self.accept_again(now, state),
            _ => vec![],
        }
    }

    fn accept_again(&mut self, now: Time, state: Connecting) -> Effects {
        let replaces = state.replaces;
        self.state = State::Connecting(Connecting { resend: state.resend.again(now), ..state });
        vec![Effect::Send(accept(replaces))]
    }

    fn active(&mut self, now: Time, event: Event) -> Effects {
        match event {
            // Our `established` was lost.
            Event::Control(Control::Accept(_)) if self.outgoing => {
                vec![Effect::Send(Control::Established)]
            }
            Event::Control(Control::End(closing)) => self.end_by_peer(now, closing),
            Event::Control(Control::Cancel(closing)) if !self.outgoing => {
                self.end_by_peer(now, closing)
            }
            Event::Control(Control::Reject(closing)) if self.outgoing => {
                self.end_by_peer(now, closing)
            }
            _ => vec![],
        }
    }

    fn ended(&mut self, now: Time, state: Ended, event: Event) -> Effects {
        match event {
            Event::Control(Control::Ended) => {
                self.state = State::Ended(Ended { word: None, ..state });
                vec![]
            }
            Event::Control(Control::End(closing)) => {
                // The peer was in the call, and this side sent no final message to the contrary.
                if state.by == By::Nobody {
                    self.answered = self.answered.or(Some(now));
                }
                self.settle(now, state, closing)
            }
            Event::Control(Control::Cancel(closing)) if !self.outgoing => {
                // The caller was never in the call, even if this side believed so.
                if state.by != By::Peer {
                    self.answered = None;
                }
                self.settle(now, state, closing)
            }
            Event::Control(Control::Reject(closing)) if self.outgoing => {
                self.settle(now, state, closing)
            }
            // The other end believes that the call is on.
            Event::Control(
                Control::Accept(_) | Control::Ringing | Control::Offer(_) | Control::Established,
            )
            | Event::Received => self.word_again(now, &state),
            Event::PeerSeen => match state.word {
                Some(word) if now.since(word.last) >= SEEN_WAIT => self.repeat_word(now, &state),
                _ => vec![],
            },
            Event::RelayBack => match state.word {
                Some(word) if now.since(word.last) >= SEEN_WAIT => {
                    self.repeat_word(now, &Ended { word: None, ..state })
                }
                _ => vec![],
            },
            Event::Tick if now.since(state.at) >= WORD_LIFETIME => {
                self.state = State::Ended(Ended { word: None, ..state });
                vec![]
            }
            Event::Tick if state.word.is_some_and(|word| now >= word.next(&WORD_WAITS)) => {
                self.repeat_word(now, &state)
            }
            _ => vec![],
        }
    }

    /// Resolves two final control messages: the caller's holds, and any of them overrides a
    /// timeout.
    fn settle(&mut self, now: Time, state: Ended, theirs: Closing) -> Effects {
        let same = state.closing.reason == theirs.reason && state.closing.text == theirs.text;
        let yields = match state.by {
            By::Nobody => true,
            By::Us => !self.outgoing && !same,
            By::Peer => false,
        };
        if !yields {
            return vec![Effect::Send(Control::Ended)];
        }
        let at = state.at;
        let effects = self.end_by_peer(now, theirs);
        if let State::Ended(ended) = &mut self.state {
            ended.at = at;
        }
        effects
    }

    /// Handles a message that only makes sense while the call is on. An unconfirmed final message
    /// of ours is repeated; a call that we placed and that timed out here now sends its first.
    fn word_again(&mut self, now: Time, state: &Ended) -> Effects {
        match (state.by, state.word) {
            (By::Us, Some(word)) if now.since(word.last) >= SEEN_WAIT => {
                self.repeat_word(now, state)
            }
            (By::Nobody, _) if self.outgoing => {
                self.repeat_word(now, &Ended { by: By::Us, ..state.clone() })
            }
            _ => vec![],
        }
    }

    fn repeat_word(&mut self, now: Time, state: &Ended) -> Effects {
        let word = state.word.map_or(Resend::said(now), |word| word.again(now));
        self.state = State::Ended(Ended { word: Some(word), ..state.clone() });
        vec![Effect::Send(self.last_word(state))]
    }

    /// Ends the call from our side and tells the peer.
    fn close(&mut self, now: Time, closing: Closing) -> Effects {
        if !self.is_open() {
            return vec![];
        }
        // Accepted and not confirmed: the caller may be in the call by now, so it is told `end`.
        if matches!(self.state, State::Connecting(_)) {
            self.answered = Some(now);
        }
        let ended = Ended { at: now, closing, by: By::Us, word: Some(Resend::said(now)) };
        let word = self.last_word(&ended);
        self.state = State::Ended(ended);
        vec![Effect::Send(word), Effect::Closed]
    }

    /// Ends this call in favor of another. Our `accept` of the other call announces that our ring
    /// gives way, and our final message is sent only if that is not confirmed. The peer's ring
    /// gives way because the peer said so.
    fn merge(&mut self, now: Time, into: CallId) -> Effects {
        if !self.is_open() {
            return vec![];
        }
        let mut closing = Closing::new(Reason::Merged, "");
        closing.into = Some(into);
        if !self.outgoing {
            return self.end_by_peer(now, closing);
        }
        let word = Some(Resend::said(now));
        self.state = State::Ended(Ended { at: now, closing, by: By::Us, word });
        vec![Effect::Closed]
    }

    fn end_by_peer(&mut self, now: Time, closing: Closing) -> Effects {
        self.state = State::Ended(Ended { at: now, closing, by: By::Peer, word: None });
        vec![Effect::Send(Control::Ended), Effect::Closed]
    }

    fn end_silently(&mut self, now: Time, reason: Reason, text: &str) -> Effects {
        let closing = Closing::new(reason, text);
        self.state = State::Ended(Ended { at: now, closing, by: By::Nobody, word: None });
        vec![Effect::Closed]
    }
}

fn accept(replaces: Option<CallId>) -> Control {
    Control::Accept(Accept { replaces, name: None })
}
