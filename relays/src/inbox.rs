//! Whether we listen at a relay, and when to ask again.
//!
//! The live subscription and what a relay kept are apart. We keep count of the subscription
//! ourselves: a relay's `CLOSED` ends it for any reason, and some forget it without a word while
//! they answer every ping. So one that brought nothing for a minute is asked for again, under the
//! same id, which replaces it, with an answer of one event at most. What the relay kept is paged
//! through ([`super::catch_up`]) once we listen, so that nothing falls between the two, and again
//! when something may have been missed.

use std::time::Duration;

use nostr::{Filter, Kind, Timestamp};
use p2p_core::{PublicKey, Time};
use tokio::time::Instant;

use super::wrap::BACKDATING;

/// How long a relay may take to answer a subscription.
const EOSE: Duration = Duration::from_secs(20);
/// The pauses between attempts, to subscribe as to catch up: from, to.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// A subscription that brought nothing for so long is asked for again.
const AUDIT: Duration = Duration::from_secs(60);
/// So many subscriptions without an answer are the end of the connection.
const DEAF: u32 = 3;
/// After something was missed, ask again no sooner than this.
const MISSED: Duration = Duration::from_secs(10);
/// How often a relay is caught up with while nothing seems to be missed.
const ROUND: Duration = Duration::from_secs(6 * 3600);

/// Everything for us since then. Wraps are dated up to two days back, and clocks are wrong.
pub(super) fn kept_since(me: PublicKey, since: Time) -> Filter {
    let since = since.secs().saturating_sub(BACKDATING + 3600);
    Filter::new()
        .kind(Kind::GiftWrap)
        .pubkey(nostr::PublicKey::from_byte_array(me.0))
        .since(Timestamp::from(since))
}

/// What to subscribe to. Of what the relay kept it is to tell one event, which proves that it
/// answers; `until` may not be set on a live subscription.
pub(super) fn live(me: PublicKey, now: Time) -> Filter {
    kept_since(me, now).limit(1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To be asked for at this time.
    Due(Instant),
    /// Asked for; the answer is awaited until then.
    Asked(Instant),
    /// Live, and to be asked for again then.
    Live(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// To be paged through at this time, or as soon after it as we listen.
    Due(Instant),
    /// Being paged through. Something was missed meanwhile, or not.
    Paging { missed: bool },
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
    /// It did not for several times: another connection may do better.
    Hopeless,
}

/// The subscription to what is for us, at one relay, for one connection.
#[derive(Debug)]
pub(super) struct Inbox {
    phase: Phase,
    failures: u32,
    silences: u32,
    listening: bool,
    kept: Kept,
    stumbles: u32,
}

impl Inbox {
    pub fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Due(now),
            failures: 0,
            silences: 0,
            listening: false,
            kept: Kept::Due(now),
            stumbles: 0,
        }
    }

    /// When [`Inbox::step`] or [`Inbox::catches_up`] has something to do next.
    pub fn next_deadline(&self) -> Instant {
        let (Phase::Due(at) | Phase::Asked(at) | Phase::Live(at)) = self.phase;
        match self.kept {
            Kept::Due(kept) if self.listening => at.min(kept),
            _ => at,
        }
    }

    /// What is to be done now.
    pub fn step(&mut self, now: Instant) -> Step {
        match self.phase {
            Phase::Due(at) | Phase::Live(at) if now >= at => {
                self.phase = Phase::Asked(now + EOSE);
                Step::Subscribe
            }
            Phase::Asked(by) if now >= by => {
                self.silences += 1;
                self.listening = false;
                self.put_off(now);
                if self.silences < DEAF { Step::Silent } else { Step::Hopeless }
            }
            _ => Step::Rest,
        }
    }

    /// The relay answered the subscription. True when we listen now and did not before.
    pub fn live(&mut self, now: Instant) -> bool {
        self.phase = Phase::Live(now + AUDIT);
        (self.failures, self.silences) = (0, 0);
        !std::mem::replace(&mut self.listening, true)
    }

    /// The subscription brought an event; `news`, if we never saw it. What a relay tells when it
    /// is asked again should be old: or else the subscription was not what it seemed.
    pub fn brought(&mut self, news: bool, now: Instant) {
        match self.phase {
            Phase::Live(_) => self.phase = Phase::Live(now + AUDIT),
            Phase::Asked(_) if self.listening && news => self.missed(now),
            Phase::Asked(_) | Phase::Due(_) => {}
        }
    }

    /// The relay ended the subscription: what came meanwhile is among what it kept.
    pub fn closed(&mut self, now: Instant) {
        self.listening = false;
        self.missed(now);
        self.put_off(now);
    }

    /// The relay knows now who we are: ask at once if it does not let us listen yet.
    pub fn authenticated(&mut self, now: Instant) {
        if !self.listening {
            self.phase = Phase::Due(now);
        }
    }

    /// Something was dropped unseen, or may have been.
    pub fn missed(&mut self, now: Instant) {
        match &mut self.kept {
            Kept::Paging { missed } => *missed = true,
            Kept::Due(at) => *at = (*at).min(now + MISSED),
        }
    }

    /// Whether to page through what the relay kept from now on. `has_room`: whether there is room
    /// for what would come.
    pub fn catches_up(&mut self, now: Instant, has_room: bool) -> bool {
        match self.kept {
            Kept::Due(at) if self.listening && now >= at => {
                self.kept =
                    if has_room { Kept::Paging { missed: false } } else { Kept::Due(now + MISSED) };
                has_room
            }
            _ => false,
        }
    }

    /// The paging is over; `whole`, if the relay came through with everything.
    pub fn caught_up(&mut self, whole: bool, now: Instant) {
        let missed = self.kept == Kept::Paging { missed: true };
        let pause = match (whole, missed) {
            (true, false) => ROUND,
            (true, true) => MISSED,
            (false, _) => pause(self.stumbles),
        };
        self.stumbles = if whole { 0 } else { self.stumbles.saturating_add(1) };
        self.kept = Kept::Due(now + pause);
    }

    /// Whether we listen.
    pub fn is_listening(&self) -> bool {
        self.listening
    }

    fn put_off(&mut self, now: Instant) {
        self.phase = Phase::Due(now + pause(self.failures));
        self.failures = self.failures.saturating_add(1);
    }
}

fn pause(failures: u32) -> Duration {
    RETRY.0.saturating_mul(1 << failures.min(5)).min(RETRY.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that listens and has caught up.
    fn settled(now: Instant) -> Inbox {
        let mut inbox = Inbox::new(now);
        assert_eq!(inbox.step(now), Step::Subscribe);
        assert!(inbox.live(now));
        assert!(inbox.catches_up(now, true));
        inbox.caught_up(true, now);
        inbox
    }

    #[test]
    fn asked_at_once_and_again_after_it_was_closed() {
        let mut now = Instant::now();
        let mut inbox = settled(now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            inbox.closed(now);
            assert!(!inbox.is_listening());
            let due = inbox.next_deadline();
            pauses.push((due - now).as_secs());
            now = due;
            assert_eq!(inbox.step(now), Step::Subscribe);
            assert_eq!(inbox.step(now), Step::Rest);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        assert!(inbox.live(now));
        assert!(inbox.catches_up(now, true), "what came meanwhile is among what it kept");
        inbox.closed(now);
        assert_eq!(inbox.next_deadline(), now + Duration::from_secs(2));
    }

    #[test]
    fn silence_is_noticed_and_ends_the_connection_when_it_lasts() {
        let mut now = Instant::now();
        let mut inbox = settled(now);
        now += AUDIT;
        assert_eq!(inbox.step(now), Step::Subscribe);
        assert!(inbox.is_listening(), "nothing is known against it");
        for answer in [Step::Silent, Step::Silent, Step::Hopeless] {
            now = inbox.next_deadline();
            assert_eq!(inbox.step(now), answer);
            assert!(!inbox.is_listening());
            now = inbox.next_deadline();
            assert_eq!(inbox.step(now), Step::Subscribe);
        }
        inbox.authenticated(now);
        assert_eq!(inbox.step(now), Step::Subscribe, "authentication ends a pause");
    }

    #[test]
    fn one_that_brings_something_is_not_audited_and_one_that_hid_something_is_caught_up_with() {
        let mut now = Instant::now();
        let mut inbox = settled(now);
        now += AUDIT / 2;
        inbox.brought(true, now);
        assert_eq!(inbox.next_deadline(), now + AUDIT);
        now += AUDIT;
        assert_eq!(inbox.step(now), Step::Subscribe);
        inbox.brought(false, now);
        assert!(!inbox.live(now), "it listened all the while");
        assert!(!inbox.catches_up(now + MISSED, true), "what it told was known");
        now += AUDIT;
        assert_eq!(inbox.step(now), Step::Subscribe);
        inbox.brought(true, now);
        inbox.live(now);
        assert!(inbox.catches_up(now + MISSED, true));
    }

    #[test]
    fn what_was_missed_is_paged_through_when_there_is_room() {
        let mut now = Instant::now();
        let mut inbox = Inbox::new(now);
        assert!(!inbox.catches_up(now, true), "not before we listen");
        inbox.step(now);
        inbox.live(now);
        assert!(!inbox.catches_up(now, false));
        now += MISSED;
        assert!(inbox.catches_up(now, true));
        assert!(!inbox.catches_up(now + ROUND, true), "once at a time");
        inbox.missed(now);
        inbox.caught_up(true, now);
        now += MISSED;
        assert!(inbox.catches_up(now, true), "something was missed meanwhile");
        let mut pauses = Vec::new();
        for _ in 0..3 {
            inbox.caught_up(false, now);
            let Kept::Due(at) = inbox.kept else { panic!() };
            pauses.push((at - now).as_secs());
            now = at;
            assert!(inbox.catches_up(now, true));
        }
        assert_eq!(pauses, [2, 4, 8]);
        inbox.caught_up(true, now);
        assert_eq!(inbox.kept, Kept::Due(now + ROUND));
    }

    #[test]
    fn the_filter_reaches_behind_backdated_wraps_and_has_no_end() {
        let filter = live(PublicKey([1; 32]), Time::from_secs(1_000_000));
        assert_eq!(filter.since, Some(Timestamp::from(1_000_000 - 172_800 - 3600)));
        assert_eq!((filter.until, filter.limit), (None, Some(1)));
    }
}
