//! Questions to one relay: a `REQ`, the stored events, and then no more.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use nostr::{ClientMessage, Event, Filter, JsonUtil, SubscriptionId};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::about::Limits;
use super::status::tidy;

/// Questions that one relay is asked at the same time; relays limit subscriptions.
const AT_ONCE: usize = 8;
/// Bytes of one answer that are kept.
const ANSWER: usize = 16 * 1024 * 1024;
/// Questions that wait for their turn.
const WAITING: usize = 64;

/// A question.
#[derive(Debug)]
pub(super) struct Query {
    pub filter: Filter,
    /// How many events are kept of the answer, and how large one may be.
    pub max_events: usize,
    pub max_size: usize,
    /// When the answer is given with what came until then.
    pub by: Instant,
    pub reply: oneshot::Sender<Answer>,
}

/// What a relay had to say. The events are as they came: nothing of them is verified.
#[derive(Debug)]
pub(super) struct Answer {
    pub events: Vec<Event>,
    /// Whether the relay came through with all that it has.
    pub complete: Result<(), String>,
    /// From the question to the end of the answer.
    pub took: Duration,
}

impl Answer {
    /// None at all, and why.
    pub fn none(cause: &str) -> Self {
        Self { events: Vec::new(), complete: Err(cause.to_owned()), took: Duration::ZERO }
    }
}

#[derive(Debug)]
struct Open {
    query: Query,
    asked: Instant,
    events: Vec<Event>,
    size: usize,
}

/// The questions to one relay.
#[derive(Debug, Default)]
pub(super) struct Queries {
    open: HashMap<String, Open>,
    waiting: VecDeque<Query>,
    asked: u64,
}

impl Queries {
    pub fn add(&mut self, query: Query) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back(query);
        } else {
            answer(query, Vec::new(), Err("too many questions at once".to_owned()), None);
        }
    }

    /// The next question to ask a relay with these limits, as it goes over the wire.
    pub fn next(&mut self, now: Instant, limits: &Limits) -> Option<Utf8Bytes> {
        if self.open.len() >= limits.questions(AT_ONCE) {
            return None;
        }
        let query = self.waiting.pop_front()?;
        self.asked += 1;
        let id = format!("q{}", self.asked);
        let text = req(&id, &query.filter);
        self.open.insert(id, Open { query, asked: now, events: Vec::new(), size: 0 });
        Some(text)
    }

    /// Takes an event that came with the subscription `id`; its text had `size` bytes.
    pub fn event(&mut self, id: &str, event: Event, size: usize) {
        if let Some(open) = self.open.get_mut(id)
            && size <= open.query.max_size
            && open.events.len() < open.query.max_events
        {
            open.size += size;
            if open.size <= ANSWER {
                open.events.push(event);
            }
        }
    }

    /// The relay is through. What goes back to it ends the subscription.
    pub fn eose(&mut self, id: &str) -> Option<Utf8Bytes> {
        let open = self.open.remove(id)?;
        let whole = if open.size <= ANSWER { Ok(()) } else { Err("too much at once".to_owned()) };
        answer(open.query, open.events, whole, Some(open.asked));
        Some(close(id))
    }

    /// The relay ended the subscription.
    pub fn closed(&mut self, id: &str, words: &str) {
        if let Some(open) = self.open.remove(id) {
            answer(open.query, open.events, Err(tidy(words)), Some(open.asked));
        }
    }

    /// The relay wants to know first who we are: asked again afterwards.
    pub fn put_back(&mut self, id: &str) {
        if let Some(open) = self.open.remove(id) {
            self.waiting.push_front(open.query);
        }
    }

    /// Answers what is due with what came so far. What goes to the relay ends subscriptions.
    pub fn expire(&mut self, now: Instant) -> Vec<Utf8Bytes> {
        let is_over = |query: &Query| now >= query.by || query.reply.is_closed();
        let silent = || Err("no answer in time".to_owned());
        for _ in 0..self.waiting.len() {
            match self.waiting.pop_front() {
                Some(query) if is_over(&query) => answer(query, Vec::new(), silent(), None),
                Some(query) => self.waiting.push_back(query),
                None => break,
            }
        }
        let over = self.open.extract_if(|_, open| is_over(&open.query));
        over.map(|(id, open)| {
            answer(open.query, open.events, silent(), Some(open.asked));
            close(&id)
        })
        .collect()
    }

    /// Answers everything with why there is no connection.
    pub fn fail(&mut self, cause: &str) {
        let cause = format!("not connected: {cause}");
        for query in self.waiting.drain(..) {
            answer(query, Vec::new(), Err(cause.clone()), None);
        }
        for (_, open) in self.open.drain() {
            answer(open.query, open.events, Err(cause.clone()), Some(open.asked));
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        let open = self.open.values().map(|open| open.query.by);
        open.chain(self.waiting.iter().map(|query| query.by)).min()
    }
}

fn answer(query: Query, events: Vec<Event>, complete: Result<(), String>, asked: Option<Instant>) {
    let took = asked.map(|asked| asked.elapsed()).unwrap_or_default();
    let _ = query.reply.send(Answer { events, complete, took });
}

/// A `REQ` as it goes over the wire.
pub(super) fn req(id: &str, filter: &Filter) -> Utf8Bytes {
    ClientMessage::req(SubscriptionId::new(id), vec![filter.clone()]).as_json().into()
}

fn close(id: &str) -> Utf8Bytes {
    ClientMessage::close(SubscriptionId::new(id)).as_json().into()
}
