//! How a channel does, for `status`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use p2p_core::Time;

/// What is known of a channel since the start.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Known>);

#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    /// Why the last try failed, and since when they do.
    pub failing: Option<(String, Time)>,
    /// News that wait for another try or were given up.
    pub news: u32,
    /// Questions that it has not taken.
    pub questions: u32,
}

impl Health {
    pub fn known(&self) -> Known {
        self.lock().clone()
    }

    /// It took what it was told.
    pub fn took(&self) {
        self.lock().failing = None;
    }

    /// It did not.
    pub fn failed(&self, channel: &str, cause: &str) {
        let mut known = self.lock();
        let since = known.failing.as_ref().map_or_else(crate::now, |(_, since)| *since);
        if known.failing.as_ref().is_none_or(|(before, _)| before != cause) {
            tracing::warn!(channel, cause, "a channel did not take what it was told");
        }
        known.failing = Some((cause.into(), since));
    }

    pub fn news(&self, undelivered: u32) {
        self.lock().news = undelivered;
    }

    pub fn questions(&self, undelivered: u32) {
        self.lock().questions = undelivered;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
