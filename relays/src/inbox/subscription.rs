//! The live subscription to our messages at one relay, and the times to renew it and to catch up.
//!
//! The live subscription and the stored messages are apart. A relay's `CLOSED` ends a subscription
//! for any reason, and some relays forget it silently while they answer every ping. So a subscription
//! that brought nothing for a minute is opened again under the same id, which replaces it, with an
//! answer of one event at most. Stored messages are paged through ([`super::catch_up`]) once the
//! subscription is live, so that none is missed in between, and again when one may have been missed.

use std::time::Duration;

use nostr::{Filter, Kind, Timestamp};
use p2p_core::{PublicKey, Time};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::nip59::BACKDATING;

/// The time for a relay's answer to a subscription.
const EOSE: Duration = Duration::from_secs(20);
/// The pauses between attempts to subscribe, and to catch up: first, longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// A subscription that brought nothing for this time is opened again.
const AUDIT: Duration = Duration::from_secs(60);
/// The number of subscriptions without an answer that ends the connection.
const DEAF: u32 = 3;
/// The pause before stored messages are asked for again after one was missed.
const MISSED: Duration = Duration::from_secs(10);
/// The interval of catching up while nothing seems to be missed.
const ROUND: Duration = Duration::from_secs(6 * 3600);

/// Returns the filter for our messages since a time. Wraps are dated up to two days back, and clocks
/// are wrong.
pub(crate) fn stored_since(me: PublicKey, since: Time) -> Filter {
    let since = since.secs().saturating_sub(BACKDATING + 3600);
    Filter::new()
        .kind(Kind::GiftWrap)
        .pubkey(nostr::PublicKey::from_byte_array(me.0))
        .since(Timestamp::from(since))
}

/// Returns the filter of the live subscription. One stored event proves that the relay answers;
/// `until` may not be set on a live subscription.
pub(crate) fn live(me: PublicKey, now: Time) -> Filter {
    stored_since(me, now).limit(1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To be opened at this time.
    Due(Instant),
    /// Requested; the answer is due at this time.
    Asked(Instant),
    /// Live, and to be renewed at this time.
    Live(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// To be paged through at this time, or later when the subscription is live.
    Due(Instant),
    /// Being paged through; `missed` when an event was lost meanwhile.
    Paging { missed: bool },
}

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Rest,
    /// Subscribe; the answer is awaited from now on.
    Subscribe,
    /// The relay did not answer in time. The subscription is requested again later.
    Silent,
    /// The relay did not answer several times: another connection may do better.
    Hopeless,
}

/// The subscription to our messages at one relay, for one connection.
#[derive(Debug)]
pub(crate) struct Subscription {
    phase: Phase,
    pauses: Backoff,
    silences: u32,
    listening: bool,
    stored: Stored,
    catch_up_pauses: Backoff,
}

impl Subscription {
    /// Returns a subscription that is to be opened now.
    pub fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Due(now),
            pauses: Backoff::new(RETRY.0, RETRY.1),
            silences: 0,
            listening: false,
            stored: Stored::Due(now),
            catch_up_pauses: Backoff::new(RETRY.0, RETRY.1),
        }
    }

    /// Returns when [`Subscription::step`] or [`Subscription::catches_up`] has something to do next.
    pub fn next_deadline(&self) -> Instant {
        let (Phase::Due(at) | Phase::Asked(at) | Phase::Live(at)) = self.phase;
        match self.stored {
            Stored::Due(stored) if self.listening => at.min(stored),
            _ => at,
        }
    }

    /// Returns the step that is due, and takes it as done.
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

    /// Notes the relay's answer. Returns true when the subscription was not live before.
    pub fn live(&mut self, now: Instant) -> bool {
        self.phase = Phase::Live(now + AUDIT);
        self.pauses.reset();
        self.silences = 0;
        !std::mem::replace(&mut self.listening, true)
    }

    /// Notes an event of the subscription. An event that answers a renewal should be known: if it is
    /// new, the subscription was not live.
    pub fn brought(&mut self, is_new: bool, now: Instant) {
        match self.phase {
            Phase::Live(_) => self.phase = Phase::Live(now + AUDIT),
            Phase::Asked(_) if self.listening && is_new => self.missed(now),
            Phase::Asked(_) | Phase::Due(_) => {}
        }
    }

    /// Notes that the relay ended the subscription: later messages are among the stored ones.
    pub fn closed(&mut self, now: Instant) {
        self.listening = false;
        self.missed(now);
        self.put_off(now);
    }

    /// Notes that the relay accepted our authentication: subscribe at once.
    pub fn authenticated(&mut self, now: Instant) {
        if !self.listening {
            self.phase = Phase::Due(now);
        }
    }

    /// Notes that an event was lost, or may have been.
    pub fn missed(&mut self, now: Instant) {
        match &mut self.stored {
            Stored::Paging { missed } => *missed = true,
            Stored::Due(at) => *at = (*at).min(now + MISSED),
        }
    }

    /// Returns whether to page through the stored messages now. They need room in the intake.
    pub fn catches_up(&mut self, now: Instant, has_room: bool) -> bool {
        match self.stored {
            Stored::Due(at) if self.listening && now >= at => {
                self.stored = if has_room {
                    Stored::Paging { missed: false }
                } else {
                    Stored::Due(now + MISSED)
                };
                has_room
            }
            _ => false,
        }
    }

    /// Notes the end of the paging; `is_whole` when the relay came through with everything.
    pub fn caught_up(&mut self, is_whole: bool, now: Instant) {
        let missed = self.stored == Stored::Paging { missed: true };
        let pause = match (is_whole, missed) {
            (true, false) => ROUND,
            (true, true) => MISSED,
            (false, _) => self.catch_up_pauses.next(),
        };
        if is_whole {
            self.catch_up_pauses.reset();
        }
        self.stored = Stored::Due(now + pause);
    }

    /// Returns whether the subscription is live.
    pub fn is_listening(&self) -> bool {
        self.listening
    }

    fn put_off(&mut self, now: Instant) {
        self.phase = Phase::Due(now + self.pauses.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a subscription that is live and has caught up.
    fn settled(now: Instant) -> Subscription {
        let mut subscription = Subscription::new(now);
        assert_eq!(subscription.step(now), Step::Subscribe);
        assert!(subscription.live(now));
        assert!(subscription.catches_up(now, true));
        subscription.caught_up(true, now);
        subscription
    }

    #[test]
    fn a_subscription_is_opened_at_once_and_again_after_it_was_closed() {
        let mut now = Instant::now();
        let mut subscription = settled(now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            subscription.closed(now);
            assert!(!subscription.is_listening());
            let due = subscription.next_deadline();
            pauses.push((due - now).as_secs());
            now = due;
            assert_eq!(subscription.step(now), Step::Subscribe);
            assert_eq!(subscription.step(now), Step::Rest);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60]);
        assert!(subscription.live(now));
        assert!(subscription.catches_up(now, true), "later messages are among the stored ones");
        subscription.closed(now);
        assert_eq!(subscription.next_deadline(), now + Duration::from_secs(2));
    }

    #[test]
    fn a_silent_relay_is_asked_again_and_then_given_up() {
        let mut now = Instant::now();
        let mut subscription = settled(now);
        now += AUDIT;
        assert_eq!(subscription.step(now), Step::Subscribe);
        assert!(subscription.is_listening(), "nothing speaks against it");
        for answer in [Step::Silent, Step::Silent, Step::Hopeless] {
            now = subscription.next_deadline();
            assert_eq!(subscription.step(now), answer);
            assert!(!subscription.is_listening());
            now = subscription.next_deadline();
            assert_eq!(subscription.step(now), Step::Subscribe);
        }
        subscription.authenticated(now);
        assert_eq!(subscription.step(now), Step::Subscribe, "authentication ends a pause");
    }

    #[test]
    fn a_subscription_that_brings_events_is_not_renewed_and_one_that_hid_events_is_caught_up_with()
    {
        let mut now = Instant::now();
        let mut subscription = settled(now);
        now += AUDIT / 2;
        subscription.brought(true, now);
        assert_eq!(subscription.next_deadline(), now + AUDIT);
        now += AUDIT;
        assert_eq!(subscription.step(now), Step::Subscribe);
        subscription.brought(false, now);
        assert!(!subscription.live(now), "it was live all the time");
        assert!(!subscription.catches_up(now + MISSED, true), "its event was known");
        now += AUDIT;
        assert_eq!(subscription.step(now), Step::Subscribe);
        subscription.brought(true, now);
        subscription.live(now);
        assert!(subscription.catches_up(now + MISSED, true));
    }

    #[test]
    fn missed_messages_are_paged_through_when_there_is_room() {
        let mut now = Instant::now();
        let mut subscription = Subscription::new(now);
        assert!(!subscription.catches_up(now, true), "not before it is live");
        subscription.step(now);
        subscription.live(now);
        assert!(!subscription.catches_up(now, false));
        now += MISSED;
        assert!(subscription.catches_up(now, true));
        assert!(!subscription.catches_up(now + ROUND, true), "once at a time");
        subscription.missed(now);
        subscription.caught_up(true, now);
        now += MISSED;
        assert!(subscription.catches_up(now, true), "something was missed meanwhile");
        let mut pauses = Vec::new();
        for _ in 0..3 {
            subscription.caught_up(false, now);
            let Stored::Due(at) = subscription.stored else { panic!() };
            pauses.push((at - now).as_secs());
            now = at;
            assert!(subscription.catches_up(now, true));
        }
        assert_eq!(pauses, [2, 4, 8]);
        subscription.caught_up(true, now);
        assert_eq!(subscription.stored, Stored::Due(now + ROUND));
    }

    #[test]
    fn the_filter_reaches_backdated_wraps_and_has_no_end() {
        let filter = live(PublicKey([1; 32]), Time::from_secs(1_000_000));
        assert_eq!(filter.since, Some(Timestamp::from(1_000_000 - 172_800 - 3600)));
        assert_eq!((filter.until, filter.limit), (None, Some(1)));
    }
}
