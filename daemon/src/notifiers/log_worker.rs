//! The worker that notifies a sink of the event log, entry by entry and in order. Its position in
//! the log is stored, so that a restart neither loses nor repeats a notification. Entries that our
//! agent has read are skipped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use p2p_core::record::EventKind;
use p2p_store::StoreError;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::journal::Journal;
use super::notification::{self, Notification};
use super::notifier::Notifier;
use super::outcome::Outcome;
use super::sink_context::SinkContext;
use super::unread::unread;

/// Age past which an entry is not worth a notification.
const TOO_OLD: Duration = Duration::from_secs(24 * 3600);
/// Most notifications within a minute. Entries that wait meanwhile may be read before their turn.
const PER_MINUTE: usize = 30;
/// Undelivered notifications are counted up to this number.
const COUNTED: u32 = 100;

/// The position of a notifier in the event log.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Position {
    /// The last entry that the sink took, or that was given up.
    #[serde(rename = "upto")]
    seq: u64,
    /// Number of entries that were given up and are still unread.
    lost: u32,
}

/// Returns the stored position of a new notifier, which begins after the newest entry.
pub(super) fn beginning(newest: u64) -> String {
    serde_json::to_string(&Position { seq: newest, lost: 0 }).unwrap_or_default()
}

/// Runs until the daemon stops.
pub(super) async fn run<J: Journal>(notifier: Arc<Notifier>, context: Arc<SinkContext<J>>) {
    let mut changes = context.journal.changes();
    let kinds = notification::kinds(&notifier.events);
    let position = notifier.stored().unwrap_or_default();
    let mut worker = LogWorker {
        notifier,
        context,
        kinds,
        position,
        rate: RateLimit::default(),
        backoff: Backoff::default(),
    };
    loop {
        changes.borrow_and_update();
        match worker.step().await {
            Step::Again => {}
            Step::Sleep(delay) => tokio::time::sleep(delay).await,
            Step::AwaitChange => {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

struct LogWorker<J> {
    notifier: Arc<Notifier>,
    context: Arc<SinkContext<J>>,
    kinds: Vec<EventKind>,
    position: Position,
    rate: RateLimit,
    backoff: Backoff,
}

/// The next thing for the worker to do.
enum Step {
    Again,
    Sleep(Duration),
    AwaitChange,
}

/// The next entry of the log, as the worker sees it.
enum Next {
    Nothing { all_read: bool },
    Stale(u64),
    Entry(u64, Box<Notification>),
}

impl<J: Journal> LogWorker<J> {
    async fn step(&mut self) -> Step {
        match self.next() {
            Ok(Next::Nothing { all_read }) => {
                if all_read && self.position.lost > 0 {
                    self.position.lost = 0;
                    self.notifier.store(&self.context, &self.position).await;
                }
                self.notifier.health.set_notifications(self.position.lost);
                self.backoff = Backoff::default();
                Step::AwaitChange
            }
            Ok(Next::Stale(seq)) => self.give_up(seq).await,
            Ok(Next::Entry(seq, notification)) => self.notify(seq, &notification).await,
            Err(error) => {
                let notifier = self.notifier.name;
                tracing::warn!(notifier, %error, "the event log could not be read");
                Step::AwaitChange
            }
        }
    }

    async fn notify(&mut self, seq: u64, notification: &Notification) -> Step {
        if let Some(wait) = self.rate.wait(Instant::now()) {
            // The entry may be read by then.
            return Step::Sleep(wait);
        }
        let notifier = &self.notifier;
        match notifier.sink.notify(notification).await {
            Outcome::Taken => {
                self.backoff = Backoff::default();
                notifier.health.succeeded();
                self.position.seq = seq;
                notifier.store(&self.context, &self.position).await;
                Step::Again
            }
            Outcome::GiveUp(cause) => {
                notifier.health.failed(notifier.name, &cause);
                self.give_up(seq).await
            }
            Outcome::Retry(cause) => {
                notifier.health.failed(notifier.name, &cause);
                let waiting = self.position.lost.saturating_add(self.waiting());
                notifier.health.set_notifications(waiting);
                Step::Sleep(self.backoff.failed())
            }
        }
    }

    async fn give_up(&mut self, seq: u64) -> Step {
        self.position = Position { seq, lost: self.position.lost.saturating_add(1) };
        self.notifier.health.set_notifications(self.position.lost);
        self.notifier.store(&self.context, &self.position).await;
        Step::Again
    }

    /// Returns the next entry to notify of.
    fn next(&self) -> Result<Next, StoreError> {
        let store = self.context.reader();
        let entries = unread(&store, &self.kinds, self.position.seq, 1)?;
        let Some(entry) = entries.into_iter().next() else {
            return Ok(Next::Nothing { all_read: unread(&store, &self.kinds, 0, 1)?.is_empty() });
        };
        if crate::now().since(entry.at) > TOO_OLD {
            return Ok(Next::Stale(entry.seq));
        }
        Ok(match notification::of_entry(&store, self.context.me, &entry)? {
            Some(notification) => Next::Entry(entry.seq, Box::new(notification)),
            None => Next::Stale(entry.seq),
        })
    }

    fn waiting(&self) -> u32 {
        let waiting = unread(&self.context.reader(), &self.kinds, self.position.seq, COUNTED);
        u32::try_from(waiting.map_or(0, |waiting| waiting.len())).unwrap_or(COUNTED)
    }
}

/// The attempts of the last minute.
#[derive(Default)]
struct RateLimit(VecDeque<Instant>);

impl RateLimit {
    /// Returns the wait before the next attempt; notes the attempt where there is no wait.
    fn wait(&mut self, now: Instant) -> Option<Duration> {
        const MINUTE: Duration = Duration::from_secs(60);
        self.0.retain(|at| now.duration_since(*at) < MINUTE);
        if self.0.len() >= PER_MINUTE {
            return self.0.front().map(|at| (*at + MINUTE).duration_since(now));
        }
        self.0.push_back(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_thirty_notifications_go_out_within_a_minute() {
        let (mut rate, start) = (RateLimit::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..30 {
            assert_eq!(rate.wait(at(second)), None);
        }
        assert_eq!(rate.wait(at(30)), Some(Duration::from_secs(30)));
        assert_eq!(rate.wait(at(60)), None);
        assert_eq!(rate.wait(at(60)), Some(Duration::from_secs(1)));
    }
}
