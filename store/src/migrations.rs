//! Numbered steps from an empty file to the present format. `PRAGMA user_version` holds the number
//! of the last step that ran. A released step is never edited: add another.

use rusqlite::Connection;

/// The steps. The first step makes format 1.
const STEPS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
];

/// Returns the format that this version writes.
pub(crate) fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Runs the steps after `from`, inside the caller's transaction.
pub(crate) fn run(db: &Connection, from: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(from).unwrap_or_default();
    for step in STEPS.iter().skip(done) {
        db.execute_batch(step)?;
    }
    db.pragma_update(None, "user_version", latest())
}
