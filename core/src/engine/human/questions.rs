//! Questions to the owners, and their answers.

use std::time::Duration;

use super::super::refusal::Limited;
use super::super::{Engine, Refusal};
use crate::call::Call;
use crate::human::change::HumanChange;
use crate::human::code;
use crate::human::message::OwnerMessage;
use crate::human::wording;
use crate::ids::{CallId, Conversation, PublicKey};
use crate::record::{Answer, EventKind, Line, Note, Question, Via};
use crate::text::Text;
use crate::time::Time;
use crate::wire::TEXT_LIMIT;

/// Maximum number of questions in memory, as many as a snapshot has, besides the open ones.
const QUESTIONS_LIMIT: usize = 200;

/// Time after the last question for which a bare "ok" counts as a late answer to it.
const LATE: Duration = Duration::from_secs(24 * 3600);

impl Engine {
    /// Stores a question and asks every owner who is not muted.
    pub(in super::super) fn ask(
        &mut self,
        now: Time,
        call: CallId,
        question: Text,
        options: Vec<Text>,
        quiet: bool,
        lines: &[Line],
    ) -> u32 {
        let handle = self.ctx.number(|counters| &mut counters.questions);
        let code = self.question_code();
        let question =
            Question { handle, call, question, options, quiet, at: now, code, answer: None };
        self.ctx.persist(HumanChange::Question(Box::new(question.clone())));
        self.owners.questions.insert(handle, question);
        self.forget_old_questions();
        for owner in self.listening(now) {
            self.put(now, owner, handle, lines);
        }
        handle
    }

    /// Forgets questions past the limit, the oldest first. An open question can still be answered
    /// and stays, however old it is.
    fn forget_old_questions(&mut self) {
        let excess = self.owners.questions.len().saturating_sub(QUESTIONS_LIMIT);
        let closed = |handle: &u32| !self.is_open_question(*handle);
        let oldest: Vec<u32> =
            self.owners.questions.keys().take(excess).copied().filter(closed).collect();
        for handle in oldest {
            self.owners.questions.remove(&handle);
        }
    }

    fn question_code(&mut self) -> Text {
        loop {
            let code = self.ctx.ids.code(code::SHORT);
            if !self.owners.questions.values().any(|question| question.code == code) {
                return code.into();
            }
        }
    }

    fn put(&mut self, now: Time, owner: PublicKey, handle: u32, lines: &[Line]) {
        let Some(question) = self.owners.questions.get(&handle) else { return };
        let id = self.calls.current(question.call);
        let peer = self.call(id).map_or_else(String::new, |call| self.named(call.peer));
        let text = wording::ask(&wording::Asked {
            agent: &self.ctx.settings.name,
            question: handle,
            code: &question.code,
            call: &self.call_line(id),
            peer: &peer,
            text: &question.question,
            options: &question.options,
            lines,
        });
        self.tell(
            now,
            owner,
            OwnerMessage { question: Some(handle), ..OwnerMessage::new(text).about(id) },
        );
    }

    /// Returns the questions that can still be answered.
    pub(super) fn open_questions(&self) -> Vec<u32> {
        let all = self.owners.questions.keys().copied();
        all.filter(|handle| self.is_open_question(*handle)).collect()
    }

    fn is_open_question(&self, handle: u32) -> bool {
        self.owners.questions.get(&handle).is_some_and(|question| {
            question.answer.is_none() && self.spoken_in(question.call).is_ok()
        })
    }

    /// Returns the open questions that this owner was asked.
    pub(super) fn questions_put_to(&self, owner: PublicKey) -> Vec<u32> {
        let mut open = self.open_questions();
        open.retain(|question| self.was_put_to(owner, *question));
        open
    }

    fn was_put_to(&self, owner: PublicKey, question: u32) -> bool {
        let puts = |note: &Note| note.owner == owner && note.question == Some(question);
        self.owners.notes.values().any(puts)
    }

    /// Returns the last question that this owner was asked, if the text can only be a late answer to
    /// it: our agent must not take the text for a yes to something else.
    pub(super) fn late_answer(&self, now: Time, owner: PublicKey, text: &str) -> Option<u32> {
        let mut all = self.owners.questions.values().rev();
        let last = all.find(|question| self.was_put_to(owner, question.handle))?;
        let touched = last.answer.as_ref().map_or(last.at, |answer| answer.at.max(last.at));
        if now.since(touched) > LATE {
            return None;
        }
        let bare = ["yes", "no", "ok"].iter().any(|word| text.eq_ignore_ascii_case(word));
        let number = text.parse::<u32>().is_ok();
        let option = last.options.iter().any(|option| option.eq_ignore_ascii_case(text));
        (bare || number || option).then_some(last.handle)
    }

    /// Records the answer to a question. A question has one answer at most.
    pub(super) fn answer(
        &mut self,
        now: Time,
        handle: u32,
        text: &str,
        via: Via,
    ) -> Result<OwnerMessage, Refusal> {
        let question = self.owners.questions.get(&handle).ok_or(Refusal::NoQuestion)?;
        if question.answer.is_some() {
            return Err(Refusal::Answered);
        }
        let call = self.spoken_in(question.call)?;
        if no_option(&question.options, text.trim()) {
            return Err(Refusal::NoOption(question.options.len()));
        }
        let text = choice(&question.options, text.trim());
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        if text.len() > TEXT_LIMIT {
            let (what, length, limit) = (Limited::Answer, text.len(), TEXT_LIMIT);
            return Err(Refusal::TooLong { what, length, limit });
        }
        let told = format!("q{handle} answered: {}", wording::plain(&text));
        let answer = Answer { text, via, at: now };
        if let Some(question) = self.owners.questions.get_mut(&handle) {
            question.answer = Some(answer.clone());
        }
        self.ctx.persist(HumanChange::Answered { question: handle, answer });
        self.ctx.event(now, EventKind::Reply, Conversation::Call(call), Some(handle), None);
        // The other owners are told, so that they do not answer as well.
        let others = self.owners().map(|owner| owner.key).filter(|key| via != Via::Dm(*key));
        let others: Vec<_> = others.filter(|key| self.was_put_to(*key, handle)).collect();
        for other in others {
            let told = format!("{told}\n(answered by another owner or at the terminal)");
            self.tell(now, other, OwnerMessage::new(told).about(call));
        }
        Ok(OwnerMessage::new(told).about(call))
    }

    /// Records an answer that came by direct message. A refusal is explained to the owner.
    pub(super) fn answer_by_dm(
        &mut self,
        now: Time,
        handle: u32,
        text: &str,
        from: PublicKey,
    ) -> OwnerMessage {
        match self.answer(now, handle, text, Via::Dm(from)) {
            Ok(reply) => reply,
            Err(Refusal::Answered) => {
                let answer = self.owners.questions.get(&handle).and_then(|it| it.answer.as_ref());
                let answer = answer.map(|answer| wording::plain(&answer.text)).unwrap_or_default();
                OwnerMessage::new(format!(
                    "Nothing changed: q{handle} already has an answer: {answer}"
                ))
            }
            Err(Refusal::Empty) => OwnerMessage {
                question: Some(handle),
                ..OwnerMessage::new(format!(
                    "Your answer to q{handle} is empty. Reply to this with the answer."
                ))
            },
            Err(Refusal::Over(_) | Refusal::NoCall) => {
                OwnerMessage::new(format!("Nothing changed: the call of q{handle} has ended."))
            }
            Err(refusal) => OwnerMessage::new(format!("Nothing changed: {refusal}.")),
        }
    }

    /// Returns the answer that `/approve` and `/deny` stand for: the option that says so, or the
    /// word itself where the question has no options.
    ///
    /// # Errors
    /// The message to the owner, if none of the options says so.
    pub(super) fn decision(&self, handle: u32, yes: bool) -> Result<Text, OwnerMessage> {
        let same = if yes { ["approve", "yes"] } else { ["deny", "no"] };
        let Some(question) = self.owners.questions.get(&handle) else { return Ok(same[0].into()) };
        if question.options.is_empty() {
            return Ok(same[0].into());
        }
        let said = |option: &&Text| same.iter().any(|word| option.eq_ignore_ascii_case(word));
        question.options.iter().find(said).cloned().ok_or_else(|| {
            let numbered = question.options.iter().zip(1..);
            let options = numbered.map(|(option, n)| format!("{n}) {}", wording::piece_of(option)));
            let options = options.collect::<Vec<_>>().join("  ");
            OwnerMessage::new(format!(
                "No option of q{handle} says {}. Nothing was recorded. Options: {options}",
                same[0]
            ))
        })
    }

    /// Finds a question by its code or as `q2`.
    pub(super) fn question_named(&self, name: &str) -> Option<u32> {
        let by_handle = crate::human::parse::handle(name, 'q');
        let by_handle = by_handle.filter(|handle| self.owners.questions.contains_key(handle));
        by_handle.or_else(|| self.question_by_code(name))
    }

    fn question_by_code(&self, word: &str) -> Option<u32> {
        // `read` would refuse the codes of an older store, which look like numbers.
        let code = code::normal(word, code::SHORT)?;
        let mut all = self.owners.questions.values().rev();
        all.find(|question| question.code == code).map(|question| question.handle)
    }

    /// Finds the question whose code begins or ends a text, and returns the rest of the text.
    pub(super) fn question_in<'a>(&self, text: &'a str) -> Option<(u32, &'a str)> {
        let text = text.trim();
        let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let first = text.split(char::is_whitespace).next().unwrap_or_default();
        let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
        if let Some(handle) = self.question_by_code(&bare(first)) {
            return Some((handle, text[first.len()..].trim()));
        }
        let handle = self.question_by_code(&bare(last))?;
        Some((handle, text[..text.len() - last.len()].trim()))
    }

    /// Lists questions, one per line.
    pub(super) fn question_lines(&self, handles: &[u32]) -> String {
        let line = |handle: &u32| {
            let question = self.owners.questions.get(handle)?;
            let call =
                self.call(self.calls.current(question.call)).map_or(0, |call: &Call| call.handle);
            let asked = wording::piece(&question.question);
            Some(format!("q{handle}, code {}, in c{call}: {asked}", question.code.as_str()))
        };
        handles.iter().filter_map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Returns true for a number that none of the options has.
fn no_option(options: &[Text], text: &str) -> bool {
    let number = text.parse::<u64>().is_ok();
    number
        && !options.is_empty()
        && choice(options, text) == text
        && !options.iter().any(|o| o == text)
}

/// Returns the option that a text means, by its text or its number; else the text.
fn choice(options: &[Text], text: &str) -> Text {
    let same = |option: &&Text| option.trim().to_lowercase() == text.to_lowercase();
    let number = || options.get(text.parse::<usize>().ok()?.checked_sub(1)?);
    options.iter().find(same).or_else(number).map_or_else(|| text.into(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::choice;
    use crate::text::Text;

    #[test]
    fn an_option_is_chosen_by_its_text_or_its_number() {
        let options = ["Yes", "No", "3", "1 more"].map(Text::from);
        for (text, meant) in [
            ("yes", "Yes"),
            ("NO", "No"),
            ("1", "Yes"),
            ("3", "3"),
            ("4", "1 more"),
            ("0", "0"),
            ("5", "5"),
            ("yes, but later", "yes, but later"),
        ] {
            assert_eq!(choice(&options, text), meant);
        }
        assert_eq!(choice(&[], "1"), "1");
    }
}
