//! Keeps the store from growing without end: at the start and once a day, a little each round of
//! the engine's thread, so that nothing waits for it.

use std::time::Duration;

use p2p_core::Time;
use p2p_core::engine::{Command, Engine, Input};

use crate::downloads::Downloads;
use crate::store::{Store, StoreError};

/// How often what is too old is looked for.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Commands of ours that nobody waits for.
const NOBODY: u64 = u64::MAX;

/// How long things are kept, from when a call ended, a direct message was written or a file came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// Calls with all that was said, and direct messages; for ever without it.
    pub messages: Option<Duration>,
    /// Received files; for ever without it.
    pub files: Option<Duration>,
}

/// What is to be done, and how far it got.
#[derive(Debug)]
pub struct Tidying {
    retention: Retention,
    due: Time,
    calls: Option<u32>,
    files: Option<u32>,
}

impl Tidying {
    /// Begins at once.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self { retention, due: Time(0), calls: Some(0), files: Some(0) }
    }

    /// When there is something to do.
    #[must_use]
    pub fn due(&self) -> Time {
        self.due
    }

    /// Does some of it. What is to be forgotten goes through the engine, which may still need it.
    ///
    /// # Errors
    /// When the store refuses: it is tried again in a day.
    pub fn step(
        &mut self,
        now: Time,
        store: &mut Store,
        engine: &mut Engine,
        downloads: &Downloads,
    ) -> Result<(), StoreError> {
        // Whatever comes of this: a store that refuses is not asked again and again.
        let next = now + EVERY;
        self.due = next;
        let before = |span: Option<Duration>| span.and_then(|span| ago(now, span));
        let messages = before(self.retention.messages);
        let mut more = store.tidy(now, messages)?;
        if let (Some(before), Some(after)) = (messages, self.calls) {
            let calls = store.calls_due(before, after)?;
            self.calls = calls.last().map(|call| call.handle);
            for call in calls {
                let command = Command::Purge(call.what);
                engine.handle(now, Input::Command { token: NOBODY, command });
            }
            more |= self.calls.is_some();
        }
        if let (Some(before), Some(after)) = (before(self.retention.files), self.files) {
            let files = store.files_due(before, after)?;
            self.files = files.last().map(|file| file.handle);
            for file in files {
                if downloads.remove(&file.what) {
                    store.file_dropped(file.handle)?;
                }
            }
            more |= self.files.is_some();
        }
        if more {
            self.due = now;
        } else {
            (self.calls, self.files) = (Some(0), Some(0));
            store.compact()?;
        }
        Ok(())
    }
}

fn ago(now: Time, span: Duration) -> Option<Time> {
    now.0.checked_sub(u64::try_from(span.as_millis()).ok()?).map(Time)
}
