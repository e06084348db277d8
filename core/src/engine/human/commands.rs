//! Execution of the commands of owners, by direct message or at a terminal.

use std::time::Duration;

use super::super::{Engine, Refusal};
use super::pairing;
use crate::call::calls::Cause;
use crate::call::{Call, State};
use crate::human::change::HumanChange;
use crate::human::command::OwnerCommand;
use crate::human::message::OwnerMessage;
use crate::human::wording;
use crate::ids::{CallId, Conversation, PublicKey};
use crate::peer::change::PeerChange;
use crate::policy::Policy;
use crate::record::{Owner, Via};
use crate::text::Text;
use crate::time::Time;

/// The farewell to an owner.
const REMOVED: &str = "You are no longer an owner of this agent. You are still one of its contacts: \
    it reads what you write here, and you may call it. Commands no longer work.";

impl Engine {
    /// Carries out a command at a terminal, where an owner was proven.
    pub(in super::super) fn command_at_terminal(
        &mut self,
        now: Time,
        order: OwnerCommand,
    ) -> Result<Text, Refusal> {
        self.order(now, order, Via::Terminal).map(|reply| reply.text)
    }

    /// Carries out a command without proof of an owner: `calls` always, `policy` while nobody owns
    /// this agent.
    pub(in super::super) fn unauthenticated(
        &mut self,
        now: Time,
        order: OwnerCommand,
    ) -> Result<Text, Refusal> {
        match order {
            OwnerCommand::Calls => {}
            OwnerCommand::Policy(_) if self.owners.keys.is_empty() => {}
            _ => return Err(Refusal::OwnerOnly),
        }
        self.command_at_terminal(now, order)
    }

    pub(super) fn order(
        &mut self,
        now: Time,
        order: OwnerCommand,
        via: Via,
    ) -> Result<OwnerMessage, Refusal> {
        match order {
            OwnerCommand::Answer { question, text } => self.answer(now, question, &text, via),
            OwnerCommand::Calls => Ok(OwnerMessage::new(self.calls_text(now))),
            // Only an owner who asks by message is sent the lines; a terminal has the transcript.
            OwnerCommand::Show(call) => {
                self.call(call).ok_or(Refusal::NoCall)?;
                Ok(OwnerMessage::new(self.call_line(call)).about(call))
            }
            OwnerCommand::Say { call, text } => self.human_says(now, call, text),
            OwnerCommand::Takeover(call) => self.take_over(now, call, via),
            OwnerCommand::Resume(call) => self.hand_back(now, call),
            OwnerCommand::End { call, text } => self.end_by_owner(now, call, text),
            OwnerCommand::Mute(time) => Ok(self.mute(now, via, Some(time))),
            OwnerCommand::Unmute => Ok(self.mute(now, via, None)),
            OwnerCommand::Allow(key) => {
                self.not_me(key)?;
                self.allow(now, key);
                Ok(OwnerMessage::new(format!("{} may call.", self.named(key))))
            }
            OwnerCommand::Block(key) => {
                if self.is_owner(key) {
                    return Ok(OwnerMessage::new("That key is an owner: /remove it first."));
                }
                self.block(now, key)?;
                Ok(OwnerMessage::new(format!(
                    "Blocked: everything from {} is dropped.",
                    self.named(key)
                )))
            }
            OwnerCommand::Policy(policy) => Ok(self.set_policy(now, policy, via)),
            OwnerCommand::Remove(key) => Ok(self.remove_owner(now, key)),
            OwnerCommand::Pair => {
                let (code, _) = self.open_pairing(now, None);
                let ours = self.ctx.me.npub();
                let text = format!(
                    "{}\nThe other owner must send this code to {ours} within ten minutes.",
                    code.as_str()
                );
                Ok(OwnerMessage { stored: Some(pairing::SECRET), ..OwnerMessage::new(text) })
            }
            OwnerCommand::Code => match via {
                Via::Dm(_) => Ok(self.one_time_code(now)),
                Via::Terminal => Err(Refusal::OwnerOnly),
            },
            OwnerCommand::Help => Ok(OwnerMessage::new(wording::HELP)),
        }
    }

    fn calls_text(&self, now: Time) -> String {
        let open = self.calls().filter(|call| call.is_open());
        let mut lines: Vec<String> = open
            .map(|call| format!("{}, {}", self.call_line(call.id), self.state_of(call)))
            .collect();
        if lines.is_empty() {
            lines.push("There is no open call.".into());
        }
        let questions = self.open_questions();
        if !questions.is_empty() {
            lines.push("Open questions:".into());
            lines.push(self.question_lines(&questions));
        }
        if self.listening(now).len() < self.owners().count() {
            lines.push("Muted. /unmute to get questions again.".into());
        }
        lines.join("\n")
    }

    /// Describes the state of a call for a human.
    pub(super) fn state_of(&self, call: &Call) -> &'static str {
        match &call.state {
            _ if self.taken_over(call.id).is_some() => "taken over by a human",
            State::Dialing(_) | State::Ringing(_) => "ringing",
            State::Incoming(_) => "incoming",
            State::Connecting(_) | State::Active => "active",
            State::Ended(_) => "ended",
        }
    }

    fn end_by_owner(&mut self, now: Time, id: CallId, text: Text) -> Result<OwnerMessage, Refusal> {
        let call = self.calls.current(id);
        match self.call(call) {
            None => return Err(Refusal::NoCall),
            Some(Call { state: State::Ended(ended), .. }) => {
                return Err(Refusal::Over(ended.closing.reason));
            }
            Some(_) => {}
        }
        self.close(now, call, text, Cause::Other)?;
        self.notice(now, Conversation::Call(call), None, "your human ended the call");
        Ok(OwnerMessage::new(format!("Ended: {}.", self.call_line(call))).about(call))
    }

    /// Mutes the owner who asked; at a terminal, where owners cannot be told apart, all of them.
    fn mute(&mut self, now: Time, via: Via, time: Option<Duration>) -> OwnerMessage {
        let is_meant = |owner: &&Owner| via == Via::Terminal || via == Via::Dm(owner.key);
        let meant: Vec<Owner> = self.owners().filter(is_meant).copied().collect();
        for owner in meant {
            let owner = Owner { muted_until: time.map(|time| now + time), ..owner };
            self.owners.keys.insert(owner.key, owner);
            self.ctx.persist(HumanChange::Owner(owner));
        }
        let Some(time) = time else {
            let open = self.question_lines(&self.open_questions());
            let text = format!("Unmuted: you get questions again.\n{open}");
            return OwnerMessage::new(text.trim_end());
        };
        OwnerMessage::new(format!(
            "Muted for {}: no questions, no messages from calls.",
            wording::span(time)
        ))
    }

    fn set_policy(&mut self, now: Time, policy: Policy, via: Via) -> OwnerMessage {
        self.ctx.settings.policy = policy;
        self.ctx.persist(PeerChange::Policy(policy));
        let text = wording::policy(policy);
        if let Via::Dm(owner) = via {
            let text = format!("your human decided: {text}");
            self.notice(now, Conversation::Direct(owner), None, &text);
        }
        OwnerMessage::new(format!("From now on {text}."))
    }

    fn remove_owner(&mut self, now: Time, key: PublicKey) -> OwnerMessage {
        if self.owners.keys.remove(&key).is_none() {
            return OwnerMessage::new("That key is not an owner.");
        }
        self.ctx.persist(HumanChange::OwnerGone(key));
        // Codes that the removed owner may know become invalid too.
        self.owners.unconfirmed.remove(&key);
        self.owners.codes.clear();
        self.owners.pairing = None;
        let theirs = self.owners.takeovers.values().filter(|it| it.by == Via::Dm(key));
        for call in theirs.map(|takeover| takeover.call).collect::<Vec<_>>() {
            self.give_back(now, call, "the owner who had taken over the call was removed");
        }
        let npub = key.npub();
        self.tell(now, key, OwnerMessage::new(REMOVED));
        // The store removes the passphrase, since the removed owner may know it.
        self.notice(now, Conversation::Direct(key), None, &format!("{npub} is no longer an owner"));
        OwnerMessage::new(format!("{npub} is no longer an owner. The passphrase was removed."))
    }
}
