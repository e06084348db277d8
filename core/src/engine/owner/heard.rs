//! What a direct message of an owner means.

use std::time::Duration;

use super::super::{Engine, Output};
use super::Letter;
use crate::conversation::receive::is_forgotten;
use crate::ids::{CallId, PublicKey};
use crate::owner::parse::{Wish, parse};
use crate::owner::{Order, words};
use crate::record::{Line, Note, Takeover, Via};
use crate::rumor::Verified;
use crate::time::Time;
use crate::wire::{Packet, TEXT_LIMIT};

/// An order that is older waits for a `/yes`: it may be about something else by now.
const FRESH: Duration = Duration::from_secs(600);

/// What became of an owner's words.
enum Heard {
    /// This is to be told.
    Told(Letter),
    /// There is nothing to say to it now.
    Silent,
    /// They are no command and no answer.
    ForAgent,
}

impl From<Letter> for Heard {
    fn from(letter: Letter) -> Self {
        Self::Told(letter)
    }
}

impl Engine {
    /// Takes words that are not for our agent: a code that pairs, or an owner's command or answer.
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
        // What is so old that it may be a repetition is nobody's order, and no news.
        is_forgotten(now, Time::from_secs(packet.created_at)) || self.owner_said(now, packet, text)
    }

    /// Words that do not fit are nobody's; their owner is told.
    pub(in super::super) fn too_long(&mut self, now: Time, message: &Verified) {
        let (from, id) = (message.rumor().pubkey, message.id());
        if self.is_owner(from) && !self.ctx.was_seen(id) {
            self.ctx.remember_seen(now, id);
            let text = format!(
                "That message is too long and was not read. The maximum is {TEXT_LIMIT} bytes."
            );
            self.tell(now, from, Letter::new(text));
        }
    }

    /// Takes the words of an owner. False where they are for our agent.
    fn owner_said(&mut self, now: Time, packet: &Packet, text: &str) -> bool {
        let note = packet.reply_to.iter().find_map(|id| self.owners.notes.get(id)).copied();
        let note = note.filter(|note| note.owner == packet.from);
        let heard = self.hear(now, packet, note, text.trim());
        let for_agent = matches!(heard, Heard::ForAgent);
        match heard {
            Heard::Told(letter) => self.tell(now, packet.from, letter),
            Heard::ForAgent => self.tell(now, packet.from, Letter::new("Passed on to your agent.")),
            Heard::Silent => {}
        }
        !for_agent
    }

    fn hear(&mut self, now: Time, packet: &Packet, note: Option<Note>, text: &str) -> Heard {
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
                let order = Order::Say { call, text: text.into() };
                let fresh = self.age(now, written) <= FRESH;
                // Whoever talks there is told only what was not said.
                return match self.ordered(now, from, written, order, text) {
                    Heard::Told(letter) if fresh && letter.said => Heard::Silent,
                    other => other,
                };
            }
            Some(Err(calls)) => {
                let calls = self.call_lines(&calls);
                let text =
                    format!("In which call? Nothing was sent.\n{calls}\nStart with /say c7.");
                return Letter::new(text).into();
            }
            None => {}
        }
        match self.questions_put_to(from).as_slice() {
            [] => match self.late_answer(now, from, text) {
                Some(question) => self.answer_by_dm(now, question, text, from).into(),
                None => Heard::ForAgent,
            },
            [question] => self.answer_if_newer(now, *question, text, from, written).into(),
            several => self.which(several).into(),
        }
    }

    fn which(&self, questions: &[u32]) -> Letter {
        let lines = self.question_lines(questions);
        let how = "Start your answer with the code, or reply to the question itself.";
        Letter::new(format!("Which question? Nothing was recorded.\n{lines}\n{how}"))
    }

    /// Words that name no question can be meant for one only if it was asked before.
    fn answer_if_newer(
        &mut self,
        now: Time,
        question: u32,
        text: &str,
        from: PublicKey,
        written: u64,
    ) -> Letter {
        let asked = self.owners.questions.get(&question).map(|it| self.ctx.told(it.at).secs());
        if asked.is_some_and(|asked| asked <= written) {
            return self.answer_by_dm(now, question, text, from);
        }
        let line = self.question_lines(&[question]);
        Letter::new(format!(
            "You wrote that before this question was asked. Nothing was recorded:\n{line}\n\
             To answer, reply to the question or start with its code."
        ))
    }

    /// The taken-over call in which plain words of an owner are said, or all that it may be.
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
    ) -> Heard {
        let wish = match parse(text) {
            Ok(wish) => wish,
            Err(Some(usage)) => return Letter::new(format!("Usage: {usage}")).into(),
            Err(None) => return Letter::new("Unknown command. /help lists the commands.").into(),
        };
        let order = match wish {
            Wish::Yes => return self.confirmed(now, from, written),
            Wish::Decide { yes, question } => {
                let question = question.as_deref();
                return self.decided(now, from, written, note, yes, question).into();
            }
            wish => self.resolve(wish, note),
        };
        match order {
            Ok(order) => self.ordered(now, from, written, order, text),
            Err(letter) => letter.into(),
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
    ) -> Letter {
        let replied = note.and_then(|note| note.question);
        let question = match named {
            Some(name) => match self.question_named(name) {
                Some(question) => Some(question),
                None => {
                    return Letter::new("No question has that code. /calls lists the open ones.");
                }
            },
            None => replied,
        };
        if let Some(question) = question {
            return match self.decision(question, yes) {
                Ok(answer) => self.answer_by_dm(now, question, &answer, from),
                Err(letter) => letter,
            };
        }
        match self.questions_put_to(from).as_slice() {
            [] => Letter::new("There is no open question."),
            [only] => match self.decision(*only, yes) {
                Ok(answer) => self.answer_if_newer(now, *only, &answer, from, written),
                Err(letter) => letter,
            },
            several => self.which(several),
        }
    }

    /// Does what an owner orders, unless it was written too long ago.
    fn ordered(
        &mut self,
        now: Time,
        from: PublicKey,
        written: u64,
        order: Order,
        text: &str,
    ) -> Heard {
        let age = self.age(now, written);
        if age > FRESH && !matches!(order, Order::Help | Order::Calls | Order::Show(_)) {
            let line =
                order.call().map(|call| format!("\nThis is about {}.", self.call_line(call)));
            let (age, text) = (words::span(age), words::piece(text));
            self.owners.unconfirmed.insert(from, (order, now));
            return Letter::new(format!(
                "You wrote this {age} ago: {text}{}\nSend /yes to do it now.",
                line.unwrap_or_default()
            ))
            .into();
        }
        self.obey(now, from, order)
    }

    fn confirmed(&mut self, now: Time, from: PublicKey, written: u64) -> Heard {
        let waiting = self.owners.unconfirmed.remove(&from);
        match waiting.filter(|(_, since)| now.since(*since) <= FRESH) {
            Some((order, _)) if self.age(now, written) <= FRESH => self.obey(now, from, order),
            _ => Letter::new("There is nothing to confirm.").into(),
        }
    }

    fn obey(&mut self, now: Time, from: PublicKey, order: Order) -> Heard {
        if let Order::Show(call) = order {
            self.ctx.output(Output::Recall { call: self.calls.current(call), to: from });
            return Heard::Silent;
        }
        let letter = self.order(now, order, Via::Dm(from));
        letter.unwrap_or_else(|refusal| Letter::new(format!("Not done: {refusal}."))).into()
    }

    /// How long ago something was written, both by the clock that others have.
    fn age(&self, now: Time, written: u64) -> Duration {
        self.ctx.told(now).since(Time::from_secs(written))
    }

    /// The last lines of a call that an owner wants to see.
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
            text = text + "\n" + &words::transcript(&peer, lines);
        }
        self.tell(now, to, Letter::new(text).about(id));
    }
}
