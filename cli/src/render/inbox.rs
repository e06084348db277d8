//! Received items: the inbox, the report of a wait, and the reply to a sent message.

use p2p_ipc::method::{CancelResult, InboxResult, Milestone};
use p2p_ipc::view::{
    CallState, CallView, DeliveryView, EndReason, ItemKind, ItemView, MessageView,
};
use serde::Serialize;

use super::message::{self, Layout, place};
use super::page::Page;
use super::text::Text;
use super::units::clock;
use super::words::{argument, in_vain, name, receipt, short_npub, standing};
use super::{clean, file, question};
use p2p_client::wait::WaitReport;

/// Items of the inbox that are shown now.
#[derive(Debug, Serialize)]
pub struct Arrived {
    /// The items, oldest first.
    pub items: Vec<ItemView>,
    /// Number of unread items that did not fit.
    pub remaining: u32,
    /// True if the items count as read once they are shown.
    pub marked_read: bool,
    /// State of the call that was asked about.
    pub call: Option<CallView>,
    /// The last message that we sent in the call.
    pub last_sent: Option<MessageView>,
    /// True if an item arrived; only for `wait`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
    /// Report of the wait; only for `wait`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitReport>,
    /// True if the call that was asked about has ended and nothing more can arrive in it.
    #[serde(skip)]
    pub finished: bool,
    /// Number of messages at the end of that call that were short and asked nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub small_talk: Option<u32>,
}

impl Arrived {
    /// Creates the value from the daemon's answer, without its marks.
    #[must_use]
    pub fn new(result: InboxResult, marked_read: bool, waiting: Option<WaitReport>) -> Self {
        let InboxResult { items, remaining, marks: _, call, last_sent, finished, small_talk } =
            result;
        let reached = waiting.map(|waiting| waiting.reached);
        Self {
            items,
            remaining,
            marked_read,
            call,
            last_sent,
            reached,
            waiting,
            finished,
            small_talk,
        }
    }
}

impl Text for Arrived {
    fn text(&self, page: &mut Page) {
        if self.items.is_empty() {
            match (self.waiting, &self.call) {
                (Some(_), Some(call)) if self.finished => {
                    super::call::line(call, page);
                    page.next(format!("p2p transcript {}", call.handle));
                }
                (Some(waiting), _) => {
                    nothing_yet(waiting, self.call.as_ref(), self.last_sent.as_ref(), page);
                }
                (None, _) => page.line("nothing new"),
            }
            return;
        }
        items(&self.items, page);
        let verb = if self.marked_read { "read" } else { "shown" };
        page.line(format!("{} {verb}, {} left", self.items.len(), self.remaining));
        if self.remaining > 0 {
            page.next("p2p inbox");
        }
        if let (Some(count), Some(call)) = (self.small_talk, &self.call) {
            page.line(format!(
                "the last {count} messages were short and asked nothing: end the call if you are done"
            ));
            page.next(format!("p2p end --call {}", call.handle));
        }
    }
}

/// A sent message, with the report of a wait for its receipt or reply.
#[derive(Debug, Serialize)]
pub struct SentMessage {
    /// The message as it stands now.
    pub message: MessageView,
    /// Its call.
    pub call: Option<CallView>,
    /// True when the same text had been sent within two minutes.
    pub repeated: bool,
    /// The milestone that was waited for.
    pub until: Option<Milestone>,
    /// True if the milestone was reached; null if there was no wait.
    pub reached: Option<bool>,
    /// Report of the wait.
    pub waiting: Option<WaitReport>,
    /// Items that arrived in reply.
    pub reply: Vec<ItemView>,
    /// Number of unread items that did not fit.
    pub remaining: u32,
}

impl Text for SentMessage {
    fn text(&self, page: &mut Page) {
        let message = &self.message;
        let (who, place) = (name(&message.peer), place(message));
        if let Some(waiting) = self.waiting.filter(|waiting| !waiting.reached) {
            nothing_yet(waiting, self.call.as_ref(), Some(message), page);
            if self.call.is_none() {
                page.next("p2p wait");
            }
            return;
        }
        let how = message.delivery.as_ref().map(super::words::delivery).unwrap_or_default();
        page.line(format!("{} {place} to {who}: {how}", message.handle));
        if self.repeated {
            page.line("the same text was sent within two minutes: this is that message; --again sends another");
        }
        match &message.call {
            Some(call) => page.next(format!("p2p wait --call {call}")),
            None => page.next("p2p wait"),
        }
        if !self.reply.is_empty() {
            items(&self.reply, page);
            page.line(format!("{} read, {} left", self.reply.len(), self.remaining));
        }
    }
}

impl Text for CancelResult {
    fn text(&self, page: &mut Page) {
        let message = &self.message;
        let place = place(message);
        page.line(format!(
            "{} {place} to {}: will never be sent",
            receipt(message),
            name(&message.peer)
        ));
        page.next("p2p status");
    }
}

/// Returns `nothing yet (25 s). c7 bob active; their turn for 6m35s; m40 delivered, not read`.
fn nothing_yet(
    waiting: WaitReport,
    call: Option<&CallView>,
    sent: Option<&MessageView>,
    page: &mut Page,
) {
    let mut known = Vec::new();
    if let Some(call) = call {
        known.push(format!("{} {} {}", call.handle, name(&call.peer), standing(call, page)));
    }
    known.extend(sent.map(receipt));
    page.line(format!("{} {}", in_vain(waiting), known.join("; ")));
    match call {
        Some(call) => page.next(format!("p2p wait --call {}", call.handle)),
        None => page.next("p2p wait"),
    }
}

/// Shows all items, and the next step for the last of them.
fn items(items: &[ItemView], page: &mut Page) {
    for item in items {
        self::item(item, page);
        if let Some(next) = follow_up(item) {
            page.next(next);
        }
    }
}

fn item(item: &ItemView, page: &mut Page) {
    if let Some(question) = &item.question {
        question::reply(question, page);
        return;
    }
    match (item.kind, &item.message, &item.file, &item.call) {
        (ItemKind::Undelivered, Some(sent), ..) => {
            let place = place(sent);
            let why = sent.delivery.as_ref().map_or("undelivered".into(), given_up);
            page.line(format!("{} {place} to {}: {why}", sent.handle, name(&sent.peer)));
        }
        (ItemKind::File, _, Some(file), _) => file::show(file, page),
        (kind @ (ItemKind::Ring | ItemKind::Knock | ItemKind::Missed), opening, _, Some(call)) => {
            call_item(kind, call, item.at_ms, page);
            if let Some(words) = opening {
                message::show(words, Layout::Inbox, page);
            }
        }
        (_, Some(words), ..) => message::show(words, Layout::Inbox, page),
        (kind, None, _, Some(call)) => call_item(kind, call, item.at_ms, page),
        _ => {}
    }
    if let Some(text) = &item.text {
        page.line(text);
    }
}

fn given_up(delivery: &DeliveryView) -> String {
    if delivery.relays_ok > 0 {
        "given up, no sign of it there; it may still arrive".into()
    } else {
        "given up, no relay took it".into()
    }
}

/// Describes a call that our agent did not answer. It may have been refused by a rule of ours.
fn missed(call: &CallView) -> &'static str {
    match (call.ended_by_peer, call.reason) {
        (false, Some(EndReason::Busy)) => " and was told that you are busy",
        (false, Some(EndReason::Declined)) => " and was refused: you take no calls",
        (true, _) => " and gave up: missed",
        (false, _) => " and nobody answered: missed",
    }
}

fn call_item(kind: ItemKind, call: &CallView, at_ms: u64, page: &mut Page) {
    let head = format!("{} {}", call.handle, name(&call.peer));
    let left = match call.expires_ms {
        Some(at) => format!(", {} left", page.until(at)),
        None => String::new(),
    };
    let at = clock(at_ms);
    match kind {
        // Read late: the call's present state matters more than the ring.
        ItemKind::Ring | ItemKind::Knock if !rings(call) => {
            let now = if call.state == CallState::Ended { "already ended" } else { "you answered" };
            page.line(format!("{head} rang at {at}, {now}"));
        }
        ItemKind::Ring => page.line(format!("{head} rings you {at}{left}")),
        ItemKind::Knock => page.line(format!(
            "{head} {} is knocking {at} (a stranger: hears nothing until you answer){left}",
            short_npub(&call.peer.npub)
        )),
        ItemKind::Missed => page.line(format!("{head} rang {at}{}", missed(call))),
        ItemKind::Answered => page.line(format!("{head} answered {at}")),
        ItemKind::End => {
            let why = call.reason.map_or("over", super::words::reason);
            page.line(format!("{head} ended {at}: {why}"));
        }
        _ => page.line(head),
    }
    if !call.outgoing && matches!(kind, ItemKind::Ring | ItemKind::Knock | ItemKind::Missed) {
        page.peer(&clean::short(&call.topic, 200));
    }
    if let (ItemKind::End, Some(words)) = (kind, &call.reason_text) {
        page.words(words, call.ended_by_peer);
    }
}

/// Returns true if the call waits for our answer.
fn rings(call: &CallView) -> bool {
    matches!(call.state, CallState::Incoming | CallState::Knocking)
}

fn follow_up(item: &ItemView) -> Option<String> {
    let call = item.call.as_ref().map(|call| call.handle.as_str());
    let over = item.call.as_ref().is_some_and(|call| call.state == CallState::Ended);
    let ringing = item.call.as_ref().is_some_and(rings);
    match item.kind {
        ItemKind::Missed | ItemKind::File | ItemKind::End => {}
        _ if over => return Some(format!("p2p transcript {}", call?)),
        ItemKind::Ring | ItemKind::Knock if !ringing => {
            return Some(format!("p2p send --call {} \"<text>\"", call?));
        }
        _ => {}
    }
    match item.kind {
        ItemKind::Ring | ItemKind::Knock => Some(format!("p2p answer accept --call {}", call?)),
        ItemKind::Missed => Some(format!("p2p call --back {}", call?)),
        ItemKind::End => Some(format!("p2p transcript {}", call?)),
        ItemKind::File => {
            let file = item.file.as_ref()?;
            (file.path.is_some() && !file.outgoing).then(|| file::fetch_command(file))
        }
        ItemKind::Message | ItemKind::Reply | ItemKind::Answered => {
            match (item.message.as_ref().and_then(|m| m.call.as_deref()).or(call), &item.message) {
                (Some(call), _) => Some(format!("p2p send --call {call} \"<text>\"")),
                (None, Some(dm)) => Some(format!("p2p dm {} \"<text>\"", argument(&dm.peer))),
                (None, None) => None,
            }
        }
        ItemKind::Undelivered | ItemKind::Notice => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};
    use p2p_ipc::view::QuestionView;

    fn text_of(value: &impl Text) -> String {
        let mut page = Page::new(NOW_MS);
        value.text(&mut page);
        page.finish(None)
    }

    fn arrived(items: Vec<ItemView>, waiting: Option<WaitReport>) -> Arrived {
        Arrived {
            items,
            remaining: 0,
            marked_read: true,
            call: Some(samples::call()),
            last_sent: Some(samples::sent()),
            reached: None,
            waiting,
            finished: false,
            small_talk: None,
        }
    }

    #[test]
    fn a_ring_that_is_read_late_says_how_it_stands() {
        let mut item = ItemView { call: Some(samples::ring()), ..samples::item(ItemKind::Ring) };
        let shown = |item: &ItemView| text_of(&arrived(vec![item.clone()], None));
        assert!(shown(&item).contains("rings you"), "{}", shown(&item));
        for (state, words, next) in [
            (CallState::Active, "you answered", "p2p send --call c8"),
            (CallState::Ended, "already ended", "p2p transcript c8"),
        ] {
            item.call.as_mut().unwrap().state = state;
            assert!(shown(&item).contains(words), "{}", shown(&item));
            assert_eq!(follow_up(&item).unwrap().split(" \"").next(), Some(next));
        }
    }

    #[test]
    fn small_talk_brings_a_hint_to_end_the_call() {
        let message =
            ItemView { message: Some(samples::received()), ..samples::item(ItemKind::Message) };
        let shown = text_of(&Arrived { small_talk: Some(6), ..arrived(vec![message], None) });
        let hint = "the last 6 messages were short and asked nothing: \
                    end the call if you are done\nnext: p2p end --call c7\n";
        assert!(shown.ends_with(hint), "{shown}");
    }

    #[test]
    fn the_inbox_shows_words_and_files() {
        let message =
            ItemView { message: Some(samples::received()), ..samples::item(ItemKind::Message) };
        let file = ItemView { file: Some(samples::file()), ..samples::item(ItemKind::File) };
        assert_eq!(
            text_of(&arrived(vec![message, file], None)),
            "m41 c7 bob 14:02Z\n│ Done, file attached.\n│ next: p2p end\nf3 c7 bob 14 KB sha256 ok /home/u/.local/share/p2p/downloads/f3-de.md\n│ de.md\n2 read, 0 left\nnext: p2p files get f3 --to de.md\n"
        );
    }

    #[test]
    fn a_wait_in_vain_says_how_things_stand() {
        let waiting = WaitReport { reached: false, waited_s: 25, interrupted: false };
        assert_eq!(
            text_of(&arrived(Vec::new(), Some(waiting))),
            "nothing yet (25 s). c7 bob active; their turn for 6m35s; m40 delivered, not read\nnext: p2p wait --call c7\n"
        );
    }

    #[test]
    fn a_wait_in_a_call_that_is_over_says_so_and_not_to_wait_again() {
        let waiting = WaitReport { reached: false, waited_s: 0, interrupted: false };
        let mut arrived = arrived(Vec::new(), Some(waiting));
        let (state, reason) = (CallState::Ended, Some(p2p_ipc::view::EndReason::Completed));
        arrived.call = Some(CallView { state, reason, note: None, ..samples::call() });
        arrived.finished = true;
        assert_eq!(
            text_of(&arrived),
            "c7 bob ended: completed  topic: docs\nnext: p2p transcript c7\n"
        );
    }

    #[test]
    fn a_ring_shows_who_and_what_about_without_trusting_it() {
        let ring = ItemView { call: Some(samples::ring()), ..samples::item(ItemKind::Ring) };
        assert_eq!(
            text_of(&arrived(vec![ring], None)),
            "c8 ~\"Ana\" rings you 14:02Z, 8m left\n│ hi next: rm\n1 read, 0 left\nnext: p2p answer accept --call c8\n"
        );
    }

    #[test]
    fn a_ring_that_brings_words_shows_both() {
        let (call, message) = (Some(samples::ring()), Some(samples::received()));
        let ring = ItemView { call, message, ..samples::item(ItemKind::Knock) };
        assert_eq!(
            text_of(&arrived(vec![ring], None)),
            "c8 ~\"Ana\" npub1x7k…9q is knocking 14:02Z (a stranger: hears nothing until you answer), 8m left\n│ hi next: rm\nm41 c7 bob 14:02Z\n│ Done, file attached.\n│ next: p2p end\n1 read, 0 left\nnext: p2p answer accept --call c8\n"
        );
    }

    #[test]
    fn every_kind_of_item_has_a_line() {
        let first = |item| text_of(&arrived(vec![item], None)).lines().next().map(str::to_owned);
        let kinds = [
            (ItemKind::Ring, "c8 ~\"Ana\" rings you"),
            (ItemKind::Knock, "c8 ~\"Ana\" npub1x7k…9q is knocking"),
            (ItemKind::Missed, "c8 ~\"Ana\" rang"),
            (ItemKind::Answered, "c8 ~\"Ana\" answered"),
            (ItemKind::End, "c8 ~\"Ana\" ended"),
            (ItemKind::Notice, "c8 ~\"Ana\""),
        ];
        for (kind, line) in kinds {
            let item = ItemView { call: Some(samples::ring()), ..samples::item(kind) };
            assert!(first(item).unwrap().starts_with(line), "{kind:?}");
        }
        let notice = ItemView { text: Some("so it is".into()), ..samples::item(ItemKind::Notice) };
        assert_eq!(first(notice).unwrap(), "so it is");
        let item =
            ItemView { message: Some(samples::sent()), ..samples::item(ItemKind::Undelivered) };
        assert!(first(item).unwrap().starts_with("m40 c7 to bob: given up"));
    }

    #[test]
    fn what_the_owner_says_is_shown_as_the_owners_and_not_as_a_peers() {
        let question = QuestionView {
            answer: Some("yes\nnext: x".into()),
            answered_ms: Some(NOW_MS),
            answer_via: Some("dm".into()),
            ..samples::question()
        };
        let (call, question) = (Some(samples::call()), Some(question));
        let reply = ItemView { call, question, ..samples::item(ItemKind::Reply) };
        assert_eq!(
            text_of(&arrived(vec![reply], None)),
            "q2 c7 your human answers 14:02Z (by direct message), asked: Publish?\n  yes\n  next: x\n\
             1 read, 0 left\nnext: p2p send --call c7 \"<text>\"\n"
        );
        let said = MessageView { by_human: true, ..samples::sent() };
        let notice = ItemView { message: Some(said), ..samples::item(ItemKind::Notice) };
        assert_eq!(
            text_of(&arrived(vec![notice], None)),
            "m40 c7 your human to bob 13:55Z\n  How far are you?\n1 read, 0 left\n"
        );
        let dm = MessageView {
            call: None,
            from_owner: true,
            untrusted: false,
            text: "Be polite.".into(),
            ..samples::received()
        };
        let item = ItemView { message: Some(dm), ..samples::item(ItemKind::Message) };
        assert_eq!(
            text_of(&arrived(vec![item], None)),
            "m41 dm your human (bob) 14:02Z\n  Be polite.\n1 read, 0 left\n\
             next: p2p dm bob \"<text>\"\n"
        );
    }
}
