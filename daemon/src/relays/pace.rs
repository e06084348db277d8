//! How many events a relay takes in a minute, learnt from what it refuses.
//!
//! Additive increase, multiplicative decrease, as TCP does it: nothing is held back until a relay
//! first says that it is too much. Then the pace is what it took in the minute before, a little
//! less; each further refusal halves it, each minute of writes without one adds one. Past a
//! certain pace there is none again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// Slowest and fastest pace, in events a minute.
const SLOWEST: f64 = 1.0;
const FASTEST: f64 = 240.0;
/// What remains of what it took, after the first refusal.
const FIRST: f64 = 0.8;
/// The least pause after a refusal.
const PAUSE: Duration = Duration::from_secs(10);

/// The pace of writes to one relay.
#[derive(Debug, Default)]
pub(super) struct Pace {
    per_minute: Option<f64>,
    /// When it took what it took in the last minute.
    taken: VecDeque<Instant>,
    next: Option<Instant>,
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
        if let Some(pace) = self.per_minute {
            let faster = pace + 1.0 / pace;
            self.per_minute = Some(faster).filter(|pace| *pace <= FASTEST);
            self.next = self.per_minute.map(|pace| now + MINUTE.div_f64(pace));
        }
    }

    /// The relay said that it was too much.
    pub fn refused(&mut self, now: Instant) {
        self.forget(now);
        let pace = match self.per_minute {
            Some(pace) => pace / 2.0,
            None => self.taken.len() as f64 * FIRST,
        };
        let pace = pace.clamp(SLOWEST, FASTEST);
        self.per_minute = Some(pace);
        self.next = Some(now + MINUTE.div_f64(pace).max(PAUSE));
    }

    /// Events a minute, where there is a limit.
    pub fn per_minute(&self) -> Option<u32> {
        // At least one and at most 240.
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
    fn a_relay_of_eight_a_minute_is_hardly_ever_asked_for_more() {
        let counts = play(8, 60);
        assert_eq!(counts[0].0, 8);
        let taken: usize = counts.iter().map(|(taken, _)| taken).sum();
        let refused: usize = counts.iter().map(|(_, refused)| refused).sum();
        assert!(taken >= 60 * 8 * 2 / 3, "{taken} of {}: {counts:?}", 60 * 8);
        assert!(refused <= 20, "{refused} refused: {counts:?}");
    }

    #[test]
    fn a_pace_is_learnt_halved_and_given_up_again() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        (0..10).for_each(|_| pace.took(now));
        pace.refused(now);
        assert_eq!((pace.per_minute(), pace.due()), (Some(8), Some(now + PAUSE)));
        pace.refused(now);
        assert_eq!((pace.per_minute(), pace.due()), (Some(4), Some(now + MINUTE / 4)));
        (0..9).for_each(|_| pace.refused(now));
        assert_eq!((pace.per_minute(), pace.due()), (Some(1), Some(now + MINUTE)));
        let mut writes = 0_u32;
        while let Some(next) = pace.due() {
            now = next;
            pace.took(now);
            writes += 1;
            assert!(writes < 100_000, "a limit for ever");
        }
        assert_eq!(pace.per_minute(), None);
    }
}
