//! Questions to the human behind this agent.

use p2p_ipc::method::QuestionsResult;
use p2p_ipc::view::{QuestionState, QuestionView};
use serde::Serialize;

use super::clean;
use super::page::Page;
use super::text::Text;
use super::units::clock;
use super::words::{self, in_vain, name};
use p2p_client::wait::WaitReport;

/// A question that was just asked, with the report of the wait for its answer.
#[derive(Debug, Serialize)]
pub struct Asked {
    #[serde(flatten)]
    question: QuestionView,
    /// True if the question was answered; null if there was no wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<bool>,
    /// Report of the wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<WaitReport>,
}

impl Asked {
    /// Creates the value from the question's present state.
    #[must_use]
    pub fn new(question: QuestionView, waiting: Option<WaitReport>) -> Self {
        Self { question, reached: waiting.map(|waiting| waiting.reached), waiting }
    }
}

impl Text for Asked {
    fn text(&self, page: &mut Page) {
        let question = &self.question;
        match self.waiting {
            Some(waiting) if !waiting.reached => {
                let how = standing(question, page);
                page.line(format!("{} {}: {how}", in_vain(waiting), question.handle));
                follow_up(question, page);
            }
            _ => question.text(page),
        }
    }
}

impl Text for QuestionView {
    fn text(&self, page: &mut Page) {
        one(self, page);
        follow_up(self, page);
    }
}

fn follow_up(question: &QuestionView, page: &mut Page) {
    match question.state {
        QuestionState::Open if question.notified.is_empty() => {}
        QuestionState::Open => {
            page.next(format!("p2p wait --for reply --call {}", question.call));
        }
        QuestionState::Answered => {
            page.next(format!("p2p send --call {} \"<text>\"", question.call));
        }
        QuestionState::Closed => page.next(format!("p2p transcript {}", question.call)),
    }
}

fn one(question: &QuestionView, page: &mut Page) {
    let passed_on = match &question.peer_delivery {
        Some(delivery) => {
            format!("; note to {}: {}", name(&question.peer), words::delivery(delivery))
        }
        None => String::new(),
    };
    page.line(format!(
        "{} (in {} with {}): {}{passed_on}",
        question.handle,
        question.call,
        name(&question.peer),
        standing(question, page),
    ));
    asked(question, page);
    if question.answer.is_some() {
        answer(question, page);
    }
}

/// Shows the text of a question and its options.
pub fn asked(question: &QuestionView, page: &mut Page) {
    page.own(&question.question);
    if !question.options.is_empty() {
        let options: Vec<String> = question.options.iter().map(|o| clean::inline(o)).collect();
        page.line(format!("  options: {}", options.join(" / ")));
    }
}

/// Shows the owner's answer, without the mark of a peer's text.
pub fn answer(question: &QuestionView, page: &mut Page) {
    page.line(format!("{} your human answers{}", question.handle, how(question)));
    page.own(question.answer.as_deref().unwrap_or_default());
}

/// Shows an answer as the inbox does, with its question.
pub fn reply(question: &QuestionView, page: &mut Page) {
    let asked = clean::short(&question.question, 120);
    let QuestionView { handle, call, .. } = question;
    page.line(format!("{handle} {call} your human answers{}, asked: {asked}", how(question)));
    page.own(question.answer.as_deref().unwrap_or_default());
}

/// Returns time and channel of the answer: ` 14:02Z (by direct message)`.
fn how(question: &QuestionView) -> String {
    let at = question.answered_ms.map(|at| format!(" {}", clock(at))).unwrap_or_default();
    let via = match question.answer_via.as_deref() {
        Some("dm") => " (by direct message)".into(),
        Some("terminal") => " (at a terminal)".into(),
        Some(other) => format!(" (by {})", clean::short(other, 20)),
        None => String::new(),
    };
    at + &via
}

impl Text for QuestionsResult {
    fn text(&self, page: &mut Page) {
        if self.questions.is_empty() {
            page.line("no questions");
        }
        for question in &self.questions {
            one(question, page);
        }
    }
}

/// Returns a question's state: `open, asked 3m ago; told by command`.
#[must_use]
pub fn standing(question: &QuestionView, page: &Page) -> String {
    let state = match question.state {
        QuestionState::Open => "open",
        QuestionState::Answered => "your human answered",
        QuestionState::Closed => "closed",
    };
    let asked = match page.minutes_since(question.at_ms) {
        Some(time) => format!("asked {time} ago"),
        None => "asked just now".into(),
    };
    let told = match question.notified.join(", ") {
        none if none.is_empty() => "nobody was told".into(),
        channels => format!("told by {channels}"),
    };
    let more = |channels: &[String], how: &str| match channels.join(", ") {
        none if none.is_empty() => none,
        channels => format!(" ({channels} {how})"),
    };
    let telling = more(&question.notifying, "is being tried");
    let failed = more(&question.failed, "failed");
    format!("{state}, {asked}; {told}{telling}{failed}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};
    use p2p_ipc::view::{DeliveryState, DeliveryView};

    #[test]
    fn a_question_says_which_channels_took_it_and_how_far_it_got_to_the_peer() {
        let line = |question: &QuestionView| {
            let mut page = Page::new(NOW_MS);
            one(question, &mut page);
            page.finish(None).lines().next().unwrap_or_default().to_owned()
        };
        let mut question = samples::question();
        assert_eq!(line(&question), "q2 (in c7 with bob): open, asked 3m ago; told by command");
        let new = QuestionView { at_ms: NOW_MS - 59_999, ..question.clone() };
        assert_eq!(line(&new), "q2 (in c7 with bob): open, asked just now; told by command");
        let state = DeliveryState::Queued;
        question.peer_delivery = Some(DeliveryView {
            state,
            relays_ok: 0,
            relays: 1,
            receipts: Vec::new(),
            diagnosis: None,
        });
        question.failed = std::mem::take(&mut question.notified);
        question.notifying = vec!["dm".into()];
        question.state = QuestionState::Closed;
        assert_eq!(
            line(&question),
            "q2 (in c7 with bob): closed, asked 3m ago; nobody was told (dm is being tried) (command failed); note to bob: queued"
        );
    }

    fn text_of(value: &impl Text) -> String {
        let mut page = Page::new(NOW_MS);
        value.text(&mut page);
        page.finish(None)
    }

    #[test]
    fn an_answer_is_shown_as_the_owners_words_and_a_wait_in_vain_as_that() {
        let waiting = WaitReport { reached: false, waited_s: 25, interrupted: false };
        assert_eq!(
            text_of(&Asked::new(samples::question(), Some(waiting))),
            "nothing yet (25 s). q2: open, asked 3m ago; told by command\nnext: p2p wait --for reply --call c7\n"
        );
        let answered = QuestionView {
            state: QuestionState::Answered,
            answer: Some("yes\nbut not more".into()),
            answered_ms: Some(NOW_MS),
            answer_via: Some("dm".into()),
            ..samples::question()
        };
        let waiting = WaitReport { reached: true, ..waiting };
        let asked = Asked::new(answered, Some(waiting));
        assert_eq!(
            text_of(&asked),
            "q2 (in c7 with bob): your human answered, asked 3m ago; told by command\n  Publish?\n\
             q2 your human answers 14:02Z (by direct message)\n  yes\n  but not more\n\
             next: p2p send --call c7 \"<text>\"\n"
        );
        let json = serde_json::to_value(&asked).unwrap();
        assert_eq!((&json["handle"], &json["reached"]), (&"q2".into(), &true.into()));
    }
}
