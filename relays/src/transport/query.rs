//! Questions to one relay: a `REQ`, its stored events, and the end of the subscription.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use nostr::{ClientMessage, Event, Filter, JsonUtil, SubscriptionId};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::drops::DropReason;
use crate::nip11::RelayLimits;
use crate::sanitize::sanitize;

/// Questions that are asked at the same time; relays limit subscriptions.
const AT_ONCE: usize = 8;
/// Bytes of one answer that are kept.
const ANSWER: usize = 16 * 1024 * 1024;
/// Questions that wait for their turn.
const WAITING: usize = 64;

/// A question for stored events.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub filter: Filter,
    /// The number of events that are kept of the answer.
    pub max_events: usize,
    /// The largest event that is kept, in bytes.
    pub max_size: usize,
    /// The time for the answer.
    pub wait: Duration,
}

/// A question to one relay.
#[derive(Debug)]
pub(crate) struct Query {
    pub question: Question,
    /// The time when the events that came so far are the answer.
    pub by: Instant,
    pub reply: oneshot::Sender<QueryAnswer>,
}

/// A relay's answer. The events are not verified.
#[derive(Debug)]
pub(crate) struct QueryAnswer {
    pub events: Vec<Event>,
    /// The reason why the answer is not complete, if it is not.
    pub complete: Result<(), String>,
    /// The time from the question to the end of the answer.
    pub took: Duration,
}

impl QueryAnswer {
    /// Returns an answer without events, and the reason.
    pub fn failed(cause: &str) -> Self {
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
pub(crate) struct Queries {
    open: HashMap<String, Open>,
    waiting: VecDeque<Query>,
    asked: u64,
}

impl Queries {
    /// Takes a question, or refuses it when too many wait.
    pub fn add(&mut self, query: Query) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back(query);
        } else {
            answer(query, Vec::new(), Err("too many questions at once".to_owned()), None);
        }
    }

    /// Returns the `REQ` of the next question, as the relay's limits allow.
    pub fn next(&mut self, now: Instant, limits: &RelayLimits) -> Option<Utf8Bytes> {
        if self.open.len() >= limits.questions(AT_ONCE) {
            return None;
        }
        let query = self.waiting.pop_front()?;
        self.asked += 1;
        let id = format!("q{}", self.asked);
        let text = req(&id, &query.question.filter);
        self.open.insert(id, Open { query, asked: now, events: Vec::new(), size: 0 });
        Some(text)
    }

    /// Takes an event of the subscription `id`, whose message has `size` bytes.
    pub fn event(&mut self, id: &str, event: Event, size: usize) -> Result<(), DropReason> {
        let open = self.open.get_mut(id).ok_or(DropReason::NotRequested)?;
        let question = &open.query.question;
        if open.events.len() >= question.max_events {
            return Err(DropReason::NotRequested);
        }
        open.size += size;
        if size > question.max_size || open.size > ANSWER {
            return Err(DropReason::Oversized);
        }
        open.events.push(event);
        Ok(())
    }

    /// Answers a question with all its events. Returns the `CLOSE` of the subscription.
    pub fn eose(&mut self, id: &str) -> Option<Utf8Bytes> {
        let open = self.open.remove(id)?;
        let whole = if open.size <= ANSWER { Ok(()) } else { Err("too much at once".to_owned()) };
        answer(open.query, open.events, whole, Some(open.asked));
        Some(close(id))
    }

    /// Answers a question whose subscription the relay ended.
    pub fn closed(&mut self, id: &str, text: &str) {
        if let Some(open) = self.open.remove(id) {
            answer(open.query, open.events, Err(sanitize(text)), Some(open.asked));
        }
    }

    /// Asks a question again, after authentication.
    pub fn put_back(&mut self, id: &str) {
        if let Some(open) = self.open.remove(id) {
            self.waiting.push_front(open.query);
        }
    }

    /// Answers the questions that are due with the events so far. Returns their `CLOSE`s.
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

    /// Answers every question with the reason why there is no connection.
    pub fn fail(&mut self, cause: &str) {
        let cause = format!("not connected: {cause}");
        for query in self.waiting.drain(..) {
            answer(query, Vec::new(), Err(cause.clone()), None);
        }
        for (_, open) in self.open.drain() {
            answer(open.query, open.events, Err(cause.clone()), Some(open.asked));
        }
    }

    /// Returns when a question is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        let open = self.open.values().map(|open| open.query.by);
        open.chain(self.waiting.iter().map(|query| query.by)).min()
    }
}

fn answer(query: Query, events: Vec<Event>, complete: Result<(), String>, asked: Option<Instant>) {
    let took = asked.map(|asked| asked.elapsed()).unwrap_or_default();
    let _ = query.reply.send(QueryAnswer { events, complete, took });
}

/// Returns a `REQ` as it goes over the wire.
pub(crate) fn req(id: &str, filter: &Filter) -> Utf8Bytes {
    ClientMessage::req(SubscriptionId::new(id), vec![filter.clone()]).as_json().into()
}

fn close(id: &str) -> Utf8Bytes {
    ClientMessage::close(SubscriptionId::new(id)).as_json().into()
}
