//! The time, as relays have it: HTTP answers carry a `Date`.
//!
//! An agent whose clock is an hour wrong is dead to others: its presence has expired before it
//! is published, or begins in the future; relays refuse its events; its rings come late. So every
//! event that leaves is dated by this machine's clock, corrected by what relays say, and what
//! comes in is measured by the same. Everything else here goes by this machine's clock alone:
//! whoever reads a state compares it with that.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use p2p_core::Time;

/// A clock that is less wrong than this is left alone: `Date` is in whole seconds, and the way
/// of an answer is not known.
const TOLERANCE: i64 = 30_000;
/// A change of what is to be corrected that is no news.
const JITTER: u64 = 5_000;
/// An answer that took longer says nothing.
const PROMPT: Duration = Duration::from_secs(10);

/// What relays say of our clock: milliseconds that they are ahead of it, by relay.
#[derive(Debug)]
pub(super) struct Clock {
    /// This machine's clock.
    machine: fn() -> Time,
    told: Mutex<BTreeMap<String, i64>>,
}

impl Clock {
    /// Returns a clock that nobody has corrected yet.
    pub fn new(machine: fn() -> Time) -> Self {
        Self { machine, told: Mutex::default() }
    }

    /// A relay answered with this `Date`, `took` after it was asked. True when that changed much of
    /// what [`Clock::offset`] says.
    pub fn told(&self, relay: &str, date: &str, took: Duration) -> bool {
        let Some(date) = http_date(date).filter(|_| took <= PROMPT) else { return false };
        // In the middle of its second, in the middle of the way.
        let then = (self.machine)()
            .0
            .saturating_sub(u64::try_from(took.as_millis() / 2).unwrap_or_default());
        let ahead = date.saturating_mul(1000).saturating_add(500).cast_signed();
        let ahead = ahead.saturating_sub(then.cast_signed());
        let before = self.offset();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(relay.to_owned(), ahead);
        drop(told);
        before.abs_diff(self.offset()) > JITTER
    }

    /// What is to be added to this machine's clock, in milliseconds: the middle of what relays
    /// say, so that one that is wrong does not matter among three.
    pub fn offset(&self) -> i64 {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told: Vec<i64> = told.values().copied().collect();
        told.sort_unstable();
        // Of two, the one that would change less.
        let middle = match told.len() {
            0 => 0,
            2 => told.into_iter().min_by_key(|ahead| ahead.abs()).unwrap_or(0),
            count => told[count / 2],
        };
        if middle.abs() < TOLERANCE { 0 } else { middle }
    }

    /// The time, corrected.
    pub fn now(&self) -> Time {
        Time((self.machine)().0.saturating_add_signed(self.offset()))
    }
}

/// Seconds since the epoch of an HTTP date in its one current form (RFC 9110, IMF-fixdate):
/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = 1 + MONTHS.iter().position(|name| *name == month)? as u64;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut parts = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    // Years that begin in March have their odd day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second.min(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monotonic::now;

    #[test]
    fn http_dates_are_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date("Tue, 29 Feb 2000 23:59:59 GMT"), Some(951_868_799));
        assert_eq!(http_date("Sat, 21 Nov 2026 05:36:08 GMT"), Some(1_795_239_368));
        for bad in [
            "",
            "now",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 PST",
        ] {
            assert_eq!(http_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_middle_of_what_relays_say_counts_if_it_is_much() {
        let clock = Clock::new(now);
        let tell = |relay: &str, ahead: i64| {
            clock.told.lock().unwrap().insert(relay.into(), ahead * 1000);
            clock.offset() / 1000
        };
        assert_eq!(clock.offset(), 0);
        assert_eq!(tell("a", 20), 0);
        assert_eq!(tell("a", -3600), -3600);
        assert_eq!(tell("b", 1), 0, "of two the one that changes less");
        assert_eq!(tell("b", -3500), -3500);
        assert_eq!(tell("liar", 900_000), -3500);
        assert!(clock.now() < now());
    }

    #[test]
    fn an_answer_that_took_long_says_nothing() {
        let clock = Clock::new(now);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert!(!clock.told("a", date, Duration::from_secs(11)));
        assert!(clock.told("a", date, Duration::from_secs(1)));
        assert!(clock.now() < Time::from_secs(784_111_790));
    }
}
