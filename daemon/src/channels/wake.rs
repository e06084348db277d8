//! Wakes an agent for what it has not read: soon after it came, then again, ever more rarely, and
//! not at all once it was read. Nothing is queued, so nothing can be lost: what is unread now
//! decides, and the log is durable.

use std::sync::Arc;
use std::time::Duration;

use p2p_core::Time;
use p2p_core::record::EventKind;
use serde::{Deserialize, Serialize};

use super::{BACK_OFF, Channel, Desk, Ledger, Outcome, announce, news, openclaw};
use p2p_config::Openclaw;
use p2p_store::StoreError;

/// How quiet it must be first, and how long that is waited for.
const QUIET: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);
/// The least time between two wakes, whatever comes.
const GAP: Duration = Duration::from_secs(20);
/// When to wake again for the same.
const AGAIN: [Duration; 3] =
    [Duration::from_secs(300), Duration::from_secs(1800), Duration::from_secs(7200)];
/// How often within a day.
const A_DAY: u32 = 12;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long to sleep at most: clocks jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How much of what is new is looked at in one go.
const LOOK: u32 = 200;

/// What an agent was woken for, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Mark {
    /// The last entry that it was woken for.
    upto: u64,
    /// How often, since something new came or a day began.
    tries: u32,
    /// When the first and the last of those were, in milliseconds.
    first: u64,
    last: u64,
}

/// What there is to wake for.
#[derive(Debug, Clone, Copy)]
struct Unread {
    /// When the first and the last came that nobody was woken for, and the last one's number.
    fresh: Option<(Time, Time, u64)>,
}

impl Mark {
    /// When to wake next.
    fn due(&self, unread: Unread) -> Time {
        let gap = Time(self.last) + GAP;
        match unread.fresh {
            Some((first, last, _)) => (last + QUIET).min(first + PATIENCE).max(gap),
            None if self.tries >= A_DAY => Time(self.first) + DAY,
            None => {
                let index = usize::try_from(self.tries.saturating_sub(1)).unwrap_or(usize::MAX);
                Time(self.last) + AGAIN[index.min(AGAIN.len() - 1)]
            }
        }
    }

    /// A wake was taken.
    fn woke(self, now: Time, unread: Unread) -> Self {
        let anew = Self { upto: self.upto, tries: 1, first: now.0, last: now.0 };
        match unread.fresh {
            Some((.., upto)) => Self { upto, ..anew },
            None if self.tries >= A_DAY => anew,
            None => Self { tries: self.tries + 1, last: now.0, ..self },
        }
    }
}

/// Runs until the daemon stops.
pub(super) async fn run<L: Ledger>(channel: Arc<Channel>, gateway: Openclaw, desk: Arc<Desk<L>>) {
    let kinds = news::kinds(&channel.events);
    let mut mark: Mark = channel.mark().unwrap_or_default();
    let mut changes = desk.ledger.changes();
    // Tries that failed, and when the next one may be.
    let (mut failed, mut not_before) = (0, Time(0));
    loop {
        changes.borrow_and_update();
        let unread = look(&desk, &kinds, mark.upto).unwrap_or_else(|error| {
            tracing::warn!(channel = channel.name, %error, "the log could not be read");
            None
        });
        let Some(unread) = unread else {
            channel.health.news(0);
            (failed, not_before) = (0, Time(0));
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let now = crate::now();
        let due = mark.due(unread).max(not_before);
        if due > now {
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(due.since(now).min(LONGEST_SLEEP)) => {}
            }
            continue;
        }
        let outcome = match openclaw::words(&desk.reader()) {
            Ok(text) => Ok(text),
            Err(error) => Err(Outcome::Later(error.to_string())),
        };
        let outcome = match outcome {
            Ok(text) => openclaw::wake(&gateway, text).await,
            Err(outcome) => outcome,
        };
        match outcome {
            Outcome::Took => {
                channel.health.took();
                channel.health.news(0);
                (failed, not_before) = (0, Time(0));
                mark = mark.woke(crate::now(), unread);
                channel.keep(&desk, &mark).await;
            }
            // Somebody must mend the token; it will be noticed when that was done.
            Outcome::Never(cause) | Outcome::Later(cause) => {
                channel.health.failed(channel.name, &cause);
                channel.health.news(1);
                not_before = crate::now() + BACK_OFF[failed.min(BACK_OFF.len() - 1)];
                failed += 1;
            }
        }
    }
}

/// What our agent has not read, if anything.
fn look<L: Ledger>(
    desk: &Desk<L>,
    kinds: &[EventKind],
    upto: u64,
) -> Result<Option<Unread>, StoreError> {
    let store = desk.reader();
    let fresh = announce::unread(&store, kinds, upto, LOOK)?;
    if let (Some(first), Some(last)) = (fresh.first(), fresh.last()) {
        return Ok(Some(Unread { fresh: Some((first.at, last.at, last.seq)) }));
    }
    let some = !announce::unread(&store, kinds, 0, 1)?.is_empty();
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
        Unread { fresh: Some((at(first), at(last), seq)) }
    }

    #[test]
    fn it_is_quiet_before_a_wake_and_wakes_keep_their_distance() {
        let mark = Mark::default();
        assert_eq!(mark.due(fresh(0, 0, 1)), at(2));
        assert_eq!(mark.due(fresh(0, 7, 9)), at(9));
        assert_eq!(mark.due(fresh(0, 60, 99)), at(10), "a flood is no excuse");
        let mark = mark.woke(at(2), fresh(0, 0, 1));
        assert_eq!(mark, Mark { upto: 1, tries: 1, first: at(2).0, last: at(2).0 });
        assert_eq!(mark.due(fresh(3, 3, 2)), at(22));
    }

    #[test]
    fn the_same_is_told_ever_more_rarely_and_at_most_twelve_times_a_day() {
        let same = Unread { fresh: None };
        let mut mark = Mark::default().woke(at(0), fresh(0, 0, 1));
        let mut wakes = vec![at(0)];
        while wakes.len() < 40 {
            let due = mark.due(same);
            mark = mark.woke(due, same);
            wakes.push(due);
        }
        assert_eq!(wakes[1..4], [at(300), at(2100), at(9300)]);
        for wake in &wakes {
            let within = wakes.iter().filter(|at| **at >= *wake && at.since(*wake) < DAY).count();
            assert!(within <= 12, "{within} from {wake:?}");
        }
        // Something new begins anew.
        let mark = mark.woke(at(999_999), fresh(0, 0, 2));
        assert_eq!((mark.tries, mark.upto, mark.due(same)), (1, 2, at(1_000_299)));
    }
}
