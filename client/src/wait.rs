//! Time limits of waits, and what came of them.

use std::time::{Duration, Instant};

use p2p_ipc::method::MAX_WAIT_MS;
use serde::Serialize;

/// The default length of a wait in seconds: less than the 30 s of a shell tool.
pub const DEFAULT_WAIT_S: u64 = 25;

/// Result of a request that may be interrupted.
#[derive(Debug)]
pub enum Waited<T> {
    /// The answer.
    Answer(T),
    /// A signal came first.
    Interrupted,
}

/// Report of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WaitReport {
    /// True if the event came.
    pub reached: bool,
    /// Length of the wait, in whole seconds.
    pub waited_s: u64,
    /// True if a signal ended the wait.
    pub interrupted: bool,
}

/// Remaining time of a wait.
#[derive(Debug, Clone, Copy)]
pub struct WaitClock {
    since: Instant,
    wait: Duration,
}

impl WaitClock {
    /// Starts the clock.
    #[must_use]
    pub fn start(wait_s: u64) -> Self {
        // A year stands for ever, and is far from every overflow.
        Self { since: Instant::now(), wait: Duration::from_secs(wait_s.min(366 * 86_400)) }
    }

    /// Returns how long the next request may wait, or nothing when the time is up.
    #[must_use]
    pub fn slice(&self) -> Option<Duration> {
        let left = self.wait.checked_sub(self.since.elapsed())?;
        Some(left.min(Duration::from_millis(MAX_WAIT_MS))).filter(|left| !left.is_zero())
    }

    /// Returns the report of a wait that a signal did not end.
    #[must_use]
    pub fn report(&self, reached: bool) -> WaitReport {
        WaitReport { reached, waited_s: self.since.elapsed().as_secs(), interrupted: false }
    }

    /// Returns the report of a wait that a signal ended.
    #[must_use]
    pub fn interrupted(&self, reached: bool) -> WaitReport {
        WaitReport { interrupted: true, ..self.report(reached) }
    }
}

/// Returns a duration in milliseconds, as requests carry it.
#[must_use]
pub fn ms(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
