//! Tells a channel what happens, entry by entry of the log, in order. How far that got is durable,
//! so that a restart neither loses nor repeats. What our agent has read is not told any more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use p2p_core::record::{Event, EventKind};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{BACK_OFF, Channel, Desk, Ledger, News, Outcome, news};
use crate::verb::AGENT;
use p2p_store::{LogQuery, Reader, StoreError};

/// When something is not worth telling any more.
const TOO_OLD: Duration = Duration::from_secs(24 * 3600);
/// Most that is told within a minute. What waits meanwhile may be read before it is told.
const A_MINUTE: usize = 30;
/// Undelivered news are counted up to here.
const COUNTED: u32 = 100;

/// How far a channel was told, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Mark {
    /// The last entry that it took, or that was given up.
    upto: u64,
    /// How many were given up and not read since.
    lost: u32,
}

impl Mark {
    /// Where a channel begins that is new.
    pub fn at(upto: u64) -> Self {
        Self { upto, lost: 0 }
    }
}

/// How a channel that is new begins: with what happens from now on.
pub(super) fn beginning(last: u64) -> String {
    serde_json::to_string(&Mark::at(last)).unwrap_or_default()
}

/// Runs until the daemon stops.
pub(super) async fn run<L: Ledger>(channel: Arc<Channel>, desk: Arc<Desk<L>>) {
    let kinds = news::kinds(&channel.events);
    let mut mark: Mark = channel.mark().unwrap_or_default();
    let mut changes = desk.ledger.changes();
    let mut pace = Pace::default();
    let mut tries = 0;
    loop {
        changes.borrow_and_update();
        let next = next(&desk, &kinds, mark.upto);
        match next {
            Ok(Next::Nothing { all_read }) => {
                if all_read && mark.lost > 0 {
                    mark.lost = 0;
                    channel.keep(&desk, &mark).await;
                }
                channel.health.news(mark.lost);
                tries = 0;
                if changes.changed().await.is_err() {
                    return;
                }
            }
            Ok(Next::Stale(seq)) => mark = channel.give_up(&desk, mark, seq).await,
            Ok(Next::Entry(seq, told)) => {
                if let Some(wait) = pace.wait(Instant::now()) {
                    // By then it may have been read.
                    tokio::time::sleep(wait).await;
                    continue;
                }
                match channel.way.tell(&told).await {
                    Outcome::Took => {
                        tries = 0;
                        channel.health.took();
                        mark.upto = seq;
                        channel.keep(&desk, &mark).await;
                    }
                    Outcome::Never(cause) => {
                        channel.health.failed(channel.name, &cause);
                        mark = channel.give_up(&desk, mark, seq).await;
                    }
                    Outcome::Later(cause) => {
                        channel.health.failed(channel.name, &cause);
                        let waiting = waiting(&desk, &kinds, mark.upto);
                        channel.health.news(mark.lost.saturating_add(waiting));
                        tokio::time::sleep(BACK_OFF[tries.min(BACK_OFF.len() - 1)]).await;
                        tries += 1;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(channel = channel.name, %error, "the log could not be read");
                if changes.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Channel {
    async fn give_up<L: Ledger>(&self, desk: &Desk<L>, mark: Mark, upto: u64) -> Mark {
        let mark = Mark { upto, lost: mark.lost.saturating_add(1) };
        self.health.news(mark.lost);
        self.keep(desk, &mark).await;
        mark
    }
}

enum Next {
    Nothing { all_read: bool },
    Stale(u64),
    Entry(u64, Box<News>),
}

/// The next entry that is to be told.
fn next<L: Ledger>(desk: &Desk<L>, kinds: &[EventKind], after: u64) -> Result<Next, StoreError> {
    let store = desk.reader();
    let Some(entry) = unread(&store, kinds, after, 1)?.into_iter().next() else {
        return Ok(Next::Nothing { all_read: unread(&store, kinds, 0, 1)?.is_empty() });
    };
    if crate::now().since(entry.at) > TOO_OLD {
        return Ok(Next::Stale(entry.seq));
    }
    Ok(match news::of_entry(&store, desk.me, &entry)? {
        Some(news) => Next::Entry(entry.seq, Box::new(news)),
        None => Next::Stale(entry.seq),
    })
}

/// What our agent was not shown of the log.
pub(super) fn unread(
    store: &Reader,
    kinds: &[EventKind],
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = LogQuery { after, reader: Some(AGENT), call: None, kinds, limit };
    Ok(store.log(wanted)?.events)
}

fn waiting<L: Ledger>(desk: &Desk<L>, kinds: &[EventKind], after: u64) -> u32 {
    let waiting = unread(&desk.reader(), kinds, after, COUNTED).map_or(0, |waiting| waiting.len());
    u32::try_from(waiting).unwrap_or(COUNTED)
}

/// The last minute's tries.
#[derive(Default)]
struct Pace(VecDeque<Instant>);

impl Pace {
    /// How long to wait before the next one; without a wait, that one is noted.
    fn wait(&mut self, now: Instant) -> Option<Duration> {
        const MINUTE: Duration = Duration::from_secs(60);
        self.0.retain(|at| now.duration_since(*at) < MINUTE);
        if self.0.len() >= A_MINUTE {
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
    fn a_flood_is_told_at_a_pace() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..30 {
            assert_eq!(pace.wait(at(second)), None);
        }
        assert_eq!(pace.wait(at(30)), Some(Duration::from_secs(30)));
        assert_eq!(pace.wait(at(60)), None);
        assert_eq!(pace.wait(at(60)), Some(Duration::from_secs(1)));
    }
}
