//! Questions to the human behind this agent.

use p2p_ipc::method::QuestionsResult;
use p2p_ipc::view::Question;

use super::words::name;
use super::{Page, Text, clean};

impl Text for Question {
    fn text(&self, page: &mut Page) {
        one(self, page);
        if self.answer.is_none() && !self.told.is_empty() {
            page.next(format!("p2p wait --for reply --call {}", self.call));
        }
    }
}

fn one(question: &Question, page: &mut Page) {
    let state = if question.answer.is_some() { "answered" } else { "open" };
    page.line(format!(
        "{} {} {} {state} {}, told: {}",
        question.handle,
        question.call,
        name(&question.peer),
        page.since(question.at_ms),
        told(question)
    ));
    page.own(&question.question);
    if !question.options.is_empty() {
        let options: Vec<String> = question.options.iter().map(|o| clean::inline(o)).collect();
        page.line(format!("  options: {}", options.join(" / ")));
    }
    if let Some(answer) = &question.answer {
        page.line("your human answers:");
        page.own(answer);
    }
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

/// Who learned of a question.
#[must_use]
pub fn told(question: &Question) -> String {
    let human = if question.told.is_empty() { "no human".into() } else { question.told.join(", ") };
    if question.quiet { human } else { format!("{human}, peer") }
}
