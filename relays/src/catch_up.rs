//! What a relay kept for us, paged through backwards: from its newest wrap to those that may be
//! as old as the last time that all of it was taken in, less two days (wraps are backdated) and
//! an hour (clocks are wrong).
//!
//! Relays cut an answer at a number of events that they need not name, and several wraps can be
//! of one second. So a page ends nowhere but where the next one, which begins with the oldest
//! second of the one before, brings nothing new.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use nostr::{Event, EventId, Timestamp};

use super::admission::MAX_EVENT;
use super::hub::Hub;
use super::inbox::kept_since;

/// Events that are asked for at once; a relay may give less. After an answer that fails, less is
/// asked for, down to the other number.
const PAGE: (usize, usize) = (500, 20);
/// Pages, and events of them, at one time. A relay that has more makes it up: it is not listened to
/// any further before the next round, and what it has is not taken for all of it.
const PAGES: usize = 5000;
const EVENTS: usize = 100_000;
/// How long a relay may take for a page.
const WAIT: Duration = Duration::from_secs(30);
/// Bytes that are gathered before they are looked at.
const GATHERED: usize = 8 * 1024 * 1024;

/// Pages through everything, and says whether the relay came through. What was found is behind whatever the
/// relay told before; so is the note that it was all.
pub(super) async fn run(hub: Arc<Hub>, url: Arc<str>) -> bool {
    let (started, epoch) = (hub.clock.now(), hub.epoch());
    let bottom = kept_since(hub.me, hub.caught_up(&url));
    let mut paging = Paging::default();
    let mut gathered = Gathered::default();
    let mut page = hub.limits(&url).page(PAGE.0);
    for _ in 0..PAGES {
        if paging.had.len() >= EVENTS {
            break;
        }
        let mut filter = bottom.clone().limit(page);
        filter.until = paging.until;
        let answer = hub.ask_one(&url, &filter, page, MAX_EVENT, WAIT).await;
        if let Err(cause) = answer.complete {
            tracing::debug!(relay = %url, cause, page, "a page of what it kept did not come");
            if page <= PAGE.1 {
                return false;
            }
            page = (page / 5).max(PAGE.1.min(page));
            continue;
        }
        let events =
            answer.events.into_iter().filter(|event| filter.match_event(event, Default::default()));
        let fresh = paging.take(events.collect());
        for event in fresh.into_iter().filter(|event| !hub.gate.has_seen(&event.id)) {
            gathered.add(event);
        }
        if gathered.size >= GATHERED && !gathered.hand_over(&hub, &url).await {
            return false;
        }
        if paging.is_over {
            return gathered.hand_over(&hub, &url).await
                && hub.ingest.caught_up(&url, started, epoch);
        }
    }
    tracing::warn!(relay = %url, "it has more for us than can be");
    gathered.hand_over(&hub, &url).await
}

/// How far the paging got.
#[derive(Debug, Default)]
struct Paging {
    until: Option<Timestamp>,
    had: HashSet<EventId>,
    is_over: bool,
}

impl Paging {
    /// Takes a page, and gives back what is new in it.
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

/// What was found and not looked at.
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

    async fn hand_over(&mut self, hub: &Hub, url: &Arc<str>) -> bool {
        let Self { events, size } = std::mem::take(self);
        events.is_empty() || hub.ingest.offer_all(events, size, url).await
    }
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys};

    use super::*;

    /// A relay that has events of these seconds and gives so many, newest first.
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
