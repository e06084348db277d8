//! How a key becomes an owner's: a code that stands on the agent's terminal comes by direct
//! message. It is kept in memory only.

use core::time::Duration;

use super::code;
use crate::ids::PublicKey;
use crate::text::Text;
use crate::time::Time;

/// How long a code is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
/// Wrong codes before it is worthless.
const TRIES: u32 = 5;
/// Messages that may be taken in as tries: they pass where strangers' words do not, and one that
/// waits behind a gap is not counted yet.
const ADMITTED: u32 = 20;

/// An owner is being paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// Until when.
    pub until: Time,
    /// Wrong codes that are still taken.
    pub tries_left: u32,
    /// Nobody but this key.
    pub only: Option<PublicKey>,
    pub(crate) code: Text,
    admitted: u32,
}

/// What came of a message while a pairing is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    /// The code.
    Right,
    /// Another, and how many more are taken.
    Wrong(u32),
}

impl Pairing {
    pub(crate) fn new(now: Time, code: Text, only: Option<PublicKey>) -> Self {
        Self { until: now + LIFETIME, tries_left: TRIES, only, code, admitted: 0 }
    }

    /// The code that a message of this key tries: the right one wherever it stands, and another
    /// where it is all that there is.
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

    /// Whether a message is let in as a try, whatever the policy.
    pub(crate) fn admits(&mut self, now: Time, from: PublicKey, text: &str) -> bool {
        if self.admitted == ADMITTED || self.tried(now, from, text).is_none() {
            return false;
        }
        self.admitted += 1;
        true
    }

    /// Counts a try. Nothing where the message is none.
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
    fn the_code_is_right_however_it_is_sent() {
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
    fn what_looks_like_a_code_is_a_try_and_nothing_else_is() {
        let mut open = pairing(None);
        for left in [4, 3, 2, 1, 0, 0] {
            assert_eq!(open.take(NOW, KEY, "K7QX-3M9Q"), Some(Try::Wrong(left)));
        }
        for text in ["hello", "", "/pair", "K7QX-3M9Q please", "/approve"] {
            assert_eq!(pairing(None).take(NOW, KEY, text), None, "{text}");
        }
    }

    #[test]
    fn neither_another_key_nor_a_late_one_pairs() {
        let mut open = pairing(Some(KEY));
        assert_eq!(open.take(NOW, OTHER, "K7QX-3M9P"), None);
        assert!(!open.admits(NOW, OTHER, "K7QX-3M9P"));
        assert_eq!(open.take(NOW + LIFETIME, KEY, "K7QX-3M9P"), None);
        assert_eq!((0..30).filter(|_| open.admits(NOW, KEY, "K7QX-3M9Q")).count(), 20);
    }
}
