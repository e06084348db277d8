//! How many events a relay takes in a minute, learnt from what it refuses.
//!
//! As TCP does it: nothing is held back until a relay first says that it is too much. Then the
//! pace is what it took in the minute before, a little less. A further refusal halves it; up to
//! what was known to be fine it grows by half with each event that is taken; past that slowly at
//! first and ever faster, because a limit that is still there shows soon, and one that never was,
//! or is no more, should not last. Past a certain pace there is none again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// Slowest and fastest pace, in events a minute.
const SLOWEST: f64 = 4.0;
const FASTEST: f64 = 240.0;
/// What is fine of what was too much.
const FINE: f64 = 0.8;
/// The pause after a refusal, doubled by each further one: from, to.
const PAUSE: (Duration, Duration) = (Duration::from_secs(10), MINUTE);

/// The pace of writes to one relay.
#[derive(Debug, Default)]
pub(super) struct Pace {
    per_minute: Option<f64>,
    /// What is known to be fine.
    fine: f64,
    /// When it took what it took in the last minute.
    taken: VecDeque<Instant>,
    next: Option<Instant>,
    /// Refusals in a row.
    refusals: u32,
    /// Events that it took in a row past what was known to be fine.
    streak: u32,
}

impl Pace {
    /// When the next message may go; that may be long ago.
    pub fn due(&self) -> Option<Instant> {
        self.next
    }

    /// The relay took an event.
    pub fn took(&mut self, now: Instant) {
        self.taken.push_back(now);
        self.forget(now);
        self.refusals = 0;
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

    /// The relay said that it was too much.
    pub fn refused(&mut self, now: Instant) {
        self.forget(now);
        let too_much = self.per_minute.unwrap_or(self.taken.len() as f64);
        self.fine = (too_much * FINE).clamp(SLOWEST, FASTEST);
        let pace = self.per_minute.map_or(self.fine, |pace| (pace / 2.0).max(SLOWEST));
        self.per_minute = Some(pace);
        let pause = PAUSE.0.saturating_mul(1 << self.refusals.min(8)).min(PAUSE.1);
        self.refusals = self.refusals.saturating_add(1);
        self.streak = 0;
        self.next = Some(now + MINUTE.div_f64(pace).max(pause));
    }

    /// Events a minute, where there is a limit.
    pub fn per_minute(&self) -> Option<u32> {
        // At least four and at most 240.
        self.per_minute.map(|pace| pace.round() as u32)
    }

    fn forget(&mut self, now: Instant) {
        while self.taken.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            self.taken.pop_front();
        }
        // More than counts.
        while self.taken.len() > 1024 {
            self.taken.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes to a relay that takes `limit` events in each minute of the clock, as fast as the
    /// pace allows: what it took and what it refused, by the minute.
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
    fn a_limit_that_was_none_is_soon_forgotten() {
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
    fn a_pace_is_what_was_taken_and_pauses_double() {
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
