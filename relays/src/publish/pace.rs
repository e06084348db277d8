//! The number of events that a relay takes in a minute, learnt from its refusals.
//!
//! The method is TCP's. Nothing is held back until a relay first refuses. Then the pace is a little
//! less than the relay took in the minute before. A further refusal halves the pace. Below the last
//! pace that was known to be fine, it grows by half with each event that is taken; above that it
//! grows slowly at first and ever faster, because a real limit shows soon, and one that is gone
//! should not last. Past [`FASTEST`] nothing is held back again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

const MINUTE: Duration = Duration::from_secs(60);
/// Slowest and fastest pace, in events a minute.
const SLOWEST: f64 = 4.0;
const FASTEST: f64 = 240.0;
/// The part of a refused pace that is taken to be fine.
const FINE: f64 = 0.8;
/// The pauses after refusals: first, longest.
const PAUSE: (Duration, Duration) = (Duration::from_secs(10), MINUTE);

/// The pace of writes to one relay.
#[derive(Debug)]
pub(crate) struct Pace {
    per_minute: Option<f64>,
    /// The pace that is known to be fine.
    fine: f64,
    /// The times of the events that the relay took in the last minute.
    taken: VecDeque<Instant>,
    next: Option<Instant>,
    /// The pauses after refusals in a row.
    pauses: Backoff,
    /// Events in a row that were taken past the pace that was known to be fine.
    streak: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            per_minute: None,
            fine: 0.0,
            taken: VecDeque::new(),
            next: None,
            pauses: Backoff::new(PAUSE.0, PAUSE.1),
            streak: 0,
        }
    }
}

impl Pace {
    /// Returns when the next message may go, which may be long ago.
    pub fn due(&self) -> Option<Instant> {
        self.next
    }

    /// Notes that the relay took an event.
    pub fn took(&mut self, now: Instant) {
        self.taken.push_back(now);
        self.forget(now);
        self.pauses.reset();
        if let Some(pace) = self.per_minute {
            let faster = if pace < self.fine {
                (pace * 1.5).min(self.fine)
            } else {
                self.streak = self.streak.saturating_add(1);
                pace + f64::from(self.streak) / (2.0 * pace)
            };
            self.per_minute = Some(faster).filter(|pace| *pace <= FASTEST);
            self.next = self.per_minute.map(|pace| now + MINUTE.div_f64(pace));
        }
    }

    /// Notes that the relay refused an event as too much.
    pub fn refused(&mut self, now: Instant) {
        self.forget(now);
        let too_much = self.per_minute.unwrap_or(self.taken.len() as f64);
        self.fine = (too_much * FINE).clamp(SLOWEST, FASTEST);
        let pace = self.per_minute.map_or(self.fine, |pace| (pace / 2.0).max(SLOWEST));
        self.per_minute = Some(pace);
        let pause = self.pauses.next();
        self.streak = 0;
        self.next = Some(now + MINUTE.div_f64(pace).max(pause));
    }

    /// Returns the events a minute, where there is a limit.
    pub fn per_minute(&self) -> Option<u32> {
        // Between 4 and 240.
        self.per_minute.map(|pace| pace.round() as u32)
    }

    fn forget(&mut self, now: Instant) {
        while self.taken.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            self.taken.pop_front();
        }
        // A pace that high is no limit.
        while self.taken.len() > 1024 {
            self.taken.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes to a relay that takes `limit` events in each minute of the clock, as fast as the pace
    /// allows. Returns the events that were taken and refused, by the minute.
    fn play(limit: usize, minutes: u64) -> Vec<(usize, usize)> {
        let start = Instant::now();
        let (mut pace, mut now) = (Pace::default(), start);
        let mut counts = vec![(0, 0)];
        while now < start + MINUTE * u32::try_from(minutes).unwrap() {
            let minute = (now - start).as_secs() / 60;
            while counts.len() as u64 <= minute {
                counts.push((0, 0));
            }
            let (taken, refused) = counts.last_mut().unwrap();
            if *taken < limit {
                *taken += 1;
                pace.took(now);
            } else {
                *refused += 1;
                pace.refused(now);
            }
            now = pace.due().unwrap_or(now + Duration::from_millis(50));
        }
        counts
    }

    #[test]
    fn nothing_is_held_back_before_a_refusal() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        (0..5000).for_each(|_| pace.took(now));
        assert_eq!((pace.due(), pace.per_minute()), (None, None));
    }

    #[test]
    fn a_relay_of_few_a_minute_is_hardly_ever_asked_for_more() {
        for limit in [6, 8, 60] {
            let counts = play(limit, 60);
            assert_eq!(counts[0].0, limit);
            let taken: usize = counts.iter().map(|(taken, _)| taken).sum();
            let refused: usize = counts.iter().map(|(_, refused)| refused).sum();
            assert!(taken >= 60 * limit * 2 / 3, "{taken} of {}: {counts:?}", 60 * limit);
            assert!(refused * 5 <= taken, "{refused} refused: {counts:?}");
        }
    }

    #[test]
    fn a_limit_that_is_gone_is_soon_forgotten() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        (0..100).for_each(|_| pace.took(start));
        (0..6).for_each(|_| pace.refused(start));
        assert_eq!((pace.per_minute(), pace.due()), (Some(4), Some(start + MINUTE)));
        let mut now = start;
        while let Some(next) = pace.due() {
            assert!(next < start + 8 * MINUTE, "a limit for ever");
            now = next;
            pace.took(now);
        }
        assert!(now > start + 2 * MINUTE, "{:?}", now - start);
    }

    #[test]
    fn the_first_pace_is_what_was_taken_and_pauses_double() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        (0..100).for_each(|_| pace.took(now));
        let mut seen = Vec::new();
        for _ in 0..5 {
            pace.refused(now);
            seen.push((pace.per_minute().unwrap(), (pace.due().unwrap() - now).as_secs()));
        }
        assert_eq!(seen, [(80, 10), (40, 20), (20, 40), (10, 60), (5, 60)]);
    }
}
