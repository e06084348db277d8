//! The health of a notifier, for `status`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use p2p_core::Time;

/// The health of a notifier since the start.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<HealthState>);

#[derive(Debug, Default, Clone)]
pub(super) struct HealthState {
    /// The cause of the last failed attempt, and when attempts began to fail.
    pub failing: Option<(String, Time)>,
    /// Notifications that wait for another attempt or were given up.
    pub notifications: u32,
    /// Questions that the sink has not taken.
    pub questions: u32,
}

impl Health {
    /// Returns the present state.
    pub fn now(&self) -> HealthState {
        self.lock().clone()
    }

    /// Notes that the sink took a notification.
    pub fn succeeded(&self) {
        self.lock().failing = None;
    }

    /// Notes that the sink did not take a notification. A new cause is logged.
    pub fn failed(&self, notifier: &str, cause: &str) {
        let mut state = self.lock();
        let since = state.failing.as_ref().map_or_else(crate::now, |(_, since)| *since);
        if state.failing.as_ref().is_none_or(|(before, _)| before != cause) {
            tracing::warn!(notifier, cause, "a notification was not taken");
        }
        state.failing = Some((cause.into(), since));
    }

    /// Sets the number of undelivered notifications.
    pub fn set_notifications(&self, undelivered: u32) {
        self.lock().notifications = undelivered;
    }

    /// Sets the number of undelivered questions.
    pub fn set_questions(&self, undelivered: u32) {
        self.lock().questions = undelivered;
    }

    fn lock(&self) -> MutexGuard<'_, HealthState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
