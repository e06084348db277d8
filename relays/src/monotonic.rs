//! This machine's monotonic clock: a time of day that never goes back.
//!
//! Deadlines are times of day, so that they survive restarts. A system clock that is set back would
//! put them off; so from then on the time goes on from the last reading, as long as this process
//! lives. A clock that is set forward, and a machine that wakes, are believed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use p2p_core::Time;

/// A difference between two clocks that is not a delay.
const JUMP: Duration = Duration::from_secs(10);

/// Returns the time.
#[must_use]
pub fn now() -> Time {
    static LAST: Mutex<Option<Reading>> = Mutex::new(None);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = Time(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let at = Instant::now();
    last.get_or_insert(Reading { now: wall, at }).read(wall, at)
}

/// The last reading.
#[derive(Debug)]
struct Reading {
    now: Time,
    at: Instant,
}

impl Reading {
    fn read(&mut self, wall: Time, at: Instant) -> Time {
        let goes_on = self.now + at.saturating_duration_since(self.at);
        // Whole milliseconds are read off: what is left of one counts next time.
        if wall > goes_on || goes_on > self.now {
            (self.now, self.at) = (wall.max(goes_on), at);
        }
        self.now
    }
}

/// A detector of time that passed while nothing ran: the machine slept, or its clock was set forward.
#[derive(Debug)]
pub(crate) struct SleepWatch {
    now: Time,
    at: Instant,
}

impl SleepWatch {
    /// Returns a detector that begins now.
    #[must_use]
    pub fn new(now: Time, at: Instant) -> Self {
        Self { now, at }
    }

    /// Returns whether that happened since it was last asked.
    pub fn jumped(&mut self, now: Time, at: Instant) -> bool {
        let by_clock = now.since(self.now);
        let ran = at.saturating_duration_since(self.at);
        (self.now, self.at) = (now, at);
        by_clock > ran + JUMP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Time = Time::from_secs(1_700_000_000);
    const HOUR: Duration = Duration::from_secs(3600);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn time_goes_on_when_the_clock_is_set_back_and_jumps_when_it_is_set_forward() {
        let start = Instant::now();
        let mut last = Reading { now: DAY + HOUR, at: start };
        assert_eq!(last.read(DAY, start), DAY + HOUR);
        assert_eq!(last.read(DAY + SECOND, start + SECOND), DAY + HOUR + SECOND);
        // Caught up with.
        let wall = DAY + HOUR + HOUR;
        assert_eq!(last.read(wall, start + SECOND * 2), wall);
        assert_eq!(last.read(DAY, start + SECOND * 3), wall + SECOND);
    }

    #[test]
    fn readings_of_less_than_a_millisecond_add_up() {
        let start = Instant::now();
        let mut last = Reading { now: DAY, at: start };
        for n in 1..=5000 {
            last.read(DAY, start + Duration::from_micros(200) * n);
        }
        assert_eq!(last.now, DAY + SECOND);
    }

    #[test]
    fn sleep_is_noticed_and_being_late_is_not_sleep() {
        let start = Instant::now();
        let mut watch = SleepWatch::new(DAY, start);
        assert!(!watch.jumped(DAY + HOUR, start + HOUR));
        // The time that does not run while a machine sleeps.
        assert!(watch.jumped(DAY + HOUR + HOUR, start + HOUR + SECOND));
        assert!(!watch.jumped(DAY + HOUR + HOUR + SECOND, start + HOUR + SECOND * 2));
        // Set back.
        assert!(!watch.jumped(DAY, start + HOUR + SECOND * 3));
    }
}
