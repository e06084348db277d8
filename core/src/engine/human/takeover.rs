//! Messages of a human in a call, beside the agent or instead of it.

use super::super::refusal::Limited;
use super::super::{Engine, Refusal};
use crate::human::change::HumanChange;
use crate::human::message::OwnerMessage;
use crate::human::{owners, wording};
use crate::ids::{CallId, Conversation, PublicKey};
use crate::record::{Content, Speaker, Takeover, Via};
use crate::text::Text;
use crate::time::Time;
use crate::wire::TEXT_LIMIT;

impl Engine {
    /// Returns the takeover of a call, if there is one.
    #[must_use]
    pub fn taken_over(&self, call: CallId) -> Option<&Takeover> {
        self.owners.takeovers.get(&self.calls.current(call))
    }

    /// Refuses what the agent must leave to the human who speaks in a call.
    pub(in super::super) fn not_taken_over(&self, call: CallId) -> Result<(), Refusal> {
        if self.taken_over(call).is_some() { Err(Refusal::TakenOver) } else { Ok(()) }
    }

    /// Refuses what the agent may not do to its owner.
    pub(in super::super) fn not_owner(&self, key: PublicKey) -> Result<(), Refusal> {
        if self.is_owner(key) { Err(Refusal::OwnerOnly) } else { Ok(()) }
    }

    pub(super) fn take_over(
        &mut self,
        now: Time,
        call: CallId,
        via: Via,
    ) -> Result<OwnerMessage, Refusal> {
        let call = self.spoken_in(call)?;
        let line = self.call_line(call);
        let before = self.owners.takeovers.get(&call).map(|takeover| takeover.by);
        self.keep_takeover(Takeover { call, by: via, last: now });
        if let Some(Via::Dm(other)) = before.filter(|before| *before != via) {
            let text = format!("Another owner has taken over {line}.");
            self.tell(now, other, OwnerMessage::new(text).about(call));
        }
        if via == Via::Terminal && before != Some(via) {
            let text = format!("Somebody at the terminal has taken over {line}.");
            for owner in self.listening(now) {
                self.tell(now, owner, OwnerMessage::new(text.clone()).about(call));
            }
        }
        if before != Some(via) {
            let text = "your human has taken over the call; wait until they hand it back";
            self.notice(now, Conversation::Call(call), None, text);
        }
        let here = "Messages from the call come here, and what you write here is sent in the call.";
        let text = match via {
            Via::Terminal => {
                format!(
                    "You have taken over {line}. Speak with p2p owner say, hand it back with p2p owner resume."
                )
            }
            Via::Dm(owner) => {
                let open = self.question_lines(&self.questions_put_to(owner));
                let open = Some(open).filter(|open| !open.is_empty());
                let open =
                    open.map(|open| format!("\nOpen questions, to be answered by code:\n{open}"));
                let open = open.unwrap_or_default();
                format!(
                    "You have taken over {line}. {here}\n/resume hands it back to your agent.{open}"
                )
            }
        };
        Ok(OwnerMessage::new(text).about(call))
    }

    fn keep_takeover(&mut self, takeover: Takeover) {
        self.owners.takeovers.insert(takeover.call, takeover);
        self.ctx.persist(HumanChange::Takeover(takeover));
    }

    pub(super) fn hand_back(&mut self, now: Time, call: CallId) -> Result<OwnerMessage, Refusal> {
        let call = self.calls.current(call);
        let line = self.call_line(call);
        if !self.give_back(now, call, "the call is yours again: your human handed it back") {
            return Ok(OwnerMessage::new(format!("You have not taken over {line}.")).about(call));
        }
        Ok(OwnerMessage::new(format!("Your agent continues {line}.")).about(call))
    }

    /// Ends a takeover and tells the agent. Returns false if there was none.
    pub(super) fn give_back(&mut self, now: Time, call: CallId, why: &str) -> bool {
        if !self.takeover_over(call) {
            return false;
        }
        self.notice(now, Conversation::Call(call), None, why);
        true
    }

    /// Ends the takeover of a call that ended, and tells the human unless the human ended it.
    pub(in super::super) fn takeover_ended(&mut self, now: Time, call: CallId, told: bool) {
        let Some(by) = self.owners.takeovers.get(&call).map(|takeover| takeover.by) else {
            return;
        };
        self.takeover_over(call);
        if told {
            let text =
                format!("Ended: {}. What you write no longer goes there.", self.call_line(call));
            for owner in self.behind(by) {
                self.tell(now, owner, OwnerMessage::new(text.clone()).about(call));
            }
        }
    }

    /// Ends a takeover. Returns false if there was none.
    pub(in super::super) fn takeover_over(&mut self, call: CallId) -> bool {
        let was = self.owners.takeovers.remove(&call).is_some();
        if was {
            self.ctx.persist(HumanChange::TakeoverOver(call));
        }
        was
    }

    /// Moves a takeover to the call that the old call was merged into.
    pub(in super::super) fn takeover_moved(&mut self, from: CallId, to: CallId) {
        let Some(takeover) = self.owners.takeovers.get(&from).copied() else { return };
        self.takeover_over(from);
        self.keep_takeover(Takeover { call: to, ..takeover });
    }

    /// Hands back the calls whose humans were idle for too long.
    pub(super) fn lapse(&mut self, now: Time) {
        for takeover in self.owners.lapsed(now) {
            let call = takeover.call;
            self.give_back(
                now,
                call,
                "the call is yours again: your human was idle for 30 minutes",
            );
            let text = format!(
                "You were idle for {}: your agent continues {}.",
                wording::span(owners::IDLE),
                self.call_line(call)
            );
            for owner in self.behind(takeover.by) {
                self.tell(now, owner, OwnerMessage::new(text.clone()).about(call));
            }
        }
    }

    /// Returns the owners behind a takeover: at a terminal, where they cannot be told apart, all.
    fn behind(&self, by: Via) -> Vec<PublicKey> {
        let is = |key: &PublicKey| by == Via::Terminal || by == Via::Dm(*key);
        self.owners().map(|owner| owner.key).filter(is).collect()
    }

    /// Sends a message of a human in a call. It does not count as a turn of the agent.
    pub(super) fn human_says(
        &mut self,
        now: Time,
        call: CallId,
        text: Text,
    ) -> Result<OwnerMessage, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::Empty);
        }
        if text.len() > TEXT_LIMIT {
            let (what, length, limit) = (Limited::Message, text.len(), TEXT_LIMIT);
            return Err(Refusal::TooLong { what, length, limit });
        }
        let call = self.spoken_in(call)?;
        let conversation = Conversation::Call(call);
        let message = self.send_text(now, conversation, Speaker::Human, text)?;
        self.notice(now, conversation, Some(message), "your human said this");
        if let Some(takeover) = self.owners.takeovers.get(&call).copied() {
            self.keep_takeover(Takeover { last: now, ..takeover });
        }
        let text = format!("Sent in {}.", self.call_line(call));
        Ok(OwnerMessage { confirms: true, ..OwnerMessage::new(text) }.about(call))
    }

    /// Forwards a message of a peer to the human who has taken over the call.
    pub(in super::super) fn forward(
        &mut self,
        now: Time,
        call: CallId,
        by: Speaker,
        content: &Content,
    ) {
        let Some(takeover) = self.taken_over(call).copied() else { return };
        let Some((handle, peer)) = self.call(takeover.call).map(|call| (call.handle, call.peer))
        else {
            return;
        };
        let text = wording::forward(handle, &self.named(peer), by, &content.shown());
        // The owner who took over gets the answers even when muted.
        let listening = self.listening(now);
        let hears = |key: &PublicKey| takeover.by == Via::Dm(*key) || listening.contains(key);
        for owner in self.behind(takeover.by).into_iter().filter(hears) {
            self.tell(now, owner, OwnerMessage::new(text.clone()).about(takeover.call));
        }
    }
}
