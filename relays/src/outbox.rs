//! What one relay is to be sent, and what it answered: messages by priority, one at a time; our
//! own announcements by a token of their own, so that neither starves the other. Messages keep to
//! the pace that the relay's refusals taught.
//!
//! No I/O: time and answers come in, packets go out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use nostr::EventId;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::pace::Pace;
pub(super) use super::packet::{Job, Notice, Packet};
use super::queue::Queue;
use super::status::tidy;
use super::verdict::Verdict;

/// How long a relay may take to answer an event.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// How long a message waits for a connection.
const CONNECTION: Duration = Duration::from_secs(15);
/// How long a message waits at all, behind others or at a relay's rate limit.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long to wait before another attempt, for each one that there was.
const PAUSE: Duration = Duration::from_secs(10);
/// How often the same event is sent to the same relay that wants to know who we are, or that the
/// connection to is lost.
const TRIES: u8 = 3;
/// Messages that wait in each lane.
const LANE: usize = 512;

/// What an `OK` was about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// Settled, or nothing of ours.
    Done,
    /// The relay wants to know who we are first (NIP-42); the event goes again afterwards.
    NeedsAuth,
}

/// What one relay is to be sent.
#[derive(Debug)]
pub(super) struct Outbox {
    url: Arc<str>,
    messages: Queue<Job>,
    notices: VecDeque<Notice>,
    message_out: Option<(Job, Instant)>,
    notice_out: Option<(Notice, Instant)>,
    messages_paused: Option<Instant>,
    notices_paused: Option<Instant>,
    pace: Pace,
    /// Why the relay did not take the last event.
    refusal: Option<String>,
    /// Since when there is no connection, and why.
    down: Option<(Instant, String)>,
}

impl Outbox {
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

    /// Takes a message. One that waits already goes once: the sender repeats it by its own clock,
    /// and knows nothing of ours.
    pub fn add_message(&mut self, job: Job) {
        let out = self.message_out.as_mut().map(|(out, _)| out).filter(|out| out.is_same(&job));
        if let Some(same) = out.or(self.messages.find_mut(|waiting| waiting.is_same(&job))) {
            same.deliveries.extend(job.deliveries);
            return;
        }
        if let Err(job) = self.messages.push(job.priority, job) {
            job.settle(&self.url, &Err("too much is waiting for this relay".to_owned()));
        }
    }

    /// Takes a notice. A kind has one place, so the number of places is bounded.
    pub fn add_notice(&mut self, notice: Notice) {
        if let Some(place) = self.notices.iter_mut().find(|other| other.kind == notice.kind) {
            let older = std::mem::replace(place, notice);
            older.give_way();
        } else {
            self.notices.push_back(notice);
        }
    }

    /// The next packet to transmit, if there is a connection and the relay owes no answer.
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
            if !job.leaves() {
                job.settle(&self.url, &Err("withdrawn".to_owned()));
                return self.next(now);
            }
            let text = job.packet.text.clone();
            self.message_out = Some((job, now + ANSWER));
            return Some(text);
        }
        None
    }

    /// The relay answered an event.
    pub fn answered(&mut self, id: EventId, taken: bool, words: &str, now: Instant) -> Answered {
        let verdict = Verdict::read(taken, words);
        let outcome = if verdict == Verdict::Taken { Ok(()) } else { Err(tidy(words)) };
        let job = self.message_out.take_if(|(job, _)| job.packet.id == id).map(|(job, _)| job);
        let notice = self.notice_out.take_if(|(n, _)| n.packet.id == id).map(|(notice, _)| notice);
        if job.is_none() && notice.is_none() {
            return Answered::Done;
        }
        self.refusal = outcome.as_ref().err().cloned();
        match verdict {
            Verdict::Taken => self.pace.took(now),
            Verdict::TooMuch => self.pace.refused(now),
            Verdict::WhoAreYou | Verdict::Refused => {}
        }
        let again = verdict == Verdict::WhoAreYou;
        if let Some(mut job) = job {
            job.tries += u8::from(again);
            if verdict == Verdict::TooMuch || (again && job.tries < TRIES) {
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
            if (verdict == Verdict::TooMuch || again) && notice.tries < TRIES {
                self.notices_paused = Some(now + PAUSE * u32::from(notice.tries));
                self.return_notice(notice);
            } else {
                notice.settle(&self.url, outcome);
            }
        }
        if again { Answered::NeedsAuth } else { Answered::Done }
    }

    /// Why the relay did not take the last event, and how many it takes in a minute.
    pub fn trouble(&self) -> (Option<&str>, Option<u32>) {
        (self.refusal.as_deref(), self.pace.per_minute())
    }

    /// The relay knows now who we are: what waited for that goes at once.
    pub fn authenticated(&mut self) {
        self.messages_paused = None;
        self.notices_paused = None;
    }

    /// There is a connection.
    pub fn connected(&mut self) {
        self.down = None;
        self.authenticated();
    }

    /// There is none. What was under way goes again on the next one: a relay ignores doubles.
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

    /// Gives up on what waited too long.
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

    /// When [`Outbox::expire`] or [`Outbox::next`] has something to do without an answer.
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

    /// Whether nothing waits and no answer is owed.
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
            notice.give_way();
        } else {
            self.notices.push_front(notice);
        }
    }
}

fn is_paused(until: Option<Instant>, now: Instant) -> bool {
    until.is_some_and(|until| now < until)
}

/// When a message is given up that waits at a relay, which is down since then or is not.
fn deadline(job: &Job, down: Option<Instant>) -> Instant {
    let at_all = job.queued + PATIENCE;
    down.map_or(at_all, |since| at_all.min(job.queued.max(since) + CONNECTION))
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys};
    use p2p_core::engine::Priority;
    use p2p_core::{PublicKey, RumorId};
    use tokio::sync::mpsc::{self, UnboundedReceiver};

    use super::*;
    use crate::Heard;
    use crate::delivery::Delivery;

    struct Bench {
        outbox: Outbox,
        reports: UnboundedReceiver<Heard>,
        heard: mpsc::UnboundedSender<Heard>,
        keys: Keys,
        now: Instant,
        count: u8,
    }

    impl Bench {
        fn new() -> Self {
            let (heard, reports) = mpsc::unbounded_channel();
            let now = Instant::now();
            let outbox = Outbox::new("wss://r".into(), now);
            Self { outbox, reports, heard, keys: Keys::generate(), now, count: 0 }
        }

        fn packet(&self, text: &str) -> Arc<Packet> {
            let event = EventBuilder::text_note(text).sign_with_keys(&self.keys).unwrap();
            Arc::new(Packet::new(&event))
        }

        fn job(&mut self, priority: Priority, text: &str) -> EventId {
            self.count += 1;
            self.attempt(self.count, priority, text)
        }

        /// An attempt at the message of this number.
        fn attempt(&mut self, rumor: u8, priority: Priority, text: &str) -> EventId {
            let packet = self.packet(text);
            let (stale, _) = mpsc::unbounded_channel();
            let delivery = Delivery::new(
                RumorId([rumor; 32]),
                PublicKey([0; 32]),
                1,
                self.heard.clone(),
                stale,
            );
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
                Ok(Heard::Report { refused, .. }) => {
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
    fn a_relay_that_is_not_there_is_waited_for_so_long() {
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
    fn a_limited_rate_is_waited_out_and_learnt() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        let id = bench.job(Priority::Text, "text");
        let words = ["rate-limited: slow down", "error: you are noting too much, SLOW DOWN"];
        for (attempt, pause) in [15, 20, 40, 60, 60].into_iter().enumerate() {
            bench.sends("text");
            let words = words[attempt % 2];
            assert_eq!(bench.outbox.answered(id, false, words, bench.now), Answered::Done);
            assert_eq!(bench.outbox.trouble().0, Some(words));
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
    fn answers_are_read_by_nip_01() {
        let mut bench = Bench::new();
        bench.outbox.connected();
        for (taken, words, want) in [
            (true, "", Ok(())),
            (true, "duplicate: have it", Ok(())),
            (false, "duplicate: have it", Ok(())),
            (false, "blocked: \u{1b}go away", Err("blocked: go away".to_owned())),
        ] {
            let id = bench.job(Priority::Text, "text");
            bench.sends("text");
            bench.outbox.answered(EventId::all_zeros(), true, "", bench.now);
            assert!(bench.reports.is_empty(), "another event's answer");
            bench.outbox.answered(id, taken, words, bench.now);
            assert_eq!(bench.report(), want);
        }
    }

    #[test]
    fn silence_is_a_refusal_and_auth_an_excuse() {
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
    fn what_was_under_way_goes_again_after_a_lost_connection() {
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
    fn a_newer_announcement_takes_the_place_of_the_older() {
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
