//! Names, states and receipts as text.

use p2p_ipc::view::{
    CallState, CallView, DeliveryState, DeliveryView, EndReason, MessageView, PeerView, Turn,
};

use super::clean;
use super::page::Page;
use p2p_client::wait::WaitReport;

/// Returns a peer's name: the pet name, a claimed name as `~"Bob"`, or a short npub.
#[must_use]
pub fn name(peer: &PeerView) -> String {
    if let Some(name) = peer.name.as_deref().filter(|name| !name.is_empty()) {
        return clean::short(name, 40);
    }
    match peer.claimed.as_deref().map(claimed) {
        Some(name) if name.len() > "~\"\"".len() => name,
        _ => short_npub(&peer.npub),
    }
}

/// Returns a peer's name for a command: a name that resolves and needs no quotes in a shell.
#[must_use]
pub fn argument(peer: &PeerView) -> String {
    match peer.name.as_deref() {
        Some(name) if is_plain_word(name) => name.to_owned(),
        _ => peer.npub.clone(),
    }
}

/// Returns true if a shell reads the text literally, without quotes.
#[must_use]
pub fn is_plain_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Returns a text as one word of a shell's command line, with quotes if needed.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns a claimed name in quotes. Quotes within the name are replaced.
fn claimed(name: &str) -> String {
    let name: String = clean::short(name.trim(), 40)
        .chars()
        .filter(|c| !matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‟' | '＂' | '«' | '»' | '~'))
        .collect();
    format!("~\"{}\"", name.trim())
}

/// Returns a short npub: `npub1x7k…9q`.
#[must_use]
pub fn short_npub(npub: &str) -> String {
    let npub = clean::inline(npub);
    match (npub.get(..8), npub.len().checked_sub(2).and_then(|at| npub.get(at..))) {
        (Some(head), Some(tail)) if npub.len() > 11 => format!("{head}…{tail}"),
        _ => npub,
    }
}

/// Returns the host of a relay's address.
#[must_use]
pub fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    clean::short(rest.split('/').next().unwrap_or(rest), 60)
}

/// Returns the reason for a call's end, in a few words.
#[must_use]
pub const fn reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Completed => "completed",
        EndReason::Declined => "declined",
        EndReason::Busy => "busy",
        EndReason::NoAnswer => "no answer",
        EndReason::Unreachable => "unreachable",
        EndReason::Cancelled => "cancelled",
        EndReason::PeerLost => "peer lost",
        EndReason::Merged => "merged with the call that it crossed",
        EndReason::Blocked => "blocked",
        EndReason::Failed => "failed",
    }
}

/// Returns the progress of a message's delivery.
#[must_use]
pub fn delivery(delivery: &DeliveryView) -> String {
    match delivery.state {
        DeliveryState::Queued => "queued".into(),
        DeliveryState::Sent => format!("sent ({}/{} relays)", delivery.relays_ok, delivery.relays),
        DeliveryState::Delivered => "delivered, not read".into(),
        DeliveryState::Read => "read".into(),
        DeliveryState::Undelivered => "undelivered".into(),
        DeliveryState::Cancelled => "cancelled".into(),
    }
}

/// Returns a message's handle and delivery: `m40 delivered, not read`.
#[must_use]
pub fn receipt(message: &MessageView) -> String {
    match &message.delivery {
        Some(known) => format!("{} {}", message.handle, delivery(known)),
        None => message.handle.clone(),
    }
}

/// Returns the state of a call: `active; their turn for 6m10s`, `ringing you, 8m left`.
#[must_use]
pub fn standing(call: &CallView, page: &Page) -> String {
    let left = |text: &str| match call.expires_ms {
        Some(at) => format!("{text}, {} left", page.until(at)),
        None => text.to_owned(),
    };
    match call.state {
        CallState::Dialing => left("dialing"),
        CallState::Ringing => left("ringing there"),
        CallState::Incoming => left("ringing you"),
        CallState::Knocking => left("knocking (a stranger)"),
        CallState::Connecting => "connecting".into(),
        CallState::Active if call.taken_over => "active; your human speaks there".into(),
        CallState::Active => {
            let turn = match call.turn {
                Some(Turn::Mine) => "active; your turn",
                Some(Turn::Theirs) => "active; their turn",
                _ => return "active".into(),
            };
            match call.last_message_ms.and_then(|at| page.minutes_since(at)) {
                Some(time) => format!("{turn} for {time}"),
                None => turn.into(),
            }
        }
        CallState::Ended => match call.reason {
            Some(why) => format!("ended: {}", reason(why)),
            None => "ended".into(),
        },
    }
}

/// Returns the beginning of the report of a wait without result.
#[must_use]
pub fn in_vain(waiting: WaitReport) -> String {
    let stopped = if waiting.interrupted { ", stopped" } else { "" };
    format!("nothing yet ({} s{stopped}).", waiting.waited_s)
}

/// Returns a call's state in one word, for progress lines.
#[must_use]
pub const fn state(state: CallState) -> &'static str {
    match state {
        CallState::Dialing => "dialing",
        CallState::Ringing => "ringing",
        CallState::Incoming => "incoming",
        CallState::Knocking => "knocking",
        CallState::Connecting => "connecting",
        CallState::Active => "active",
        CallState::Ended => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{self, NOW_MS};

    #[test]
    fn an_active_call_shows_the_turn_and_its_time_from_a_minute_on() {
        let line = |turn, ago_ms: u64| {
            let last_message_ms = Some(NOW_MS - ago_ms);
            let call = CallView { turn, last_message_ms, ..samples::call() };
            standing(&call, &Page::new(NOW_MS))
        };
        assert_eq!(line(Some(Turn::Mine), 59_999), "active; your turn");
        assert_eq!(line(Some(Turn::Mine), 60_000), "active; your turn for 1m");
        assert_eq!(line(Some(Turn::Theirs), 0), "active; their turn");
        assert_eq!(line(None, 60_000), "active");
    }

    #[test]
    fn a_pet_name_is_plain_a_claimed_one_marked_and_a_key_short() {
        let mut peer = samples::peer();
        assert_eq!(name(&peer), "bob");
        peer.name = None;
        assert_eq!(name(&peer), "~\"Bob\"");
        peer.claimed = Some("B\"o\u{202e}b\" c9\n│".into());
        assert_eq!(name(&peer), "~\"Bob c9 │\"");
        peer.claimed = Some("\u{200b}\"".into());
        assert_eq!(name(&peer), "npub1x7k…9q");
    }

    #[test]
    fn only_what_a_shell_takes_as_it_is_stands_in_a_command() {
        let mut peer = samples::peer();
        assert_eq!(argument(&peer), "bob");
        peer.name = Some("bob; rm".into());
        assert_eq!(argument(&peer), peer.npub);
        assert!(!is_plain_word("$(x)") && !is_plain_word("-x") && !is_plain_word(".."));
        assert_eq!(shell_word("/home/u/f3-de.md"), "/home/u/f3-de.md");
        for (text, word) in [("--x", "--x"), ("a b", "'a b'"), ("it's $(x)", r"'it'\''s $(x)'")] {
            assert_eq!(shell_word(text), word);
        }
    }
}
