//! The time that relays have: HTTP answers carry a `Date`.
//!
//! An agent whose clock is an hour wrong cannot be reached: its presence has expired before it is
//! published, relays refuse its events, its rings come late. So every event that leaves is dated by
//! this machine's clock with a correction from relays, and inbound events are measured by the same.
//! Everything else here uses this machine's clock alone.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use p2p_core::Time;

/// A smaller error, in milliseconds, is not corrected: `Date` is in whole seconds, and the delay of an
/// answer is not known.
const TOLERANCE: i64 = 30_000;
/// A smaller change of the correction, in milliseconds, is not reported.
const JITTER: u64 = 5_000;
/// A slower answer is not used.
const PROMPT: Duration = Duration::from_secs(10);

/// The clock, corrected by relays.
#[derive(Debug)]
pub(crate) struct RelayClock {
    /// This machine's clock.
    machine: fn() -> Time,
    /// Milliseconds that each relay is ahead of it.
    ahead: Mutex<BTreeMap<String, i64>>,
}

impl RelayClock {
    /// Returns a clock without a correction.
    pub fn new(machine: fn() -> Time) -> Self {
        Self { machine, ahead: Mutex::default() }
    }

    /// Notes the `Date` of a relay's answer, which took `took`. Returns true when that changed the
    /// correction much.
    pub fn note(&self, relay: &str, date: &str, took: Duration) -> bool {
        let Some(date) = parse(date).filter(|_| took <= PROMPT) else { return false };
        // In the middle of its second, in the middle of the way.
        let then = (self.machine)()
            .0
            .saturating_sub(u64::try_from(took.as_millis() / 2).unwrap_or_default());
        let ahead = date.saturating_mul(1000).saturating_add(500).cast_signed();
        let ahead = ahead.saturating_sub(then.cast_signed());
        let before = self.offset();
        self.lock().insert(relay.to_owned(), ahead);
        before.abs_diff(self.offset()) > JITTER
    }

    /// Returns the correction of this machine's clock in milliseconds: the median of the relays, so
    /// that a wrong one among three does not matter.
    pub fn offset(&self) -> i64 {
        let mut ahead: Vec<i64> = self.lock().values().copied().collect();
        ahead.sort_unstable();
        // Of two, the smaller correction.
        let middle = match ahead.len() {
            0 => 0,
            2 => ahead.into_iter().min_by_key(|ahead| ahead.abs()).unwrap_or(0),
            count => ahead[count / 2],
        };
        if middle.abs() < TOLERANCE { 0 } else { middle }
    }

    /// Returns the corrected time.
    pub fn now(&self) -> Time {
        Time((self.machine)().0.saturating_add_signed(self.offset()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the seconds since the epoch of an HTTP date.
fn parse(text: &str) -> Option<u64> {
    let time = httpdate::parse_http_date(text.trim()).ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monotonic::now;

    #[test]
    fn the_median_of_the_relays_counts_if_it_is_large() {
        let clock = RelayClock::new(now);
        let note = |relay: &str, ahead: i64| {
            clock.lock().insert(relay.into(), ahead * 1000);
            clock.offset() / 1000
        };
        assert_eq!(clock.offset(), 0);
        assert_eq!(note("a", 20), 0);
        assert_eq!(note("a", -3600), -3600);
        assert_eq!(note("b", 1), 0, "of two the smaller correction");
        assert_eq!(note("b", -3500), -3500);
        assert_eq!(note("liar", 900_000), -3500);
        assert!(clock.now() < now());
    }

    #[test]
    fn a_slow_answer_or_an_invalid_date_is_not_used() {
        let clock = RelayClock::new(now);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert!(!clock.note("a", date, Duration::from_secs(11)));
        assert!(!clock.note("a", "yesterday", Duration::from_secs(1)));
        assert!(clock.note("a", date, Duration::from_secs(1)));
        assert!(clock.now() < Time::from_secs(784_111_790));
    }
}
