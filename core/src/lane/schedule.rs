//! Times at which a rumor is sent again.

use core::time::Duration;

/// Waits between repetitions of a message that is not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Waits while no relay has accepted the rumor; the last wait repeats.
    pub refused: Vec<Duration>,
    /// Waits after a relay accepted the rumor; the last wait repeats. Only the lowest number of a
    /// stream is then sent again, since its acknowledgement covers the rest.
    pub taken: Vec<Duration>,
    /// Time after which the rumor is given up.
    pub lifetime: Duration,
    /// Time for which an acknowledgement waits for another rumor to travel with.
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
    /// Returns the wait after attempt number `attempts`, counted from 1.
    #[must_use]
    pub fn wait(&self, taken: bool, attempts: u32) -> Duration {
        let list = if taken { &self.taken } else { &self.refused };
        let index = (attempts.max(1) as usize - 1).min(list.len().saturating_sub(1));
        list.get(index).copied().unwrap_or(Duration::from_secs(60))
    }
}
