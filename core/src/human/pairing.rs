//! Pairing of an owner: a code that is shown on the agent's terminal comes back by direct
//! message. It is kept in memory only.

use core::time::Duration;

use super::code;
use crate::ids::PublicKey;
use crate::text::Text;
use crate::time::Time;

/// Lifetime of a code.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
/// Maximum number of wrong codes.
const TRIES: u32 = 5;
/// Maximum number of messages admitted as tries: they pass where a stranger's message would not,
/// and one that waits behind a gap is not counted yet.
const ADMITTED: u32 = 20;

/// A pairing under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// The expiry.
    pub until: Time,
    /// Number of tries left.
    pub tries_left: u32,
    /// The only key that may use the code.
    pub only: Option<PublicKey>,
    pub(crate) code: Text,
    admitted: u32,
}

/// The result of a message while a pairing is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    /// The right code.
    Right,
    /// A wrong code, and the number of tries left.
    Wrong(u32),
}

impl Pairing {
    pub(crate) fn new(now: Time, code: Text, only: Option<PublicKey>) -> Self {
        Self { until: now + LIFETIME, tries_left: TRIES, only, code, admitted: 0 }
    }

    /// Returns the code that a message of this key tries: the right code anywhere in the text, or
    /// any other code that is the whole text.
    fn tried(&self, now: Time, from: PublicKey, text: &str) -> Option<Text> {
        let text = text.trim();
        let text = match text.split_at_checked("/pair".len()) {
            Some((start, rest)) if start.eq_ignore_ascii_case("/pair") => rest,
            _ => text,
        };
        let meant = now < self.until && self.only.is_none_or(|only| only == from);
        if meant && code::is_in(&self.code, text) {
            return Some(self.code.clone());
        }
        meant.then(|| code::read(text, code::LONG)).flatten().map(Text::from)
    }

    /// Admits a message as a try, whatever the policy. Returns false if it is not a try.
    pub(crate) fn admits(&mut self, now: Time, from: PublicKey, text: &str) -> bool {
        if self.admitted == ADMITTED || self.tried(now, from, text).is_none() {
            return false;
        }
        self.admitted += 1;
        true
    }

    /// Counts a try. Returns nothing if the message is not a try.
    pub(crate) fn take(&mut self, now: Time, from: PublicKey, text: &str) -> Option<Try> {
        let tried = self.tried(now, from, text)?;
        if tried == self.code {
            return Some(Try::Right);
        }
        self.tries_left = self.tries_left.saturating_sub(1);
        Some(Try::Wrong(self.tries_left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(100);
    const KEY: PublicKey = PublicKey([1; 32]);
    const OTHER: PublicKey = PublicKey([2; 32]);

    fn pairing(only: Option<PublicKey>) -> Pairing {
        Pairing::new(NOW, "K7QX3M9P".into(), only)
    }

    #[test]
    fn a_code_is_accepted_in_any_spelling() {
        for text in [
            "K7QX-3M9P",
            "k7qx3m9p",
            "/pair K7QX 3M9P",
            "/Pair k7qx-3m9p\n",
            "It is K7QX-3M9P, thanks!",
        ] {
            assert_eq!(pairing(None).take(NOW, KEY, text), Some(Try::Right), "{text}");
        }
    }

    #[test]
    fn only_a_message_in_the_form_of_a_code_counts_as_a_try() {
        let mut open = pairing(None);
        for left in [4, 3, 2, 1, 0, 0] {
            assert_eq!(open.take(NOW, KEY, "K7QX-3M9Q"), Some(Try::Wrong(left)));
        }
        for text in ["hello", "", "/pair", "K7QX-3M9Q please", "/approve"] {
            assert_eq!(pairing(None).take(NOW, KEY, text), None, "{text}");
        }
    }

    #[test]
    fn another_key_and_a_late_message_do_not_pair() {
        let mut open = pairing(Some(KEY));
        assert_eq!(open.take(NOW, OTHER, "K7QX-3M9P"), None);
        assert!(!open.admits(NOW, OTHER, "K7QX-3M9P"));
        assert_eq!(open.take(NOW + LIFETIME, KEY, "K7QX-3M9P"), None);
        assert_eq!((0..30).filter(|_| open.admits(NOW, KEY, "K7QX-3M9Q")).count(), 20);
    }
}
