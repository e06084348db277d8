//! Interpretation of direct messages of owners.

use std::time::Duration;

use super::super::{Engine, Output};
use crate::conversation::receive::is_forgotten;
use crate::human::command::OwnerCommand;
use crate::human::message::OwnerMessage;
use crate::human::parse::{ParsedCommand, parse};
use crate::human::wording;
use crate::ids::{CallId, PublicKey};
use crate::record::{Line, Note, Takeover, Via};
use crate::rumor::Verified;
use crate::time::Time;
use crate::wire::{Packet, TEXT_LIMIT};

/// An older command waits for a `/yes`: the situation may have changed.
const FRESH: Duration = Duration::from_secs(600);

/// The reaction to an owner's message.
enum Reaction {
    /// The owner gets this message.
    Reply(OwnerMessage),
    /// The owner gets nothing, or gets it later.
    Silent,
    /// The message is neither a command nor an answer: it goes to the agent.
    ForAgent,
}

impl From<OwnerMessage> for Reaction {
    fn from(reply: OwnerMessage) -> Self {
        Self::Reply(reply)
    }
}

impl Engine {
    /// Handles a message that is not for our agent: a pairing code, or a command or answer of an
    /// owner. Returns false if it is for our agent.
    pub(in super::super) fn for_its_human(
        &mut self,
        now: Time,
        packet: &Packet,
        text: &str,
    ) -> bool {
        if self.tries_to_pair(now, packet.from, text) {
            return true;
        }
        if !self.is_owner(packet.from) {
            return false;
        }
        // A message so old that it may be a repetition is neither a command nor a new message.
        is_forgotten(now, Time::from_secs(packet.created_at)) || self.owner_said(now, packet, text)
    }

    /// Tells an owner that a message was too long.
    pub(in super::super) fn too_long(&mut self, now: Time, message: &Verified) {
        let (from, id) = (message.rumor().pubkey, message.id());
        if self.is_owner(from) && !self.ctx.was_seen(id) {
            self.ctx.remember_seen(now, id);
            let text = format!(
                "That message is too long and was not read. The maximum is {TEXT_LIMIT} bytes."
            );
            self.tell(now, from, OwnerMessage::new(text));
        }
    }

    /// Handles a message of an owner. Returns false if it is for our agent.
    fn owner_said(&mut self, now: Time, packet: &Packet, text: &str) -> bool {
        let note = packet.reply_to.iter().find_map(|id| self.owners.notes.get(id)).copied();
        let note = note.filter(|note| note.owner == packet.from);
        let heard = self.hear(now, packet, note, text.trim());
        let for_agent = matches!(heard, Reaction::ForAgent);
        match heard {
            Reaction::Reply(reply) => self.tell(now, packet.from, reply),
            Reaction::ForAgent => {
                self.tell(now, packet.from, OwnerMessage::new("Passed on to your agent."))
            }
            Reaction::Silent => {}
        }
        !for_agent
    }

    fn hear(&mut self, now: Time, packet: &Packet, note: Option<Note>, text: &str) -> Reaction {
        let (from, written) = (packet.from, packet.created_at);
        if text.starts_with('/') {
            return self.commanded(now, from, written, note, text);
        }
        let replied = note.and_then(|note| note.question);
        match (replied, self.question_in(text)) {
            (Some(replied), Some((named, _))) if replied != named => {
                return self.which(&[replied, named]).into();
            }
            (_, Some((named, answer))) => {
                return self.answer_by_dm(now, named, answer, from).into();
            }
            (Some(replied), None) => return self.answer_by_dm(now, replied, text, from).into(),
            (None, None) => {}
        }
        match self.speaks_in(from, note) {
            Some(Ok(call)) => {
                let order = OwnerCommand::Say { call, text: text.into() };
                let fresh = self.age(now, written) <= FRESH;
                // The owner in a taken-over call is told only of messages that were not sent.
                return match self.ordered(now, from, written, order, text) {
                    Reaction::Reply(reply) if fresh && reply.confirms => Reaction::Silent,
                    other => other,
                };
            }
            Some(Err(calls)) => {
                let calls = self.call_lines(&calls);
                let text =
                    format!("In which call? Nothing was sent.\n{calls}\nStart with /say c7.");
                return OwnerMessage::new(text).into();
            }
            None => {}
        }
        match self.questions_put_to(from).as_slice() {
            [] => match self.late_answer(now, from, text) {
                Some(question) => self.answer_by_dm(now, question, text, from).into(),
                None => Reaction::ForAgent,
            },
            [question] => self.answer_if_newer(now, *question, text, from, written).into(),
            several => self.which(several).into(),
        }
    }

    fn which(&self, questions: &[u32]) -> OwnerMessage {
        let lines = self.question_lines(questions);
        let how = "Start your answer with the code, or reply to the question itself.";
        OwnerMessage::new(format!("Which question? Nothing was recorded.\n{lines}\n{how}"))
    }

    /// Records a text that names no question as the answer, if the question was asked before.
    fn answer_if_newer(
        &mut self,
        now: Time,
        question: u32,
        text: &str,
        from: PublicKey,
        written: u64,
    ) -> OwnerMessage {
        let asked = self.owners.questions.get(&question).map(|it| self.ctx.told(it.at).secs());
        if asked.is_some_and(|asked| asked <= written) {
            return self.answer_by_dm(now, question, text, from);
        }
        let line = self.question_lines(&[question]);
        OwnerMessage::new(format!(
            "You wrote that before this question was asked. Nothing was recorded:\n{line}\n\
             To answer, reply to the question or start with its code."
        ))
    }

    /// Returns the taken-over call in which plain text of an owner is sent, or all candidates.
    fn speaks_in(
        &self,
        from: PublicKey,
        note: Option<Note>,
    ) -> Option<Result<CallId, Vec<CallId>>> {
        let theirs = |takeover: &&Takeover| takeover.by == Via::Dm(from);
        let taken = self.owners.takeovers.values().filter(theirs);
        let taken: Vec<CallId> = taken.map(|takeover| takeover.call).collect();
        let meant = note.and_then(|note| note.call).map(|call| self.calls.current(call));
        match (meant.filter(|call| taken.contains(call)), taken.as_slice()) {
            (Some(call), _) => Some(Ok(call)),
            (None, []) => None,
            (None, [call]) => Some(Ok(*call)),
            (None, _) => Some(Err(taken)),
        }
    }

    fn commanded(
        &mut self,
        now: Time,
        from: PublicKey,
        written: u64,
        note: Option<Note>,
        text: &str,
    ) -> Reaction {
        let parsed = match parse(text) {
            Ok(parsed) => parsed,
            Err(Some(usage)) => return OwnerMessage::new(format!("Usage: {usage}")).into(),
            Err(None) => {
                return OwnerMessage::new("Unknown command. /help lists the commands.").into();
            }
        };
        let order = match parsed {
            ParsedCommand::Yes => return self.confirmed(now, from, written),
            ParsedCommand::Decide { yes, question } => {
                let question = question.as_deref();
                return self.decided(now, from, written, note, yes, question).into();
            }
            parsed => self.resolve(parsed, note),
        };
        match order {
            Ok(order) => self.ordered(now, from, written, order, text),
            Err(reply) => reply.into(),
        }
    }

    fn decided(
        &mut self,
        now: Time,
        from: PublicKey,
        written: u64,
        note: Option<Note>,
        yes: bool,
        named: Option<&str>,
    ) -> OwnerMessage {
        let replied = note.and_then(|note| note.question);
        let question = match named {
            Some(name) => match self.question_named(name) {
                Some(question) => Some(question),
                None => {
                    return OwnerMessage::new(
                        "No question has that code. /calls lists the open ones.",
                    );
                }
            },
            None => replied,
        };
        if let Some(question) = question {
            return match self.decision(question, yes) {
                Ok(answer) => self.answer_by_dm(now, question, &answer, from),
                Err(reply) => reply,
            };
        }
        match self.questions_put_to(from).as_slice() {
            [] => OwnerMessage::new("There is no open question."),
            [only] => match self.decision(*only, yes) {
                Ok(answer) => self.answer_if_newer(now, *only, &answer, from, written),
                Err(reply) => reply,
            },
            several => self.which(several),
        }
    }

    /// Carries out a command, unless it was written too long ago.
    fn ordered(
        &mut self,
        now: Time,
        from: PublicKey,
        written: u64,
        order: OwnerCommand,
        text: &str,
    ) -> Reaction {
        let age = self.age(now, written);
        if age > FRESH
            && !matches!(order, OwnerCommand::Help | OwnerCommand::Calls | OwnerCommand::Show(_))
        {
            let line =
                order.call().map(|call| format!("\nThis is about {}.", self.call_line(call)));
            let (age, text) = (wording::span(age), wording::piece(text));
            self.owners.unconfirmed.insert(from, (order, now));
            return OwnerMessage::new(format!(
                "You wrote this {age} ago: {text}{}\nSend /yes to do it now.",
                line.unwrap_or_default()
            ))
            .into();
        }
        self.obey(now, from, order)
    }

    fn confirmed(&mut self, now: Time, from: PublicKey, written: u64) -> Reaction {
        let waiting = self.owners.unconfirmed.remove(&from);
        match waiting.filter(|(_, since)| now.since(*since) <= FRESH) {
            Some((order, _)) if self.age(now, written) <= FRESH => self.obey(now, from, order),
            _ => OwnerMessage::new("There is nothing to confirm.").into(),
        }
    }

    fn obey(&mut self, now: Time, from: PublicKey, order: OwnerCommand) -> Reaction {
        if let OwnerCommand::Show(call) = order {
            self.ctx.output(Output::Recall { call: self.calls.current(call), to: from });
            return Reaction::Silent;
        }
        let reply = self.order(now, order, Via::Dm(from));
        reply.unwrap_or_else(|refusal| OwnerMessage::new(format!("Not done: {refusal}."))).into()
    }

    /// Returns the age of a message, by the clock of others.
    fn age(&self, now: Time, written: u64) -> Duration {
        self.ctx.told(now).since(Time::from_secs(written))
    }

    /// Shows an owner the last messages of a call.
    pub(in super::super) fn recalled(
        &mut self,
        now: Time,
        id: CallId,
        to: PublicKey,
        lines: &[Line],
    ) {
        let Some(call) = self.call(id).filter(|_| self.is_owner(to)) else { return };
        let (state, peer) = (self.state_of(call), self.named(call.peer));
        let mut text = format!("{}, {state}:", self.call_line(id));
        if lines.is_empty() {
            text += "\nThere are no messages yet.";
        } else {
            text = text + "\n" + &wording::transcript(&peer, lines);
        }
        self.tell(now, to, OwnerMessage::new(text).about(id));
    }
}
