//! Catching up with the messages that a relay stored for us, in pages from the newest wrap backwards,
//! down to the last complete catch-up, less two days (wraps are backdated) and an hour (clocks are
//! wrong).
//!
//! Relays cut an answer at a number of events that they need not name, and several wraps can be of one
//! second. So each page begins with the oldest second of the page before, and the paging ends when a
//! page brings nothing new.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use nostr::{Event, EventId, Timestamp};

use crate::context::Context;
use crate::drops::DropReason;
use crate::inbox::admission::MAX_EVENT;
use crate::inbox::subscription::stored_since;
use crate::transport::query::Question;
use crate::transport::table::Table;

/// The events that are asked for at once; a relay may give fewer. After an answer that fails, fewer
/// are asked for, down to the second number.
const PAGE: (usize, usize) = (500, 20);
/// The most pages, and the most events, of one catch-up. A relay that has more invents them: its
/// events count as incomplete, and it is asked again in the next round.
const PAGES: usize = 5000;
const EVENTS: usize = 100_000;
/// The time for a page.
const WAIT: Duration = Duration::from_secs(30);
/// The bytes of events that are gathered before they are checked.
const GATHERED: usize = 8 * 1024 * 1024;

/// Pages through the stored messages. Returns whether the relay came through with all of them. They,
/// and the report that they are complete, are queued behind the relay's earlier events.
pub(crate) async fn run(context: Arc<Context>, table: Arc<Table>, url: Arc<str>) -> bool {
    let (started, epoch) = (context.now(), table.epoch());
    let bottom = stored_since(context.identity.public, table.caught_up(&url));
    let mut paging = Paging::default();
    let mut gathered = Gathered::default();
    let mut page = table.limits(&url).page(PAGE.0);
    for _ in 0..PAGES {
        if paging.had.len() >= EVENTS {
            break;
        }
        let mut filter = bottom.clone().limit(page);
        filter.until = paging.until;
        let question =
            Question { filter: filter.clone(), max_events: page, max_size: MAX_EVENT, wait: WAIT };
        let answer = table.ask_one(&url, &question).await;
        if let Err(cause) = answer.complete {
            tracing::debug!(relay = %url, cause, page, "a page of stored messages did not come");
            if page <= PAGE.1 {
                return false;
            }
            page = (page / 5).max(PAGE.1.min(page));
            continue;
        }
        let events =
            answer.events.into_iter().filter(|event| filter.match_event(event, Default::default()));
        let fresh = paging.take(events.collect());
        for event in fresh {
            if context.seen.has(&event.id) {
                let reason = DropReason::AlreadySeen;
                context.drops.note(&url, reason, reason.as_str());
            } else {
                gathered.add(event);
            }
        }
        if gathered.size >= GATHERED && !gathered.hand_over(&context, &url).await {
            return false;
        }
        if paging.is_over {
            return gathered.hand_over(&context, &url).await
                && context.intake.caught_up(&url, started, epoch);
        }
    }
    tracing::warn!(relay = %url, "the relay has more messages for us than there can be");
    gathered.hand_over(&context, &url).await
}

/// The state of the paging.
#[derive(Debug, Default)]
struct Paging {
    until: Option<Timestamp>,
    had: HashSet<EventId>,
    is_over: bool,
}

impl Paging {
    /// Takes a page, and returns the events that are new.
    fn take(&mut self, page: Vec<Event>) -> Vec<Event> {
        let oldest = page.iter().map(|event| event.created_at).min();
        let fresh: Vec<Event> =
            page.into_iter().filter(|event| self.had.insert(event.id)).collect();
        match oldest {
            Some(oldest) if fresh.is_empty() && oldest.as_secs() > 0 => {
                // All of that second, or all that can be had of it.
                self.until = Some(Timestamp::from(oldest.as_secs() - 1));
            }
            Some(oldest) if !fresh.is_empty() => self.until = Some(oldest),
            _ => self.is_over = true,
        }
        fresh
    }
}

/// Events that were found and not checked yet.
#[derive(Debug, Default)]
struct Gathered {
    events: Vec<Event>,
    size: usize,
}

impl Gathered {
    fn add(&mut self, event: Event) {
        // Close enough: the rest is of a fixed size.
        self.size += event.content.len() + 512;
        self.events.push(event);
    }

    async fn hand_over(&mut self, context: &Context, url: &Arc<str>) -> bool {
        let Self { events, size } = std::mem::take(self);
        events.is_empty() || context.intake.offer_stored(events, size, url).await
    }
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys};

    use super::*;

    /// Pages through a relay that has events of these seconds and gives `cap` at a time, newest first.
    /// Returns the events found and the pages asked for.
    fn pages(seconds: &[u64], cap: usize) -> (usize, usize) {
        let keys = Keys::generate();
        let mut kept: Vec<Event> = seconds
            .iter()
            .enumerate()
            .map(|(n, at)| {
                let note = EventBuilder::text_note(n.to_string());
                note.custom_created_at(Timestamp::from(*at)).sign_with_keys(&keys).unwrap()
            })
            .collect();
        kept.sort_by_key(|event| std::cmp::Reverse(event.created_at));
        let (mut paging, mut found, mut asked) = (Paging::default(), 0, 0);
        while !paging.is_over {
            asked += 1;
            assert!(asked < 1000, "no end");
            let until = paging.until;
            let fits = |event: &&Event| until.is_none_or(|until| event.created_at <= until);
            found += paging.take(kept.iter().filter(fits).take(cap).cloned().collect()).len();
        }
        (found, asked)
    }

    #[test]
    fn every_event_is_found_once_whatever_a_relay_gives_at_a_time() {
        let spread: Vec<u64> = (0..300).map(|n| 1000 + n * 7 % 90).collect();
        for cap in [20, 50, 299, 300, 500] {
            assert_eq!(pages(&spread, cap).0, 300, "{cap} at a time");
        }
        assert_eq!(pages(&[], 500), (0, 1));
        assert_eq!(pages(&[5], 500), (1, 3));
        assert_eq!(pages(&[0, 0, 1], 500), (3, 2));
        // More of one second than it gives: the rest of that second cannot be had, older can.
        assert_eq!(pages(&[7, 7, 7, 7, 7, 5, 4], 3).0, 5);
    }
}
