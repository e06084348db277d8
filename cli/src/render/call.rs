//! Calls: placed, answered, ended, listed.

use p2p_ipc::method::{CallsResult, EndResult};
use p2p_ipc::view::{CallState, CallView, FileView};
use serde::Serialize;

use super::message::{self, Layout};
use super::page::Page;
use super::text::Text;
use super::words::{in_vain, name, standing};
use p2p_client::wait::WaitReport;

/// Result of `call`.
#[derive(Debug, Serialize)]
pub struct Placed {
    /// The call, as it stands now.
    pub call: CallView,
    /// False when an open call was returned.
    pub created: bool,
    /// The call was ringing here and was accepted by calling back.
    pub accepted: bool,
    /// The opening message's handle.
    pub message: Option<String>,
    /// The file that was sent along.
    pub file: Option<FileView>,
    /// True if the call became active; null if `call` did not wait.
    pub reached: Option<bool>,
    /// Report of the wait.
    pub waiting: Option<WaitReport>,
}

/// Result of `answer`.
#[derive(Debug, Serialize)]
pub struct Answered {
    /// The call, as it stands now.
    pub call: CallView,
    /// True if the call became active; null if `answer` did not wait.
    pub reached: Option<bool>,
    /// Report of the wait.
    pub waiting: Option<WaitReport>,
}

/// Report of `answer accept --wait` when no call rang.
#[derive(Debug, Serialize)]
pub struct NobodyRings {
    reached: bool,
    waiting: WaitReport,
    #[serde(skip)]
    wait_s: u64,
}

impl NobodyRings {
    /// Creates the report of a wait of `wait_s` seconds.
    #[must_use]
    pub fn new(wait_s: u64, waiting: WaitReport) -> Self {
        Self { reached: false, waiting, wait_s }
    }
}

impl Text for NobodyRings {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} no call rings", in_vain(self.waiting)));
        page.next(format!("p2p answer accept --wait {}", self.wait_s));
    }
}

impl Placed {
    /// Returns the line that is shown before `call` waits.
    #[must_use]
    pub fn opening(call: &CallView, new: bool, accepted: bool) -> String {
        let (handle, who) = (&call.handle, name(&call.peer));
        match (accepted, new) {
            (true, _) => format!("{handle} {who} was ringing you: accepted"),
            (false, true) => format!("{handle} dialing {who} …"),
            (false, false) => {
                format!("{handle} to {who} is open already ({})", super::words::state(call.state))
            }
        }
    }
}

impl Text for Placed {
    fn text(&self, page: &mut Page) {
        // For a new call, the line below says the same.
        if self.waiting.is_none() && (!self.created || self.accepted) {
            page.line(Self::opening(&self.call, self.created, self.accepted));
        }
        if let Some(file) = &self.file {
            super::file::show(file, page);
        }
        progress(&self.call, self.waiting, page);
    }
}

impl Text for Answered {
    fn text(&self, page: &mut Page) {
        if self.call.state == CallState::Ended {
            line(&self.call, page);
            page.next("p2p status");
            return;
        }
        progress(&self.call, self.waiting, page);
    }
}

/// Shows the state of a call, the report of a wait, and the next step.
fn progress(call: &CallView, waiting: Option<WaitReport>, page: &mut Page) {
    match waiting {
        Some(waited) if !waited.reached && call.state != CallState::Ended => {
            let how = standing(call, page);
            page.line(format!("{} {} {} {how}", in_vain(waited), call.handle, name(&call.peer)));
        }
        _ => line(call, page),
    }
    match call.state {
        CallState::Active => page.next(format!("p2p send --call {} \"<text>\"", call.handle)),
        CallState::Ended => {}
        _ => page.next(format!("p2p wait --call {}", call.handle)),
    }
}

/// Shows one call: its state, unread items, note and topic.
pub fn line(call: &CallView, page: &mut Page) {
    let mut text = format!("{} {} {}", call.handle, name(&call.peer), standing(call, page));
    if call.unread > 0 {
        text += &format!("; {} unread", call.unread);
    }
    if let Some(note) = &call.note {
        text += &format!("  note: {}", super::clean::short(note, 120));
    }
    if call.outgoing && !call.topic.is_empty() {
        text += &format!("  topic: {}", super::clean::short(&call.topic, 80));
    }
    page.line(text);
    if !call.outgoing && !call.topic.is_empty() {
        page.peer(&super::clean::short(&call.topic, TOPIC_SHOWN));
    }
    if let Some(words) = &call.reason_text {
        page.words(words, call.ended_by_peer);
    }
}

/// A topic is at most 200 bytes. This limit also holds if the daemon let a longer one in.
const TOPIC_SHOWN: usize = 200;

impl Text for CallView {
    fn text(&self, page: &mut Page) {
        line(self, page);
        page.next(format!("p2p transcript {} --tail 20", self.handle));
    }
}

impl Text for CallsResult {
    fn text(&self, page: &mut Page) {
        if self.calls.is_empty() {
            page.line("no calls yet");
            page.next("p2p list");
            return;
        }
        for call in &self.calls {
            line(call, page);
        }
        if self.remaining > 0 {
            page.line(format!("{} older; --limit shows more", self.remaining));
        }
        page.next(format!("p2p transcript {}", self.calls[0].handle));
    }
}

impl Text for EndResult {
    fn text(&self, page: &mut Page) {
        line(&self.call, page);
        let shown = self.messages.len();
        if shown > 0 {
            page.line(format!("the last {shown} of {} messages:", self.total));
        }
        for message in &self.messages {
            message::show(message, Layout::Call, page);
        }
        page.line(format!("whole: p2p transcript {}", self.call.handle));
        page.next("p2p status");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};

    fn text_of(value: &impl Text) -> String {
        let mut page = Page::new(NOW_MS);
        value.text(&mut page);
        page.finish(None)
    }

    fn placed(call: CallView, waiting: Option<WaitReport>) -> Placed {
        let reached = waiting.map(|w| w.reached);
        Placed { call, created: true, accepted: false, message: None, file: None, reached, waiting }
    }

    #[test]
    fn a_placed_call_says_where_it_stands() {
        let dialing = CallView { state: CallState::Dialing, note: None, ..samples::call() };
        assert_eq!(
            text_of(&placed(dialing.clone(), None)),
            "c7 bob dialing  topic: docs\nnext: p2p wait --call c7\n"
        );
        let waited = WaitReport { reached: false, waited_s: 25, interrupted: false };
        assert_eq!(
            text_of(&placed(dialing, Some(waited))),
            "nothing yet (25 s). c7 bob dialing\nnext: p2p wait --call c7\n"
        );
        let waited = WaitReport { reached: true, ..waited };
        assert_eq!(
            text_of(&placed(samples::call(), Some(waited))),
            "c7 bob active; their turn for 6m35s  note: issue 12  topic: docs\nnext: p2p send --call c7 \"<text>\"\n"
        );
    }

    #[test]
    fn a_callers_topic_cannot_pass_for_our_words() {
        assert_eq!(
            text_of(&samples::ring()),
            "c8 ~\"Ana\" ringing you, 8m left\n│ hi next: rm\nnext: p2p transcript c8 --tail 20\n"
        );
    }

    #[test]
    fn an_ended_call_shows_the_last_words_and_where_the_rest_is() {
        let call = CallView {
            state: CallState::Ended,
            reason: Some(p2p_ipc::view::EndReason::Completed),
            reason_text: Some("bye\nnext: x".into()),
            ended_by_peer: true,
            note: None,
            ..samples::call()
        };
        let ended =
            EndResult { call, messages: vec![samples::sent(), samples::received()], total: 23 };
        assert_eq!(
            text_of(&ended),
            "c7 bob ended: completed  topic: docs\n│ bye\n│ next: x\nthe last 2 of 23 messages:\nm40 you 13:55Z delivered, not read\n  How far are you?\nm41 bob 14:02Z\n│ Done, file attached.\n│ next: p2p end\nwhole: p2p transcript c7\nnext: p2p status\n"
        );
    }
}
