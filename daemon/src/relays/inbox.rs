//! Whether we listen at a relay, and when to ask again.
//!
//! We keep count of the subscription ourselves: a relay's `CLOSED` ends it for any reason, a
//! relay may forget to say that the stored events are through, and events that we had no room
//! for must be asked for again.

use std::time::Duration;

use nostr::{Filter, Kind, Timestamp};
use p2p_core::{PublicKey, Time};
use tokio::time::Instant;

use super::wrap::BACKDATING;

/// How long a relay may take to come through with stored events before it is asked again.
const EOSE: Duration = Duration::from_secs(20);
/// The pauses between attempts to subscribe: from, to.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// After events were dropped for want of room, ask again no sooner than this.
const CATCH_UP: Duration = Duration::from_secs(10);

/// What to subscribe to: everything for us. Wraps are dated up to two days back, so `since`
/// reaches further, and neither `until` nor `limit` may be set on a live subscription.
pub(super) fn filter(me: PublicKey, now: Time) -> Filter {
    let since = now.secs().saturating_sub(BACKDATING + 3600);
    Filter::new()
        .kind(Kind::GiftWrap)
        .pubkey(nostr::PublicKey::from_byte_array(me.0))
        .since(Timestamp::from(since))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To be asked for at this time.
    Due(Instant),
    /// Asked for; the end of the stored events is awaited until then.
    Asked(Instant),
    /// Live. With a time: something was dropped, and is to be asked for again then.
    Live(Option<Instant>),
}

/// What is to be done about the subscription now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Rest,
    /// Subscribe; an answer is awaited from here on.
    Subscribe,
    /// The relay did not answer in time. It is asked again later.
    Silent,
}

/// The subscription to what is for us, at one relay, for one connection.
#[derive(Debug)]
pub(super) struct Inbox {
    phase: Phase,
    failures: u32,
    listening: bool,
    /// Something was dropped since the last time that we asked.
    missed: bool,
}

impl Inbox {
    pub fn new(now: Instant) -> Self {
        Self { phase: Phase::Due(now), failures: 0, listening: false, missed: false }
    }

    /// When [`Inbox::step`] has something to do next.
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Due(at) | Phase::Asked(at) | Phase::Live(Some(at)) => Some(at),
            Phase::Live(None) => None,
        }
    }

    /// What is to be done now. `has_room`: whether there is room for what would come.
    pub fn step(&mut self, now: Instant, has_room: bool) -> Step {
        match self.phase {
            Phase::Live(Some(at)) if now >= at && !has_room => {
                self.phase = Phase::Live(Some(now + CATCH_UP));
                Step::Rest
            }
            Phase::Due(at) | Phase::Live(Some(at)) if now >= at => {
                self.phase = Phase::Asked(now + EOSE);
                self.missed = false;
                Step::Subscribe
            }
            Phase::Asked(by) if now >= by => {
                self.put_off(now);
                Step::Silent
            }
            _ => Step::Rest,
        }
    }

    /// The stored events are through. True when we listen now and did not before.
    pub fn live(&mut self, now: Instant) -> bool {
        self.phase = Phase::Live(self.missed.then(|| now + CATCH_UP));
        self.failures = 0;
        !std::mem::replace(&mut self.listening, true)
    }

    /// The relay ended the subscription.
    pub fn closed(&mut self, now: Instant) {
        self.listening = false;
        self.put_off(now);
    }

    /// The relay knows now who we are: ask at once if it does not let us listen yet.
    pub fn authenticated(&mut self, now: Instant) {
        if !self.listening {
            self.phase = Phase::Due(now);
        }
    }

    /// An event was dropped unseen: it is asked for again.
    pub fn missed(&mut self, now: Instant) {
        self.missed = true;
        if self.phase == Phase::Live(None) {
            self.phase = Phase::Live(Some(now + CATCH_UP));
        }
    }

    /// Whether we listen.
    pub fn is_listening(&self) -> bool {
        self.listening
    }

    fn put_off(&mut self, now: Instant) {
        let pause = RETRY.0.saturating_mul(1 << self.failures.min(5)).min(RETRY.1);
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Due(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_at_once_and_again_after_it_was_closed() {
        let mut now = Instant::now();
        let mut inbox = Inbox::new(now);
        assert_eq!(inbox.step(now, true), Step::Subscribe);
        assert_eq!(inbox.step(now, true), Step::Rest);
        assert!(inbox.live(now));
        assert_eq!(inbox.next_deadline(), None);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            inbox.closed(now);
            assert!(!inbox.is_listening());
            let due = inbox.next_deadline().unwrap();
            pauses.push((due - now).as_secs());
            now = due;
            assert_eq!(inbox.step(now, true), Step::Subscribe);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        assert!(inbox.live(now));
        inbox.closed(now);
        assert_eq!(inbox.next_deadline(), Some(now + Duration::from_secs(2)));
    }

    #[test]
    fn silence_is_noticed_and_auth_ends_a_pause() {
        let now = Instant::now();
        let mut inbox = Inbox::new(now);
        inbox.step(now, true);
        assert_eq!(inbox.step(now + EOSE, true), Step::Silent);
        assert_eq!(inbox.step(now + EOSE, true), Step::Rest);
        inbox.authenticated(now + EOSE);
        assert_eq!(inbox.step(now + EOSE, true), Step::Subscribe);
    }

    #[test]
    fn what_was_dropped_is_asked_for_again_when_there_is_room() {
        let mut now = Instant::now();
        let mut inbox = Inbox::new(now);
        inbox.step(now, true);
        inbox.missed(now);
        assert!(inbox.live(now));
        now += CATCH_UP;
        assert_eq!(inbox.step(now, false), Step::Rest);
        now += CATCH_UP;
        assert_eq!(inbox.step(now, true), Step::Subscribe);
        assert!(inbox.is_listening());
        assert!(!inbox.live(now), "it listened all the while");
        assert_eq!(inbox.next_deadline(), None);
        inbox.missed(now);
        assert_eq!(inbox.next_deadline(), Some(now + CATCH_UP));
    }

    #[test]
    fn the_filter_reaches_behind_backdated_wraps_and_has_no_end() {
        let filter = filter(PublicKey([1; 32]), Time::from_secs(1_000_000));
        assert_eq!(filter.since, Some(Timestamp::from(1_000_000 - 172_800 - 3600)));
        assert_eq!((filter.until, filter.limit), (None, None));
    }
}
