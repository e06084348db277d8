//! What a relay's `OK` says (NIP-01), in the words that it should use and in those that it does.

/// See the module's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has the event.
    Taken,
    /// Too many events for now.
    TooMuch,
    /// It wants to know who we are first.
    WhoAreYou,
    /// It does not want it.
    Refused,
}

impl Verdict {
    /// Reads it.
    pub fn read(taken: bool, words: &str) -> Self {
        match words.split_once(':').map(|(prefix, _)| prefix) {
            _ if taken => Self::Taken,
            Some("duplicate") => Self::Taken,
            Some("rate-limited") => Self::TooMuch,
            Some("auth-required") => Self::WhoAreYou,
            _ if is_too_much(words) => Self::TooMuch,
            _ => Self::Refused,
        }
    }
}

/// What relays say instead of the word that they should.
fn is_too_much(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["rate limit", "rate-limit", "ratelimit", "too fast", "too many", "too much", "slow down"]
        .iter()
        .any(|phrase| words.contains(phrase))
}
