//! The messages of a call: as text, as Markdown.

use p2p_ipc::method::TranscriptResult;
use p2p_ipc::view::{
    CallView, ComparisonOutcome, ComparisonView, DiagnosisView, FileView, MessageKind, MessageView,
    QuestionView, RelayReceiptView, WaitsForView,
};
use serde::Serialize;

use super::status::host;
use super::words::{clock, date, delivery, name, reason, short_npub};
use super::{Page, Text, clean, question};

/// A whole call, or the tail of it.
#[derive(Debug, Serialize)]
pub struct Transcript {
    /// The call.
    pub call: CallView,
    /// Oldest first, in full.
    pub messages: Vec<MessageView>,
    /// The files of the call.
    pub files: Vec<FileView>,
    /// What the owner was asked meanwhile, oldest first.
    pub questions: Vec<QuestionView>,
    /// How many messages there are in whole.
    pub total: u32,
    /// What both ends have of it, once it is over.
    pub comparison: Option<ComparisonView>,
    /// Whether the text form is Markdown.
    #[serde(skip)]
    pub markdown: bool,
}

impl Transcript {
    /// The first page; the following ones are added to it.
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
                Entry::Said(message) => self::message(message, page),
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

    /// What was said and asked, in the order of time. A question that went to the peer too stands
    /// among the messages already.
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

/// One thing that happened in a call.
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
        author(message),
        message.handle,
        date(message.at_ms),
        remark(message)
    ));
    page.line("");
    // A peer's lines are a quotation in Markdown too, and marked as everywhere.
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

/// One message with its heading: `m41 bob 14:02Z`.
pub fn message(message: &MessageView, page: &mut Page) {
    let receipt = match &message.delivery {
        Some(known) => format!(" {}", delivery(known)),
        None => String::new(),
    };
    page.line(format!(
        "{} {} {}{}{receipt}",
        message.handle,
        author(message),
        clock(message.at_ms),
        remark(message)
    ));
    body(message, page);
}

/// The words of a message, and how to see the rest.
pub fn body(message: &MessageView, page: &mut Page) {
    page.words(&message.text, message.untrusted);
    if message.truncated {
        page.line(format!("(cut: p2p read {} shows it all)", message.handle));
    }
}

/// What a message is, where it is not plain words of an agent.
#[must_use]
pub fn remark(message: &MessageView) -> &'static str {
    match (message.kind, message.by_human && !message.outgoing) {
        (MessageKind::Text, false) => "",
        (MessageKind::Text, true) => " (by its human)",
        (MessageKind::Escalation, _) => " (a question to its human)",
        (MessageKind::File, _) => " (file)",
        (MessageKind::Unsupported, _) => " (of a kind that this version does not know)",
    }
}

fn author(message: &MessageView) -> String {
    match message {
        MessageView { outgoing: true, by_human: true, .. }
        | MessageView { from_owner: true, .. } => "your human".into(),
        MessageView { outgoing: true, .. } => "you".into(),
        _ => name(&message.peer),
    }
}

impl Text for MessageView {
    fn text(&self, page: &mut Page) {
        let place = match &self.call {
            Some(call) => call.clone(),
            None => "dm".into(),
        };
        let key = short_npub(&self.peer.npub);
        page.line(format!("{place} with {} {key}, {}", name(&self.peer), date(self.at_ms)));
        message(self, page);
        for RelayReceiptView { url, cause, .. } in self.delivery.iter().flat_map(|d| &d.receipts) {
            page.line(match cause {
                None => format!("{} took it", host(url)),
                Some(cause) if url == "*" => {
                    format!("not given to a relay: {}", clean::short(cause, 100))
                }
                Some(cause) => format!("{} refused: {}", host(url), clean::short(cause, 100)),
            });
        }
        if let Some(diagnosis) = self.delivery.as_ref().and_then(|known| known.diagnosis.as_ref()) {
            outlook(diagnosis, self, page);
        }
        if let (Some(call), false) = (&self.call, self.outgoing) {
            page.next(format!("p2p send --call {} \"<text>\"", clean::inline(call)));
        }
    }
}

/// Shows what a message waits for, when it is sent again, and when its receiver was last seen.
fn outlook(diagnosis: &DiagnosisView, message: &MessageView, page: &mut Page) {
    let peer = name(&message.peer);
    if let Some(problem) = &diagnosis.problem {
        page.line(format!("given up: {}", clean::short(problem, 200)));
    }
    let event = match diagnosis.waits_for {
        Some(WaitsForView::Answer) => Some(format!("{peer} to answer the call")),
        Some(WaitsForView::Relay) => Some("a relay to accept it".into()),
        Some(WaitsForView::Acknowledgement) => {
            let note =
                if message.call.is_none() { ", which it does for its contacts only" } else { "" };
            Some(format!("{peer}'s daemon to acknowledge it{note}"))
        }
        None => None,
    };
    if let Some(event) = event {
        page.line(format!("waits for {event}"));
    }
    if let Some(at) = diagnosis.next_attempt_ms {
        let attempts = diagnosis.attempts;
        page.line(format!("next attempt in {}; {attempts} so far", page.until(at)));
    }
    page.line(match diagnosis.peer_seen_ms {
        Some(at) => format!("{peer} was last seen {} ago", page.since(at)),
        None => format!("{peer} was not seen since the daemon started"),
    });
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
