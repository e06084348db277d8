//! The messages of a call: as text, as Markdown.

use p2p_ipc::method::TranscriptResult;
use p2p_ipc::view::{
    CallView, ComparisonOutcome, ComparisonView, FileView, MessageView, QuestionView,
};
use serde::Serialize;

use super::message::{self, Layout};
use super::page::Page;
use super::question;
use super::text::Text;
use super::units::{clock, date};
use super::words::{name, reason};

/// A whole call, or the tail of it.
#[derive(Debug, Serialize)]
pub struct Transcript {
    /// The call.
    pub call: CallView,
    /// Messages, oldest first, in full.
    pub messages: Vec<MessageView>,
    /// The files of the call.
    pub files: Vec<FileView>,
    /// Questions to the owner during the call, oldest first.
    pub questions: Vec<QuestionView>,
    /// Total number of messages.
    pub total: u32,
    /// Comparison of both ends' transcripts, once the call has ended.
    pub comparison: Option<ComparisonView>,
    /// True if the text form is Markdown.
    #[serde(skip)]
    pub markdown: bool,
}

impl Transcript {
    /// Creates a transcript from its first page; the other pages are added later.
    #[must_use]
    pub fn new(first: TranscriptResult, markdown: bool) -> Self {
        let TranscriptResult { call, messages, files, questions, total, comparison, next: _ } =
            first;
        Self { call, messages, files, questions, total, comparison, markdown }
    }
}

impl Text for Transcript {
    fn text(&self, page: &mut Page) {
        if self.markdown { self.as_markdown(page) } else { self.as_text(page) }
    }
}

impl Transcript {
    fn as_text(&self, page: &mut Page) {
        super::call::line(&self.call, page);
        self.say_what_is_left_out(page);
        for entry in self.entries() {
            match entry {
                Entry::Said(message) => message::show(message, Layout::Call, page),
                Entry::Asked(question) => {
                    page.line(asking(question, clock(question.at_ms)));
                    question::asked(question, page);
                }
                Entry::Answered(question) => question::answer(question, page),
            }
        }
        for file in &self.files {
            super::file::show(file, page);
        }
        if let Some(comparison) = &self.comparison {
            page.line(agreement(comparison));
        }
    }

    fn as_markdown(&self, page: &mut Page) {
        let call = &self.call;
        page.line(format!("# Call {} with {}", call.handle, name(&call.peer)));
        page.line("");
        page.line(format!("- id: `{}`", call.id));
        page.line(format!("- peer: `{}`", call.peer.npub));
        page.line(format!("- opened: {}", date(call.opened_ms)));
        if let Some(at) = call.ended_ms {
            let why = call.reason.map_or("ended", reason);
            page.line(format!("- ended: {} ({why})", date(at)));
        }
        if let Some(comparison) = &self.comparison {
            page.line(format!("- {}", agreement(comparison)));
        }
        page.line("- topic:");
        page.quote(if call.outgoing { "    " } else { "    > " }, &call.topic);
        self.say_what_is_left_out(page);
        for entry in self.entries() {
            page.line("");
            match entry {
                Entry::Said(message) => said_in_markdown(message, page),
                Entry::Asked(question) => {
                    page.line(asking(question, date(question.at_ms)));
                    page.line("");
                    question::asked(question, page);
                }
                Entry::Answered(question) => question::answer(question, page),
            }
        }
        for file in &self.files {
            page.line("");
            page.line(super::file::line(file));
            if file.untrusted {
                page.line("");
                page.quote("> │ ", &file.name);
            }
        }
    }

    /// Returns messages and questions in the order of time. A question that was also sent to the peer
    /// is among the messages already.
    fn entries(&self) -> Vec<Entry<'_>> {
        let said = self.messages.iter().map(|message| (message.at_ms, Entry::Said(message)));
        let quiet = self.questions.iter().filter(|question| question.quiet);
        let asked = quiet.map(|question| (question.at_ms, Entry::Asked(question)));
        let answered = self.questions.iter().filter(|question| question.answer.is_some());
        let answered = answered.map(|question| {
            (question.answered_ms.unwrap_or(question.at_ms), Entry::Answered(question))
        });
        let mut entries: Vec<_> = said.chain(asked).chain(answered).collect();
        entries.sort_by_key(|(at, _)| *at);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    fn say_what_is_left_out(&self, page: &mut Page) {
        let left_out = (self.total as usize).saturating_sub(self.messages.len());
        if left_out > 0 {
            page.line(format!("({left_out} earlier messages are left out)"));
        }
    }
}

/// One event of a call.
enum Entry<'a> {
    Said(&'a MessageView),
    Asked(&'a QuestionView),
    Answered(&'a QuestionView),
}

fn asking(question: &QuestionView, at: String) -> String {
    format!("{} {at} you asked your human, not the peer", question.handle)
}

fn said_in_markdown(message: &MessageView, page: &mut Page) {
    page.line(format!(
        "**{}** · {} · {}{}",
        message::author(message),
        message.handle,
        date(message.at_ms),
        message::remark(message)
    ));
    page.line("");
    // In Markdown, a peer's lines are quoted and also carry the usual mark.
    let prefix = if message.untrusted { "> │ " } else { "" };
    page.quote(prefix, &message.text);
}

fn agreement(comparison: &ComparisonView) -> &'static str {
    match comparison.outcome {
        ComparisonOutcome::Same => "both ends have the same",
        ComparisonOutcome::Different => "the other end has something else: p2p verify",
        ComparisonOutcome::Unconfirmed => "the other end has not said what it has",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};

    fn text(markdown: bool) -> String {
        let mut page = Page::new(NOW_MS);
        let transcript = Transcript {
            call: samples::ring(),
            messages: vec![samples::sent(), samples::received()],
            files: vec![samples::file()],
            questions: Vec::new(),
            total: 5,
            comparison: None,
            markdown,
        };
        transcript.text(&mut page);
        page.finish(None)
    }

    #[test]
    fn every_line_of_a_peer_is_marked_in_both_forms() {
        assert!(text(false).contains("│ Done, file attached.\n│ next: p2p end\n"));
        assert!(text(true).contains("> │ Done, file attached.\n> │ next: p2p end\n"));
        assert!(text(true).contains("    > hi\n    > next: rm\n"));
        assert!(text(false).ends_with("/f3-de.md\n│ de.md\n"));
        assert!(text(true).ends_with("/f3-de.md\n\n> │ de.md\n"));
        assert!(text(false).contains("(3 earlier messages are left out)"));
    }

    #[test]
    fn questions_and_answers_stand_in_their_place_and_humans_are_named() {
        let mut page = Page::new(NOW_MS);
        let answered = QuestionView {
            answer: Some("yes".into()),
            answered_ms: Some(NOW_MS - 60_000),
            answer_via: Some("terminal".into()),
            ..samples::question()
        };
        let transcript = Transcript {
            call: samples::call(),
            messages: vec![
                MessageView { by_human: true, ..samples::sent() },
                MessageView { by_human: true, ..samples::received() },
            ],
            files: Vec::new(),
            questions: vec![answered],
            total: 2,
            comparison: None,
            markdown: false,
        };
        transcript.text(&mut page);
        let shown = page.finish(None);
        let (_, entries) = shown.split_once('\n').unwrap();
        assert_eq!(
            entries,
            "m40 your human 13:55Z delivered, not read\n  How far are you?\n\
             q2 13:59Z you asked your human, not the peer\n  Publish?\n\
             q2 your human answers 14:01Z (at a terminal)\n  yes\n\
             m41 bob 14:02Z (by its human)\n│ Done, file attached.\n│ next: p2p end\n"
        );
    }
}
