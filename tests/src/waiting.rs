//! Waiting for a condition with a deadline. No test sleeps and hopes.

use std::thread;
use std::time::{Duration, Instant};

/// Pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(25);
/// Time that a condition gets to come true. It is long because test machines are busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Calls `look` until it returns a value, and returns that.
///
/// # Panics
/// If there is no value within [`PATIENCE`].
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// Waits until a condition is true.
///
/// # Panics
/// If it is still false after [`PATIENCE`].
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    eventually(what, || condition().then_some(()));
}

/// Does the same as [`eventually`] with another deadline.
///
/// # Panics
/// If there is no value within `limit`.
pub fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < limit, "still not after {} s: {what}", limit.as_secs());
        thread::sleep(LOOK);
    }
}
