//! The one renderer of messages: for the inbox, a call's messages, and one message in full.

use p2p_ipc::view::{DiagnosisView, MessageKind, MessageView, RelayReceiptView, WaitsForView};

use super::clean;
use super::page::Page;
use super::text::Text;
use super::units::{clock, date};
use super::words::{delivery, host, name, short_npub};

/// Place where a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Among other items: names the call, and the receiver of what our human wrote.
    Inbox,
    /// Among the messages of one call: shows receipts.
    Call,
}

/// Shows a message with its heading: `m41 c7 bob 14:02Z` in the inbox, `m41 bob 14:02Z` in a call.
pub fn show(message: &MessageView, layout: Layout, page: &mut Page) {
    let (place, author, receipt) = match layout {
        Layout::Inbox => (format!("{} ", place(message)), correspondent(message), String::new()),
        Layout::Call => {
            let receipt = message.delivery.as_ref().map(|known| format!(" {}", delivery(known)));
            (String::new(), author(message), receipt.unwrap_or_default())
        }
    };
    let (handle, at) = (&message.handle, clock(message.at_ms));
    page.line(format!("{handle} {place}{author} {at}{}{receipt}", remark(message)));
    page.words(&message.text, message.untrusted);
    if message.truncated {
        page.line(format!("(cut: p2p read {handle} shows all of it)"));
    }
}

/// Returns the conversation of a message: `c7`, or `dm`.
#[must_use]
pub fn place(message: &MessageView) -> &str {
    message.call.as_deref().unwrap_or("dm")
}

/// Returns the writer and, for what our human wrote, the receiver. The inbox shows no message of
/// the agent's own.
fn correspondent(message: &MessageView) -> String {
    match (message.outgoing, message.from_owner) {
        (true, _) => format!("your human to {}", name(&message.peer)),
        (false, true) => format!("your human ({})", name(&message.peer)),
        (false, false) => name(&message.peer),
    }
}

/// Returns a remark about a message that is not plain text of an agent.
#[must_use]
pub fn remark(message: &MessageView) -> &'static str {
    match (message.kind, message.by_human && !message.outgoing) {
        (MessageKind::Text, false) => "",
        (MessageKind::Text, true) => " (by its human)",
        (MessageKind::Escalation, _) => " (a question to its human)",
        (MessageKind::File, _) => " (file)",
        (MessageKind::Unsupported, _) => " (a type that this version does not know)",
    }
}

/// Returns the writer of a message.
#[must_use]
pub fn author(message: &MessageView) -> String {
    match message {
        MessageView { outgoing: true, by_human: true, .. }
        | MessageView { from_owner: true, .. } => "your human".into(),
        MessageView { outgoing: true, .. } => "you".into(),
        _ => name(&message.peer),
    }
}

impl Text for MessageView {
    fn text(&self, page: &mut Page) {
        let place = place(self);
        let key = short_npub(&self.peer.npub);
        page.line(format!("{place} with {} {key}, {}", name(&self.peer), date(self.at_ms)));
        show(self, Layout::Call, page);
        for RelayReceiptView { url, cause, .. } in self.delivery.iter().flat_map(|d| &d.receipts) {
            page.line(match cause {
                None => format!("{} accepted the message", host(url)),
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
