//! The times at which a rumor goes out again.

use core::time::Duration;

/// When a message goes out again while nobody acknowledges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Waits while no relay has taken it; the last one repeats.
    pub refused: Vec<Duration>,
    /// Waits after a relay took it; the last one repeats. Only the lowest number of a stream
    /// goes again then, since the acknowledgement tells the rest.
    pub taken: Vec<Duration>,
    /// After this long it is a dead letter.
    pub lifetime: Duration,
    /// How long an acknowledgement waits for something to ride on.
    pub ack_idle: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        let secs = |list: &[u64]| list.iter().copied().map(Duration::from_secs).collect();
        Self {
            refused: secs(&[5, 15, 60, 300, 1800, 7200]),
            taken: secs(&[60, 300, 1800, 7200]),
            lifetime: Duration::from_secs(3 * 24 * 3600),
            ack_idle: Duration::from_millis(300),
        }
    }
}

impl Schedule {
    /// The wait after attempt number `attempts`, counted from 1.
    #[must_use]
    pub fn wait(&self, taken: bool, attempts: u32) -> Duration {
        let list = if taken { &self.taken } else { &self.refused };
        let index = (attempts.max(1) as usize - 1).min(list.len().saturating_sub(1));
        list.get(index).copied().unwrap_or(Duration::from_secs(60))
    }
}
