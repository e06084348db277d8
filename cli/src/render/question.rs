//! Questions to the human behind this agent.

use p2p_ipc::method::QuestionsResult;
use p2p_ipc::view::{Question, QuestionState};

use super::words::{self, name};
use super::{Page, Text, clean};

impl Text for Question {
    fn text(&self, page: &mut Page) {
        one(self, page);
        if self.state == QuestionState::Open && !self.told.is_empty() {
            page.next(format!("p2p wait --for reply --call {}", self.call));
        }
    }
}

fn one(question: &Question, page: &mut Page) {
    let passed_on = match &question.peer_delivery {
        Some(delivery) => format!("; the peer: {}", words::delivery(delivery)),
        None => String::new(),
    };
    page.line(format!(
        "{} {} {} {}{passed_on}",
        question.handle,
        question.call,
        name(&question.peer),
        standing(question, page),
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

/// `open 3m, told: command`.
#[must_use]
pub fn standing(question: &Question, page: &Page) -> String {
    let state = match question.state {
        QuestionState::Open => "open",
        QuestionState::Answered => "answered",
        QuestionState::Closed => "closed",
    };
    let told = if question.told.is_empty() { "nobody".into() } else { question.told.join(", ") };
    let failed = match question.failed.join(", ") {
        none if none.is_empty() => none,
        failed => format!(" ({failed} failed)"),
    };
    format!("{state} {}, told: {told}{failed}", page.since(question.at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};
    use p2p_ipc::view::{Delivery, DeliveryState};

    #[test]
    fn a_question_says_which_channels_took_it_and_how_far_it_got_to_the_peer() {
        let line = |question: &Question| {
            let mut page = Page::new(NOW_MS);
            one(question, &mut page);
            page.finish(None).lines().next().unwrap_or_default().to_owned()
        };
        let mut question = samples::question();
        assert_eq!(line(&question), "q2 c7 bob open 3m, told: command");
        let state = DeliveryState::Queued;
        question.peer_delivery =
            Some(Delivery { state, relays_ok: 0, relays: 1, receipts: Vec::new() });
        question.failed = std::mem::take(&mut question.told);
        question.state = QuestionState::Closed;
        assert_eq!(
            line(&question),
            "q2 c7 bob closed 3m, told: nobody (command failed); the peer: queued"
        );
    }
}
