//! The delay before the next attempt, after failed ones.

use std::time::Duration;

/// The delay after each failure in a row. The last delay repeats.
const DELAYS: [Duration; 4] = if cfg!(test) {
    [Duration::from_millis(20); 4]
} else {
    [
        Duration::from_secs(1),
        Duration::from_secs(5),
        Duration::from_secs(30),
        Duration::from_secs(300),
    ]
};

/// Counts failures in a row.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Backoff {
    failures: usize,
}

impl Backoff {
    /// Notes a failure and returns the delay before the next attempt.
    pub fn failed(&mut self) -> Duration {
        let delay = DELAYS[self.failures.min(DELAYS.len() - 1)];
        self.failures += 1;
        delay
    }
}
