//! The outbox of one relay: messages by priority, one at a time, and our own announcements beside
//! them, so that neither starves the other. Messages keep to the pace that the relay allows.
//!
//! There is no I/O here: time and answers come in, packets go out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nostr::EventId;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::publish::pace::Pace;
use crate::publish::packets::{Job, Notice};
use crate::publish::queue::Queue;
use crate::publish::verdict::Verdict;
use crate::sanitize::sanitize;

/// The time for a relay's answer to an event.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);
/// The time that a message waits for a connection.
const CONNECTION: Duration = Duration::from_secs(15);
/// The time that a message waits at all, behind others or at a relay's rate limit.
const PATIENCE: Duration = Duration::from_secs(600);
/// The pause before another attempt, times the number of attempts so far.
const PAUSE: Duration = Duration::from_secs(10);
/// The number of times that an event is sent to a relay that demands authentication, or that the
/// connection to is lost.
const TRIES: u8 = 3;
/// The number of messages that wait in each lane.
const LANE: usize = 512;

/// The consequence of an `OK`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The event is settled, or is not ours.
    Done,
    /// The relay demands authentication first (NIP-42); the event goes again afterwards.
    NeedsAuth,
}

/// The outbox.
#[derive(Debug)]
pub(crate) struct Outbox {
    url: Arc<str>,
    messages: Queue<Job>,
    notices: VecDeque<Notice>,
    message_out: Option<(Job, Instant)>,
    notice_out: Option<(Notice, Instant)>,
    messages_paused: Option<Instant>,
    notices_paused: Option<Instant>,
    pace: Pace,
    /// The reason why the relay did not take the last event.
    refusal: Option<String>,
    /// The time since when there is no connection, and the cause.
    down: Option<(Instant, String)>,
}

impl Outbox {
    /// Returns the empty outbox of a relay that is not connected.
    pub fn new(url: Arc<str>, now: Instant) -> Self {
        Self {
            url,
            messages: Queue::new(LANE),
            notices: VecDeque::new(),
            message_out: None,
            notice_out: None,
            messages_paused: None,
            notices_paused: None,
            pace: Pace::default(),
            refusal: None,
            down: Some((now, "no answer yet".to_owned())),
        }
    }

    /// Takes a message. A message that waits already goes once: the sender repeats it by its own
    /// clock, and knows nothing of this queue.
    pub fn add_message(&mut self, job: Job) {
        let sent =
            self.message_out.as_mut().map(|(sent, _)| sent).filter(|sent| sent.is_same(&job));
        if let Some(same) = sent.or(self.messages.find_mut(|waiting| waiting.is_same(&job))) {
            same.deliveries.extend(job.deliveries);
            return;
        }
        if let Err(job) = self.messages.push(job.priority, job) {
            job.settle(&self.url, &Err("too much is waiting for this relay".to_owned()));
        }
    }

    /// Takes a notice. Each kind has one place, so the number of notices is bounded.
    pub fn add_notice(&mut self, notice: Notice) {
        if let Some(place) = self.notices.iter_mut().find(|other| other.kind == notice.kind) {
            let older = std::mem::replace(place, notice);
            older.replaced();
        } else {
            self.notices.push_back(notice);
        }
    }

    /// Returns the next packet to transmit, if there is a connection and the relay owes no answer.
    pub fn next(&mut self, now: Instant) -> Option<Utf8Bytes> {
        if self.down.is_some() {
            return None;
        }
        if self.notice_out.is_none()
            && !is_paused(self.notices_paused, now)
            && let Some(notice) = self.notices.pop_front()
        {
            let text = notice.packet.text.clone();
            self.notice_out = Some((notice, now + ANSWER));
            return Some(text);
        }
        if self.message_out.is_none()
            && !is_paused(self.messages_paused, now)
            && !is_paused(self.pace.due(), now)
            && let Some(job) = self.messages.pop()
        {
            if !job.may_leave() {
                job.settle(&self.url, &Err("withdrawn".to_owned()));
                return self.next(now);
            }
            let text = job.packet.text.clone();
            self.message_out = Some((job, now + ANSWER));
            return Some(text);
        }
        None
    }

    /// Notes the relay's answer to an event.
    pub fn answered(&mut self, id: EventId, is_taken: bool, text: &str, now: Instant) -> Answered {
        let verdict = Verdict::read(is_taken, text);
        let outcome = if verdict == Verdict::Taken { Ok(()) } else { Err(sanitize(text)) };
        let job = self.message_out.take_if(|(job, _)| job.packet.id == id).map(|(job, _)| job);
        let notice = self.notice_out.take_if(|(n, _)| n.packet.id == id).map(|(notice, _)| notice);
        if job.is_none() && notice.is_none() {
            return Answered::Done;
        }
        self.refusal = outcome.as_ref().err().cloned();
        match verdict {
            Verdict::Taken => self.pace.took(now),
            Verdict::RateLimited => self.pace.refused(now),
            Verdict::NeedsAuth | Verdict::Refused => {}
        }
        let again = verdict == Verdict::NeedsAuth;
        if let Some(mut job) = job {
            job.tries += u8::from(again);
            if verdict == Verdict::RateLimited || (again && job.tries < TRIES) {
                if again {
                    self.messages_paused = Some(now + PAUSE * u32::from(job.tries));
                }
                self.messages.put_back(job.priority, job);
            } else {
                job.settle(&self.url, &outcome);
            }
        }
        if let Some(mut notice) = notice {
            notice.tries += 1;
            if (verdict == Verdict::RateLimited || again) && notice.tries < TRIES {
                self.notices_paused = Some(now + PAUSE * u32::from(notice.tries));
                self.return_notice(notice);
            } else {
                notice.settle(&self.url, outcome);
            }
        }
        if again { Answered::NeedsAuth } else { Answered::Done }
    }

    /// Returns why the relay did not take the last event, and how many it takes in a minute.
    pub fn trouble(&self) -> (Option<&str>, Option<u32>) {
        (self.refusal.as_deref(), self.pace.per_minute())
    }

    /// Notes that the relay accepted our authentication: what waited for that goes at once.
    pub fn authenticated(&mut self) {
        self.messages_paused = None;
        self.notices_paused = None;
    }

    /// Notes that there is a connection.
    pub fn connected(&mut self) {
        self.down = None;
        self.authenticated();
    }

    /// Notes that there is no connection. Events without an answer go again on the next one, because
    /// a relay ignores duplicates.
    pub fn lost(&mut self, cause: &str, now: Instant) {
        let since = self.down.as_ref().map_or(now, |(since, _)| *since);
        self.down = Some((since, cause.to_owned()));
        if let Some((mut job, _)) = self.message_out.take() {
            job.tries += 1;
            if job.tries < TRIES {
                self.messages.put_back(job.priority, job);
            } else {
                job.settle(&self.url, &Err(format!("connection lost: {cause}")));
            }
        }
        if let Some((notice, _)) = self.notice_out.take() {
            self.return_notice(notice);
        }
    }

    /// Gives up on events that waited too long.
    pub fn expire(&mut self, now: Instant) {
        if let Some((job, _)) = self.message_out.take_if(|(_, by)| now >= *by) {
            self.refusal = Some("no answer in 10 s".to_owned());
            job.settle(&self.url, &Err("no answer in 10 s".to_owned()));
        }
        if let Some((mut notice, _)) = self.notice_out.take_if(|(_, by)| now >= *by) {
            notice.tries += 1;
            if notice.tries < TRIES {
                self.return_notice(notice);
            } else {
                notice.settle(&self.url, Err("no answer in 10 s".to_owned()));
            }
        }
        let down = self.down.as_ref().map(|(since, _)| *since);
        for job in self.messages.take_while(|job| now >= deadline(job, down)) {
            let cause = match &self.down {
                Some((_, cause)) => format!("not connected: {cause}"),
                None => "the relay takes too little at a time".to_owned(),
            };
            job.settle(&self.url, &Err(cause));
        }
        while let Some(at) =
            self.notices.iter().position(|notice| notice.until.is_some_and(|until| now >= until))
        {
            if let Some(notice) = self.notices.remove(at) {
                notice.settle(&self.url, Err("no connection while it was of use".to_owned()));
            }
        }
    }

    /// Returns when [`Outbox::expire`] or [`Outbox::next`] has something to do without an answer.
    pub fn next_deadline(&self) -> Option<Instant> {
        let down = self.down.as_ref().map(|(since, _)| *since);
        let waiting = self.messages.heads().map(|job| deadline(job, down)).min();
        // While an answer is owed, its own deadline counts.
        let message_waits = self.message_out.is_none() && !self.messages.is_empty();
        let notice_waits = self.notice_out.is_none() && !self.notices.is_empty();
        let paused = [
            self.messages_paused.max(self.pace.due()).filter(|_| message_waits),
            self.notices_paused.filter(|_| notice_waits),
        ];
        let out = [
            self.message_out.as_ref().map(|(_, by)| *by),
            self.notice_out.as_ref().map(|(_, by)| *by),
        ];
        let useless = self.notices.iter().filter_map(|notice| notice.until).min();
        let connected = down.is_none();
        paused
            .into_iter()
            .filter(|_| connected)
            .chain(out)
            .chain([waiting, useless])
            .flatten()
            .min()
    }

    /// Returns whether nothing waits and no answer is owed.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.notices.is_empty()
            && self.message_out.is_none()
            && self.notice_out.is_none()
    }

    /// Gives up on everything.
    pub fn abandon(&mut self, cause: &str) {
        let out = self.message_out.take().map(|(job, _)| job);
        for job in out.into_iter().chain(self.messages.take_while(|_| true)) {
            job.settle(&self.url, &Err(cause.to_owned()));
        }
        let out = self.notice_out.take().map(|(notice, _)| notice);
        for notice in out.into_iter().chain(self.notices.drain(..)) {
            notice.settle(&self.url, Err(cause.to_owned()));
        }
    }

    fn return_notice(&mut self, notice: Notice) {
        if self.notices.iter().any(|newer| newer.kind == notice.kind) {
            notice.replaced();
        } else {
            self.notices.push_front(notice);
        }
    }
}

fn is_paused(until: Option<Instant>, now: Instant) -> bool {
    until.is_some_and(|until| now < until)
}

/// Returns when a waiting message is given up, at a relay that is down since `down`.
fn deadline(job: &Job, down: Option<Instant>) -> Instant {
    let latest = job.queued + PATIENCE;
    down.map_or(latest, |since| latest.min(job.queued.max(since) + CONNECTION))
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys};
    use p2p_core::engine::Priority;
    use p2p_core::{PublicKey, RumorId};
    use tokio::sync::mpsc::{self, UnboundedReceiver};

    use super::*;
    use crate::event::RelayEvent;
    use crate::publish::delivery::{Delivery, Observers, OutgoingId};
    use crate::publish::packets::Packet;

    struct Bench {
        outbox: Outbox,
        reports: UnboundedReceiver<RelayEvent>,
        events: mpsc::UnboundedSender<RelayEvent>,
        keys: Keys,
        now: Instant,
        count: u8,
    }

    impl Bench {
        fn new() -> Self {
            let (events, reports) = mpsc::unbounded_channel();
            let now = Instant::now();
            let outbox = Outbox::new("wss://r".into(), now);
            Self { outbox, reports, events, keys: Keys::generate(), now, count: 0 }
        }

        fn packet(&self, text: &str) -> Arc<Packet> {
            let event = EventBuilder::text_note(text).sign_with_keys(&self.keys).unwrap();
            Arc::new(Packet::new(&event))
        }

        fn job(&mut self, priority: Priority, text: &str) -> EventId {
            self.count += 1;
            self.attempt(self.count, priority, text)
        }

        /// Queues an attempt at the message of this number.
        fn attempt(&mut self, rumor: u8, priority: Priority, text: &str) -> EventId {
            let packet = self.packet(text);
            let id = OutgoingId { rumor: RumorId([rumor; 32]), to: PublicKey([0; 32]) };
            let observers =
                Observers { events: self.events.clone(), stale: mpsc::unbounded_channel().0 };
            let delivery = Delivery::new(id, 1, observers, Arc::default());
            let id = packet.id;
            self.outbox.add_message(Job {
                packet,
                priority,
                deliveries: vec![Arc::new(delivery)],
                queued: self.now,
                tries: 0,
            });
            id
        }

        fn notice(&mut self, kind: u16, text: &str) -> EventId {
            let packet = self.packet(text);
            let id = packet.id;
            self.outbox.add_notice(Notice { kind, packet, until: None, done: None, tries: 0 });
            id
        }

        fn sends(&mut self, text: &str) {
            let packet = self.outbox.next(self.now).expect("something to send");
            assert!(packet.contains(&format!("\"{text}\"")), "{packet} is not {text}");
        }

        fn sends_nothing(&mut self) {
            assert!(self.outbox.next(self.now).is_none());
        }

        fn report(&mut self) -> Result<(), String> {
            match self.reports.try_recv() {
                Ok(RelayEvent::Report { refused, .. }) => {
                    refused.into_iter().next().map_or(Ok(()), |(_, cause)| Err(cause))
                }
                other => panic!("no report: {other:?}"),
            }
        }
    }

    #[test]
    fn one_message_at_a_time_by_priority_and_announcements_beside_it() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        let chunk = bench.job(Priority::Chunk, "chunk");
        bench.sends("chunk");
        bench.job(Priority::Text, "text");
        bench.job(Priority::Control, "control");
        bench.sends_nothing();
        bench.notice(0, "profile");
        bench.sends("profile");
        bench.notice(10050, "relays");
        bench.sends_nothing();
        bench.outbox.answered(chunk, true, "", bench.now);
        assert_eq!(bench.report(), Ok(()));
        bench.sends("control");
    }

    #[test]
    fn a_message_waits_for_a_connection_for_a_limited_time() {
        let mut bench = Bench::new();
        bench.outbox.lost("refused", bench.now);
        bench.job(Priority::Text, "text");
        bench.sends_nothing();
        assert_eq!(bench.outbox.next_deadline(), Some(bench.now + CONNECTION));
        bench.outbox.expire(bench.now + CONNECTION - Duration::from_millis(1));
        assert!(bench.reports.is_empty());
        bench.outbox.expire(bench.now + CONNECTION);
        assert_eq!(bench.report(), Err("not connected: refused".into()));
        assert!(bench.outbox.is_empty());
    }

    #[test]
    fn a_rate_limit_is_waited_out_and_learnt() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        let id = bench.job(Priority::Text, "text");
        let texts = ["rate-limited: slow down", "error: you are noting too much, SLOW DOWN"];
        for (attempt, pause) in [15, 20, 40, 60, 60].into_iter().enumerate() {
            bench.sends("text");
            let text = texts[attempt % 2];
            assert_eq!(bench.outbox.answered(id, false, text, bench.now), Answered::Done);
            assert_eq!(bench.outbox.trouble().0, Some(text));
            bench.sends_nothing();
            assert!(bench.reports.is_empty());
            assert_eq!(bench.outbox.trouble().1, Some(4));
            bench.now += Duration::from_secs(pause);
            assert_eq!(bench.outbox.next_deadline(), Some(bench.now));
        }
        bench.sends("text");
        bench.outbox.answered(id, true, "", bench.now);
        assert_eq!(bench.report(), Ok(()));
        bench.job(Priority::Chunk, "chunk");
        bench.job(Priority::Text, "more");
        bench.sends_nothing();
        bench.notice(30315, "presence");
        bench.sends("presence");
        bench.now += Duration::from_secs(60);
        bench.sends("more");
    }

    #[test]
    fn attempts_at_the_same_message_that_wait_together_go_once() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        bench.job(Priority::Control, "first");
        bench.sends("first");
        let id = bench.attempt(77, Priority::Text, "once");
        bench.attempt(77, Priority::Text, "again");
        bench.now += ANSWER;
        bench.outbox.expire(bench.now);
        assert!(bench.report().is_err());
        bench.sends("once");
        bench.attempt(77, Priority::Text, "and again");
        bench.outbox.answered(id, true, "", bench.now);
        for _ in 0..3 {
            assert_eq!(bench.report(), Ok(()));
        }
        bench.sends_nothing();
        bench.attempt(77, Priority::Text, "later");
        bench.sends("later");
    }

    #[test]
    fn answers_are_read_as_nip_01_says() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        for (is_taken, text, want) in [
            (true, "", Ok(())),
            (true, "duplicate: have it", Ok(())),
            (false, "duplicate: have it", Ok(())),
            (false, "blocked: \u{1b}go away", Err("blocked: go away".to_owned())),
        ] {
            let id = bench.job(Priority::Text, "text");
            bench.sends("text");
            bench.outbox.answered(EventId::all_zeros(), true, "", bench.now);
            assert!(bench.reports.is_empty(), "another event's answer");
            bench.outbox.answered(id, is_taken, text, bench.now);
            assert_eq!(bench.report(), want);
        }
    }

    #[test]
    fn silence_is_a_refusal_and_a_message_waits_for_authentication() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        bench.job(Priority::Text, "silent");
        bench.sends("silent");
        bench.now += ANSWER;
        bench.outbox.expire(bench.now);
        assert_eq!(bench.report(), Err("no answer in 10 s".into()));
        let id = bench.job(Priority::Text, "shy");
        bench.sends("shy");
        let answer = bench.outbox.answered(id, false, "auth-required: who?", bench.now);
        assert_eq!(answer, Answered::NeedsAuth);
        bench.sends_nothing();
        bench.outbox.authenticated();
        bench.sends("shy");
    }

    #[test]
    fn events_without_an_answer_go_again_after_a_lost_connection() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        bench.job(Priority::Text, "first");
        bench.job(Priority::Text, "second");
        bench.notice(0, "profile");
        bench.sends("profile");
        bench.sends("first");
        bench.outbox.lost("gone", bench.now);
        bench.sends_nothing();
        bench.outbox.connected();
        bench.sends("profile");
        bench.sends("first");
    }

    #[test]
    fn a_newer_announcement_replaces_the_older() {
        let mut bench = Bench::new();
        bench.notice(30315, "old");
        bench.notice(30315, "new");
        bench.outbox.connected();
        bench.sends("new");
        bench.notice(30315, "newest");
        bench.outbox.lost("gone", bench.now);
        bench.outbox.connected();
        bench.sends("newest");
        bench.sends_nothing();
    }
}
