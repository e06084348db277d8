//! The table of relays: the one owner of the connections, of the limits that relays name, of the
//! times up to which their stored messages are durable, and of our published profile.
//!
//! Everything is behind one lock, which is never held across an await.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p_core::Time;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::nip11::{AGAIN, GOOD_FOR, RelayLimits};
use crate::publish::packets::{Job, Notice, Packet};
use crate::settings::Roles;
use crate::transport::command::RelayCommand;
use crate::transport::query::{Query, QueryAnswer, Question};
use crate::transport::status::{RelayStatus, Status};

/// Connections to relays that only peers use.
const PEER_LINKS: usize = 64;
/// The time past a question's deadline in which the connection itself gives the cause.
const GRACE: Duration = Duration::from_secs(1);

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Table(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    links: BTreeMap<String, Entry>,
    /// The limits of relays, and until when they are not asked for again.
    limits: BTreeMap<String, (RelayLimits, Instant)>,
    /// Until when the stored messages of each relay are durable.
    caught_up: BTreeMap<String, Time>,
    /// Counts how often messages had to be heard again.
    epoch: u64,
    /// The events of our profile, by kind.
    profile: BTreeMap<u16, Arc<Packet>>,
}

/// A connection in the table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub roles: Roles,
    pub commands: mpsc::Sender<RelayCommand>,
    pub status: Status,
    pub task: AbortHandle,
}

/// An answer, and the relay that gave it.
#[derive(Debug)]
pub(crate) struct RelayAnswer {
    pub url: String,
    pub status: Status,
    pub answer: QueryAnswer,
}

impl Table {
    /// Adds a relay.
    pub fn insert(&self, url: &str, open: impl FnOnce() -> Entry) {
        self.lock().links.insert(url.to_owned(), open());
    }

    /// Hands a message to a relay. `open` connects to a relay that is not in the table.
    pub fn publish(&self, url: &str, job: Job, open: impl FnOnce() -> Entry) {
        let mut state = self.lock();
        if !state.links.contains_key(url) {
            let peers = state.links.values().filter(|link| !link.roles.is_ours()).count();
            if peers >= PEER_LINKS {
                drop(state);
                let cause = "too many relays of peers at once".to_owned();
                return job.settle(url, &Err(cause));
            }
            state.links.insert(url.to_owned(), open());
        }
        let Some(link) = state.links.get(url) else { return };
        if let Err(error) = link.commands.try_send(RelayCommand::Publish(job)) {
            drop(state);
            if let RelayCommand::Publish(job) = error.into_inner() {
                job.settle(url, &Err("too much is waiting for this relay".to_owned()));
            }
        }
    }

    /// Gives a command to one relay, if it is in the table.
    pub fn command(&self, url: &str, command: RelayCommand) {
        if let Some(link) = self.lock().links.get(url) {
            let _ = link.commands.try_send(command);
        }
    }

    /// Gives a command to every relay.
    pub fn command_all(&self, command: impl Fn() -> RelayCommand) {
        for link in self.lock().links.values() {
            let _ = link.commands.try_send(command());
        }
    }

    /// Gives a notice to each of our relays with a role that is wanted. Returns their number.
    pub fn notify(&self, wants: impl Fn(Roles) -> bool, notice: impl Fn() -> Notice) -> usize {
        let state = self.lock();
        let wanted = state.links.values().filter(|link| link.roles.is_ours() && wants(link.roles));
        let send = |link: &&Entry| link.commands.try_send(RelayCommand::Notify(notice())).is_ok();
        wanted.filter(send).count()
    }

    /// Publishes a part of our profile on all our relays, and keeps it.
    pub fn publish_profile(&self, kind: u16, packet: &Arc<Packet>) {
        self.lock().profile.insert(kind, Arc::clone(packet));
        self.notify(|_| true, || Notice::lasting(kind, packet));
    }

    /// Returns the events of our profile, by kind.
    pub fn profile(&self) -> BTreeMap<u16, Arc<Packet>> {
        self.lock().profile.clone()
    }

    /// Asks each of our relays that `wants` selects. Each answers in time, if only with a cause.
    pub fn ask(
        &self,
        wants: impl Fn(&RelayStatus) -> bool,
        question: &Question,
    ) -> mpsc::Receiver<RelayAnswer> {
        let state = self.lock();
        let (answers, asked) = mpsc::channel(state.links.len().max(1));
        let by = Instant::now() + question.wait;
        for (url, link) in &state.links {
            if !link.roles.is_ours() || !wants(&link.status.read()) {
                continue;
            }
            let (reply, answer) = oneshot::channel();
            let query = Query { question: question.clone(), by, reply };
            let is_sent = link.commands.try_send(RelayCommand::Ask(query)).is_ok();
            let (url, status, answers) = (url.clone(), link.status.clone(), answers.clone());
            tokio::spawn(async move {
                let answer = match tokio::time::timeout_at(by + GRACE, answer).await {
                    Ok(Ok(answer)) => answer,
                    _ if is_sent => QueryAnswer::failed("no answer in time"),
                    _ => QueryAnswer::failed("busy"),
                };
                let _ = answers.send(RelayAnswer { url, status, answer }).await;
            });
        }
        asked
    }

    /// Asks one of our relays.
    pub async fn ask_one(&self, url: &str, question: &Question) -> QueryAnswer {
        let mut answers = self.ask(|status| status.url == url, question);
        let answer = answers.recv().await.map(|answer| answer.answer);
        answer.unwrap_or_else(|| QueryAnswer::failed("not one of our relays"))
    }

    /// Returns a relay's limits, as far as it named them.
    pub fn limits(&self, url: &str) -> RelayLimits {
        self.lock().limits.get(url).map(|(limits, _)| *limits).unwrap_or_default()
    }

    /// Returns whether a relay should be asked for its limits: not lately.
    pub fn wants_limits(&self, url: &str) -> bool {
        self.lock().limits.get(url).is_none_or(|(_, until)| Instant::now() >= *until)
    }

    /// Notes a relay's limits. Without an answer, the limits that it named before stay.
    pub fn note_limits(&self, url: &str, answer: Option<RelayLimits>) {
        let until = Instant::now() + if answer.is_some() { GOOD_FOR } else { AGAIN };
        let limits = answer.unwrap_or_else(|| self.limits(url));
        let mut state = self.lock();
        state.limits.insert(url.to_owned(), (limits, until));
        if let Some(link) = state.links.get(url) {
            link.status.limited(limits);
        }
    }

    /// Returns until when the stored messages of a relay are durable: 0 at first.
    pub fn caught_up(&self, url: &str) -> Time {
        self.lock().caught_up.get(url).copied().unwrap_or(Time(0))
    }

    /// Notes until when stored messages are durable. Returns all such times, or nothing when
    /// messages have to be heard again since `epoch`.
    pub fn note_caught_up(
        &self,
        known: impl IntoIterator<Item = (String, Time)>,
        epoch: u64,
    ) -> Option<BTreeMap<String, Time>> {
        let mut state = self.lock();
        (epoch == state.epoch).then(|| {
            state.caught_up.extend(known);
            state.caught_up.clone()
        })
    }

    /// Returns the number of times that messages had to be heard again.
    pub fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Asks every relay for its stored messages again.
    pub fn hear_again(&self) {
        self.lock().epoch += 1;
        self.command_all(|| RelayCommand::HearAgain);
    }

    /// Tells every connection to send what waits, by `by` at the latest, and to close.
    pub async fn close_all(&self, by: Instant) {
        let close = |link: &Entry| {
            let (done, closed) = oneshot::channel();
            link.commands.try_send(RelayCommand::Close { by, done }).ok().map(|()| closed)
        };
        let closing: Vec<_> = self.lock().links.values().filter_map(close).collect();
        let all = async {
            for closed in closing {
                let _ = closed.await;
            }
        };
        let _ = tokio::time::timeout_at(by + Duration::from_millis(500), all).await;
    }

    /// Ends the task of every connection at once.
    pub fn abort_all(&self) {
        for link in std::mem::take(&mut self.lock().links).into_values() {
            link.task.abort();
        }
    }

    /// Returns the status of every relay.
    pub fn statuses(&self) -> Vec<RelayStatus> {
        self.lock().links.values().map(|link| link.status.read()).collect()
    }

    /// Removes an idle relay, unless a command came in between: commands are given under the lock.
    pub fn retire(&self, url: &str, commands: &mpsc::Receiver<RelayCommand>) -> bool {
        let mut state = self.lock();
        let retires = commands.is_empty();
        if retires {
            state.links.remove(url);
        }
        retires
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
