//! Names, sizes, times and states in words.

use p2p_ipc::view::{
    CallState, CallView, DeliveryState, DeliveryView, EndReason, MessageView, PeerView, Turn,
};

use super::clean;
use super::page::Page;
use crate::wait::Waiting;

/// What a peer is called: the pet name plainly, a claimed name as `~"Bob"`, or a short npub.
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

/// What a peer is called in a command: what resolves, and stands in a shell as it is.
#[must_use]
pub fn argument(peer: &PeerView) -> String {
    match peer.name.as_deref() {
        Some(name) if is_plain_word(name) => name.to_owned(),
        _ => peer.npub.clone(),
    }
}

/// Whether a text means itself to a shell.
#[must_use]
pub fn is_plain_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['-', '.'])
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// A text as one word of a shell's command line.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A name that somebody claims: in quotes of our own, so it can hold none.
fn claimed(name: &str) -> String {
    let name: String = clean::short(name.trim(), 40)
        .chars()
        .filter(|c| !matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‟' | '＂' | '«' | '»' | '~'))
        .collect();
    format!("~\"{}\"", name.trim())
}

/// `npub1x7k…9q`.
#[must_use]
pub fn short_npub(npub: &str) -> String {
    let npub = clean::inline(npub);
    match (npub.get(..8), npub.len().checked_sub(2).and_then(|at| npub.get(at..))) {
        (Some(head), Some(tail)) if npub.len() > 11 => format!("{head}…{tail}"),
        _ => npub,
    }
}

/// A duration in at most two units: `35s`, `6m35s`, `8m`, `3h10m`, `2d4h`.
#[must_use]
pub fn span(ms: u64) -> String {
    let s = ms / 1000;
    let two = |a: u64, unit: &str, b: u64, small: &str| {
        if b == 0 { format!("{a}{unit}") } else { format!("{a}{unit}{b}{small}") }
    };
    match s {
        0..60 => format!("{s}s"),
        60..3600 => two(s / 60, "m", s % 60, "s"),
        3600..86_400 => two(s / 3600, "h", s % 3600 / 60, "m"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

/// `812 B`, `14 KB`, `1.2 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// The time of day in UTC, `14:02Z`: two agents on two machines see the same.
#[must_use]
pub fn clock(at_ms: u64) -> String {
    let minutes = at_ms / 60_000 % 1440;
    format!("{:02}:{:02}Z", minutes / 60, minutes % 60)
}

/// The day and the time in UTC, `2026-03-01 14:02Z`.
#[must_use]
pub fn date(at_ms: u64) -> String {
    // Days since 0000-03-01, so that a leap day is the last of its year.
    let days = at_ms / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {}", clock(at_ms))
}

/// How a call ended, in a word or two.
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

/// How far a message got.
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

/// `m40 delivered, not read`.
#[must_use]
pub fn receipt(message: &MessageView) -> String {
    match &message.delivery {
        Some(known) => format!("{} {}", message.handle, delivery(known)),
        None => message.handle.clone(),
    }
}

/// Where a call stands: `active, their turn 6m10s`, `ringing you, 8m left`.
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
        CallState::Active if call.taken_over => "active, your human speaks there".into(),
        CallState::Active => match (call.turn, call.last_message_ms) {
            (Some(Turn::Mine), Some(at)) => format!("active, your turn {}", page.since(at)),
            (Some(Turn::Theirs), Some(at)) => format!("active, their turn {}", page.since(at)),
            _ => "active".into(),
        },
        CallState::Ended => match call.reason {
            Some(why) => format!("ended: {}", reason(why)),
            None => "ended".into(),
        },
    }
}

/// How a wait in vain begins its report.
#[must_use]
pub fn in_vain(waiting: Waiting) -> String {
    let stopped = if waiting.interrupted { ", stopped" } else { "" };
    format!("nothing yet ({} s{stopped}).", waiting.waited_s)
}

/// The one word that tells a call's state while it is followed.
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
    use crate::render::samples;

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

    #[test]
    fn spans_sizes_and_times() {
        assert_eq!(span(35_900), "35s");
        assert_eq!(span(395_000), "6m35s");
        assert_eq!(span(480_000), "8m");
        assert_eq!(span(11_400_000), "3h10m");
        assert_eq!(span(187_200_000), "2d4h");
        assert_eq!((size(812), size(14_000)), ("812 B".into(), "14 KB".into()));
        assert_eq!(size(1_300_000), "1.2 MB");
        assert_eq!(date(0), "1970-01-01 00:00Z");
        for (days, day) in [
            (364, "1970-12-31"),
            (365, "1971-01-01"),
            (19_569, "2023-07-31"),
            (19_601, "2023-09-01"),
        ] {
            assert_eq!(date(days * 86_400_000), format!("{day} 00:00Z"));
        }
        assert_eq!(date(951_782_400_000), "2000-02-29 00:00Z");
        assert_eq!(date(1_772_373_720_000), "2026-03-01 14:02Z");
    }
}
