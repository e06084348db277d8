//! Reading a relay's `OK` (NIP-01): by the prefixes of the standard, and by what relays write instead.

/// The meaning of an `OK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The relay has the event.
    Taken,
    /// The relay takes no more events for now.
    RateLimited,
    /// The relay demands authentication first.
    NeedsAuth,
    /// The relay refuses the event.
    Refused,
}

impl Verdict {
    /// Reads the flag and the text of an `OK`.
    pub fn read(is_taken: bool, text: &str) -> Self {
        match text.split_once(':').map(|(prefix, _)| prefix) {
            _ if is_taken => Self::Taken,
            Some("duplicate") => Self::Taken,
            Some("rate-limited") => Self::RateLimited,
            Some("auth-required") => Self::NeedsAuth,
            _ if is_rate_limit(text) => Self::RateLimited,
            _ => Self::Refused,
        }
    }
}

/// Recognizes a rate limit that does not have the standard's prefix.
fn is_rate_limit(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["rate limit", "rate-limit", "ratelimit", "too fast", "too many", "too much", "slow down"]
        .iter()
        .any(|phrase| text.contains(phrase))
}
