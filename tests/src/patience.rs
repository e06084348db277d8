//! Waiting for a condition with a deadline. Nothing here sleeps for luck.

use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);
/// How long a condition may take to come about. Generous: machines that test are busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until there is something, and returns it.
///
/// # Panics
/// When there is nothing within [`PATIENCE`].
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// Looks until it is so.
///
/// # Panics
/// When it is not so within [`PATIENCE`].
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    eventually(what, || so().then_some(()));
}

/// [`eventually`] with a deadline of its own.
///
/// # Panics
/// When there is nothing within `limit`.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < limit, "not within {} s: {what}", limit.as_secs());
        thread::sleep(LOOK);
    }
}
