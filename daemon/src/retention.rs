//! Retention: deletes what is past its age, at the start and once a day, in small steps between the
//! batches of the engine's thread, so that nothing waits for it.

use std::time::Duration;

use p2p_config::Retention;
use p2p_core::Time;
use p2p_core::engine::{Engine, command};

use crate::downloads::Downloads;
use p2p_store::{Store, StoreError};

/// Interval between runs.
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// A run of the retention, and its progress.
#[derive(Debug)]
pub(crate) struct RetentionRun {
    retention: Retention,
    due: Time,
    calls: Option<u32>,
    files: Option<u32>,
}

impl RetentionRun {
    /// Returns a run that is due at once.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self { retention, due: Time(0), calls: Some(0), files: Some(0) }
    }

    /// Returns the time of the next step.
    #[must_use]
    pub fn due(&self) -> Time {
        self.due
    }

    /// Deletes a few items. Calls are deleted through the engine, which may still need them.
    ///
    /// # Errors
    /// The error of the store. The next attempt is a day later.
    pub fn step(
        &mut self,
        now: Time,
        store: &mut Store,
        engine: &mut Engine,
        downloads: &Downloads,
    ) -> Result<(), StoreError> {
        // Set first, so that a store that fails is not asked again at once.
        let next = now + EVERY;
        self.due = next;
        let before = |span: Option<Duration>| span.and_then(|span| ago(now, span));
        let messages = before(self.retention.messages);
        let mut more = store.sweep(now, messages)?;
        if let (Some(before), Some(after)) = (messages, self.calls) {
            let calls = store.calls_due(before, after)?;
            self.calls = calls.last().map(|call| call.handle);
            for call in calls {
                // A call that the engine still needs stays until the next run.
                let _ = engine.execute(now, command::ForgetCall(call.item));
            }
            more |= self.calls.is_some();
        }
        if let (Some(before), Some(after)) = (before(self.retention.files), self.files) {
            let files = store.files_due(before, after)?;
            self.files = files.last().map(|file| file.handle);
            for file in files {
                if downloads.remove(&file.item) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_core::call::{By, Call, Ended, State};
    use p2p_core::change::{CallChange, Change};
    use p2p_core::digest::Digests;
    use p2p_core::engine::Output;
    use p2p_core::policy::Settings;
    use p2p_core::wire::{Closing, Reason};
    use p2p_core::{CallId, InstanceId, PublicKey};

    const DAY: u64 = 24 * 3600 * 1000;
    const NOW: Time = Time(1_800_000_000_000);

    fn ended(handle: u32, days_ago: u64) -> Change {
        let at = Time(NOW.0 - days_ago * DAY);
        let closing = Closing::new(Reason::Completed, "");
        Change::Call(CallChange::Put(Box::new(Call {
            handle,
            id: CallId(uuid::Uuid::from_u128(handle.into())),
            peer: PublicKey([7; 32]),
            outgoing: true,
            topic: "x".into(),
            opening: None,
            note: None,
            invite: None,
            opened: at,
            answered: None,
            lifetime: EVERY,
            state: State::Ended(Ended { at, closing, by: By::Us, word: None }),
            digests: Digests::default(),
        })))
    }

    #[test]
    fn calls_past_their_age_are_deleted_in_small_steps() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("store.db"), &[7; 32]).unwrap();
        let old = (1..=50).map(|handle| ended(handle, 366));
        let young = (51..=53).map(|handle| ended(handle, 364));
        store.commit(&old.chain(young).collect::<Vec<_>>()).unwrap();
        let (me, settings) = (PublicKey([1; 32]), Settings::default());
        let snapshot = store.snapshot(NOW).unwrap();
        let mut engine = Engine::restore(me, InstanceId([1; 8]), [1; 32], settings, snapshot, NOW);
        let downloads = Downloads::new(dir.path().into(), 0);
        let mut run = RetentionRun::new(Retention { messages: Some(EVERY * 365), files: None });
        let mut rounds = 0;
        while run.due() <= NOW {
            run.step(NOW, &mut store, &mut engine, &downloads).unwrap();
            let outputs = std::iter::from_fn(|| engine.poll());
            let changes = outputs.filter_map(|output| match output {
                Output::Persist(change) => Some(change),
                _ => None,
            });
            store.commit(&changes.collect::<Vec<_>>()).unwrap();
            rounds += 1;
            assert!(rounds < 9, "the run does not end");
        }
        assert_eq!((rounds, run.due()), (4, NOW + EVERY));
        let (left, more) = store.reader().unwrap().calls("agent", 99).unwrap();
        let left: Vec<u32> = left.iter().map(|row| row.call.handle).collect();
        assert_eq!((left, more), (vec![53, 52, 51], 0));
    }
}
