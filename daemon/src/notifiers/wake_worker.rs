//! The worker that wakes an agent for what it has not read: soon after an item came, then again at
//! growing intervals, and not at all once everything was read. There is no queue: the unread items
//! of the log decide, and the log is durable.

use std::sync::Arc;
use std::time::Duration;

use p2p_config::Openclaw;
use p2p_core::Time;
use p2p_core::record::EventKind;
use p2p_store::StoreError;
use serde::{Deserialize, Serialize};

use super::backoff::Backoff;
use super::journal::Journal;
use super::notifier::Notifier;
use super::outcome::Outcome;
use super::sink_context::SinkContext;
use super::unread::unread;
use super::{notification, openclaw};

/// Time without a new item that a wake waits for.
const QUIET: Duration = Duration::from_secs(2);
/// Longest time that a wake waits for quiet.
const PATIENCE: Duration = Duration::from_secs(10);
/// Least time between two wakes.
const GAP: Duration = Duration::from_secs(20);
/// Time before each further wake for the same items. The last one repeats.
const AGAIN: [Duration; 3] =
    [Duration::from_secs(300), Duration::from_secs(1800), Duration::from_secs(7200)];
/// Most wakes for the same items within a day.
const PER_DAY: u32 = 12;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Longest sleep: the system's clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// Most new entries that one look reads.
const LOOK: u32 = 200;

/// The wakes that an agent was given. Stored, so that a restart does not wake again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Wakes {
    /// The last entry that the agent was woken for.
    #[serde(rename = "upto")]
    seq: u64,
    /// Wakes since the last new entry, or since a day began.
    tries: u32,
    /// Time of the first of those wakes, in milliseconds.
    first: u64,
    /// Time of the last of those wakes, in milliseconds.
    last: u64,
}

/// Unread items.
#[derive(Debug, Clone, Copy)]
struct Unread {
    /// The items without a wake so far, if any.
    fresh: Option<Fresh>,
}

/// Unread items that the agent was not woken for.
#[derive(Debug, Clone, Copy)]
struct Fresh {
    first: Time,
    last: Time,
    seq: u64,
}

impl Wakes {
    /// Returns the time of the next wake.
    fn due(&self, unread: Unread) -> Time {
        let gap = Time(self.last) + GAP;
        match unread.fresh {
            Some(fresh) => (fresh.last + QUIET).min(fresh.first + PATIENCE).max(gap),
            None if self.tries >= PER_DAY => Time(self.first) + DAY,
            None => {
                let index = usize::try_from(self.tries.saturating_sub(1)).unwrap_or(usize::MAX);
                Time(self.last) + AGAIN[index.min(AGAIN.len() - 1)]
            }
        }
    }

    /// Returns the wakes with one more, that the gateway took.
    fn woke(self, now: Time, unread: Unread) -> Self {
        let anew = Self { seq: self.seq, tries: 1, first: now.0, last: now.0 };
        match unread.fresh {
            Some(fresh) => Self { seq: fresh.seq, ..anew },
            None if self.tries >= PER_DAY => anew,
            None => Self { tries: self.tries + 1, last: now.0, ..self },
        }
    }
}

/// Runs until the daemon stops.
pub(super) async fn run<J: Journal>(
    notifier: Arc<Notifier>,
    gateway: Openclaw,
    context: Arc<SinkContext<J>>,
) {
    let kinds = notification::kinds(&notifier.events);
    let mut wakes: Wakes = notifier.stored().unwrap_or_default();
    let mut changes = context.journal.changes();
    // Failed attempts in a row, and the earliest time of the next one.
    let (mut backoff, mut not_before) = (Backoff::default(), Time(0));
    loop {
        changes.borrow_and_update();
        let unread = look(&context, &kinds, wakes.seq).unwrap_or_else(|error| {
            tracing::warn!(notifier = notifier.name, %error, "the event log could not be read");
            None
        });
        let Some(unread) = unread else {
            notifier.health.set_notifications(0);
            (backoff, not_before) = (Backoff::default(), Time(0));
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let now = crate::now();
        let due = wakes.due(unread).max(not_before);
        if due > now {
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(due.since(now).min(LONGEST_SLEEP)) => {}
            }
            continue;
        }
        match wake(&gateway, &context).await {
            Outcome::Taken => {
                notifier.health.succeeded();
                notifier.health.set_notifications(0);
                (backoff, not_before) = (Backoff::default(), Time(0));
                wakes = wakes.woke(crate::now(), unread);
                notifier.store(&context, &wakes).await;
            }
            // A wrong token is tried again too: the gateway's owner may correct it.
            Outcome::GiveUp(cause) | Outcome::Retry(cause) => {
                notifier.health.failed(notifier.name, &cause);
                notifier.health.set_notifications(1);
                not_before = crate::now() + backoff.failed();
            }
        }
    }
}

async fn wake<J: Journal>(gateway: &Openclaw, context: &SinkContext<J>) -> Outcome {
    let text = openclaw::text(&context.reader());
    match text {
        Ok(text) => openclaw::wake(gateway, text).await,
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

/// Returns the unread items, if any.
fn look<J: Journal>(
    context: &SinkContext<J>,
    kinds: &[EventKind],
    woken_for: u64,
) -> Result<Option<Unread>, StoreError> {
    let store = context.reader();
    let fresh = unread(&store, kinds, woken_for, LOOK)?;
    if let (Some(first), Some(last)) = (fresh.first(), fresh.last()) {
        let fresh = Fresh { first: first.at, last: last.at, seq: last.seq };
        return Ok(Some(Unread { fresh: Some(fresh) }));
    }
    let some = !unread(&store, kinds, 0, 1)?.is_empty();
    Ok(some.then_some(Unread { fresh: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(1_800_000_000_000);

    fn at(seconds: u64) -> Time {
        START + Duration::from_secs(seconds)
    }

    fn fresh(first: u64, last: u64, seq: u64) -> Unread {
        Unread { fresh: Some(Fresh { first: at(first), last: at(last), seq }) }
    }

    #[test]
    fn a_wake_waits_for_quiet_and_for_the_gap_after_the_last_wake() {
        let wakes = Wakes::default();
        assert_eq!(wakes.due(fresh(0, 0, 1)), at(2));
        assert_eq!(wakes.due(fresh(0, 7, 9)), at(9));
        assert_eq!(
            wakes.due(fresh(0, 60, 99)),
            at(10),
            "a flood does not postpone the wake further"
        );
        let wakes = wakes.woke(at(2), fresh(0, 0, 1));
        assert_eq!(wakes, Wakes { seq: 1, tries: 1, first: at(2).0, last: at(2).0 });
        assert_eq!(wakes.due(fresh(3, 3, 2)), at(22));
    }

    #[test]
    fn the_same_items_wake_at_growing_intervals_and_at_most_twelve_times_a_day() {
        let same = Unread { fresh: None };
        let mut wakes = Wakes::default().woke(at(0), fresh(0, 0, 1));
        let mut times = vec![at(0)];
        while times.len() < 40 {
            let due = wakes.due(same);
            wakes = wakes.woke(due, same);
            times.push(due);
        }
        assert_eq!(times[1..4], [at(300), at(2100), at(9300)]);
        for wake in &times {
            let within = times.iter().filter(|at| **at >= *wake && at.since(*wake) < DAY).count();
            assert!(within <= 12, "{within} from {wake:?}");
        }
        // A new item starts the count again.
        let wakes = wakes.woke(at(999_999), fresh(0, 0, 2));
        assert_eq!((wakes.tries, wakes.seq, wakes.due(same)), (1, 2, at(1_000_299)));
    }
}
