//! What the tasks of this module share: our identity, the table of connections, the way out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nostr::{Event, EventBuilder, Filter, Keys, Kind, Tag, Timestamp};
use p2p_core::{PublicKey, Time};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Heard;
use super::about::{AGAIN, GOOD_FOR, Limits, learn};
use super::admission::Gate;
use super::clock::Clock;
use super::ingest::Ingest;
use super::link::{Link, Order};
use super::outbox::{Job, Notice, Packet};
use super::platform::Platform;
use super::query::{Answer, Query};
use super::settings::{RelaySpec, Roles};
use super::status::Status;
use super::wire::Wire;

/// Orders that wait for one connection's attention.
const ORDERS: usize = 2048;
/// Connections to relays that only peers use.
const PEER_LINKS: usize = 64;

/// Shared by all tasks.
#[derive(Debug)]
pub(super) struct Hub {
    pub platform: Platform,
    pub keys: Keys,
    pub me: PublicKey,
    /// The id of our inbox subscription: the same at every relay and every time.
    pub inbox_id: String,
    /// Our relays, addresses normalized.
    pub own: Vec<RelaySpec>,
    pub gate: Arc<Gate>,
    pub ingest: Ingest,
    pub wire: Arc<Wire>,
    /// Reports and news of connections. Not bounded, and does not grow: there is one for each
    /// part of a message that the engine itself asked to send.
    pub heard: mpsc::UnboundedSender<Heard>,
    links: Mutex<BTreeMap<String, Handle>>,
    last_stamp: Mutex<u64>,
    /// Until when everything that a relay kept for us was taken in.
    caught_up: Mutex<BTreeMap<String, Time>>,
    /// Counts the times that what was heard before has to be heard again.
    epoch: AtomicU64,
    pub clock: Clock,
    /// What relays say about themselves, and until when that is not asked again.
    limits: Mutex<BTreeMap<String, (Limits, Instant)>>,
    /// What was last published as our profile, by kind.
    profile: Mutex<BTreeMap<u16, Arc<Packet>>>,
}

/// How the table holds a connection.
#[derive(Debug)]
struct Handle {
    roles: Roles,
    orders: mpsc::Sender<Order>,
    status: Status,
    task: AbortHandle,
}

impl Hub {
    pub fn new(
        platform: Platform,
        keys: Keys,
        inbox_id: String,
        own: Vec<RelaySpec>,
        ingest: Ingest,
        heard: mpsc::UnboundedSender<Heard>,
    ) -> Self {
        let me = PublicKey(keys.public_key().to_bytes());
        Self {
            clock: Clock::new(platform.now),
            platform,
            keys,
            me,
            inbox_id,
            own,
            gate: Arc::default(),
            ingest,
            wire: Arc::default(),
            heard,
            links: Mutex::default(),
            last_stamp: Mutex::default(),
            caught_up: Mutex::default(),
            epoch: AtomicU64::new(0),
            limits: Mutex::default(),
            profile: Mutex::default(),
        }
    }

    /// A relay's limits, as far as it named them.
    pub fn limits(&self, url: &str) -> Limits {
        lock(&self.limits).get(url).map(|(limits, _)| *limits).unwrap_or_default()
    }

    /// Whether a relay is to be asked for its limits: not lately.
    pub fn wants_limits(&self, url: &str) -> bool {
        lock(&self.limits).get(url).is_none_or(|(_, until)| Instant::now() >= *until)
    }

    /// Notes what a relay said about itself. Nothing leaves what it said before.
    pub fn note_limits(&self, url: &str, answer: Option<Limits>) {
        let until = Instant::now() + if answer.is_some() { GOOD_FOR } else { AGAIN };
        let limits = answer.unwrap_or_else(|| self.limits(url));
        lock(&self.limits).insert(url.to_owned(), (limits, until));
        if let Some(link) = lock(&self.links).get(url) {
            link.status.limited(limits);
        }
    }

    /// One of our relays said what time it is. Those that peers name have no say in that.
    pub fn told_time(&self, url: &str, date: &str, took: Duration) {
        let is_ours = self.own.iter().any(|spec| spec.url == url);
        if is_ours && self.clock.told(url, date, took) {
            let seconds = self.clock.offset() / 1000;
            tracing::warn!(seconds, "what relays say of this machine's clock: so much behind");
            let _ = self.heard.send(Heard::Clock { ahead: self.clock.offset() });
        }
    }

    /// Until when everything that a relay kept was taken in: never, at first.
    pub fn caught_up(&self, url: &str) -> Time {
        lock(&self.caught_up).get(url).copied().unwrap_or(Time(0))
    }

    /// Notes what [`Hub::caught_up`] says, and gives back all of it. A time before `epoch` began
    /// says nothing any more.
    pub fn note_caught_up(
        &self,
        known: impl IntoIterator<Item = (String, Time)>,
        epoch: u64,
    ) -> Option<BTreeMap<String, Time>> {
        let mut caught_up = lock(&self.caught_up);
        (epoch == self.epoch()).then(|| {
            caught_up.extend(known);
            caught_up.clone()
        })
    }

    /// See [`Hub::hear_again`].
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// What was heard lately was lost: every relay is to tell again what it kept.
    pub fn hear_again(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.gate.forget();
        for link in lock(&self.links).values() {
            let _ = link.orders.try_send(Order::HearAgain);
        }
    }

    /// The machine slept, or its clock was set: what stands is checked, what waits waits no more,
    /// and relays are asked for the time again.
    pub fn wake(self: &Arc<Self>) {
        for link in lock(&self.links).values() {
            let _ = link.orders.try_send(Order::Wake);
        }
        for spec in &self.own {
            tokio::spawn(learn(Arc::clone(self), spec.url.as_str().into(), false));
        }
        let _ = self.heard.send(Heard::Woke);
    }

    /// Signs an event about ourselves. No two have the same time, because of two replaceable
    /// events of one second relays keep the one with the lower id (NIP-01).
    pub fn sign(
        &self,
        kind: u16,
        tags: Vec<Vec<String>>,
        content: &str,
        now: Time,
    ) -> Option<Event> {
        let at = {
            let mut last = lock(&self.last_stamp);
            *last = now.secs().max(last.saturating_add(1));
            *last
        };
        let tags = tags.into_iter().filter_map(|tag| Tag::parse(tag).ok());
        let event = EventBuilder::new(Kind::from(kind), content)
            .tags(tags)
            .custom_created_at(Timestamp::from(at))
            .sign_with_keys(&self.keys);
        event.inspect_err(|error| tracing::error!(%error, kind, "cannot sign")).ok()
    }

    /// Opens connections to our own relays.
    pub fn open_own(self: &Arc<Self>) {
        let mut links = lock(&self.links);
        for spec in &self.own {
            self.open(&mut links, &spec.url, spec.roles);
        }
    }

    /// Gives a message to a relay; opens a connection when only a peer uses it.
    pub fn publish(self: &Arc<Self>, url: &str, job: Job) {
        let mut links = lock(&self.links);
        if !links.contains_key(url) {
            let peers = links.values().filter(|link| !link.roles.is_ours()).count();
            if peers >= PEER_LINKS {
                drop(links);
                let cause = "too many relays of peers at once".to_owned();
                return job.settle(url, &Err(cause));
            }
            self.open(&mut links, url, Roles::default());
        }
        let Some(link) = links.get(url) else { return };
        if let Err(error) = link.orders.try_send(Order::Publish(job)) {
            drop(links);
            if let Order::Publish(job) = error.into_inner() {
                let cause = "too much is waiting for this relay".to_owned();
                job.settle(url, &Err(cause));
            }
        }
    }

    /// Gives a notice to each of our relays that `wants` it. The number that it was given to.
    pub fn notify(&self, wants: impl Fn(Roles) -> bool, notice: impl Fn() -> Notice) -> usize {
        let links = lock(&self.links);
        let wanted = links.values().filter(|link| link.roles.is_ours() && wants(link.roles));
        wanted.filter(|link| link.orders.try_send(Order::Notify(notice())).is_ok()).count()
    }

    /// Publishes a part of our profile on all our relays, and remembers it.
    pub fn publish_profile(&self, kind: u16, packet: &Arc<Packet>) {
        lock(&self.profile).insert(kind, Arc::clone(packet));
        self.notify(|_| true, || Notice::lasting(kind, packet));
    }

    /// Gives a relay that we are connected to again our profile again, if it does not have it:
    /// it may have lost everything, and without kind 10050 nobody can write to us.
    pub async fn remind(self: Arc<Self>, url: Arc<str>) {
        let profile = lock(&self.profile).clone();
        let Some((kind, packet)) = profile.last_key_value() else { return };
        let me = nostr::PublicKey::from_byte_array(self.me.0);
        let filter = Filter::new().kind(Kind::from(*kind)).author(me).limit(1);
        let answer = self.ask_one(&url, &filter, 1, 64 * 1024, Duration::from_secs(30)).await;
        if answer.complete.is_err() || answer.events.iter().any(|event| event.id == packet.id) {
            return;
        }
        if let Some(link) = lock(&self.links).get(&*url) {
            for (kind, packet) in &profile {
                let _ = link.orders.try_send(Order::Notify(Notice::lasting(*kind, packet)));
            }
        }
    }

    /// Asks those of our relays that `wants` names, each on its own. Every one answers by
    /// `wait`, be it with why not.
    pub fn ask(
        &self,
        wants: impl Fn(&Status, Roles) -> bool,
        filter: &Filter,
        max_events: usize,
        max_size: usize,
        wait: Duration,
    ) -> mpsc::Receiver<(String, Status, Answer)> {
        let links = lock(&self.links);
        let (answers, asked) = mpsc::channel(links.len().max(1));
        let by = Instant::now() + wait;
        for (url, link) in links.iter() {
            if !link.roles.is_ours() || !wants(&link.status, link.roles) {
                continue;
            }
            let (reply, answer) = oneshot::channel();
            let query = Query { filter: filter.clone(), max_events, max_size, by, reply };
            let sent = link.orders.try_send(Order::Ask(query)).is_ok();
            let (url, status, answers) = (url.clone(), link.status.clone(), answers.clone());
            tokio::spawn(async move {
                // A little later than the connection itself gives up: it knows the better cause.
                let answer = tokio::time::timeout_at(by + Duration::from_secs(1), answer).await;
                let answer = match answer {
                    Ok(Ok(answer)) => answer,
                    _ => Answer::none(if sent { "no answer in time" } else { "busy" }),
                };
                let _ = answers.send((url, status, answer)).await;
            });
        }
        asked
    }

    /// Asks one of our relays.
    pub async fn ask_one(
        &self,
        url: &str,
        filter: &Filter,
        max_events: usize,
        max_size: usize,
        wait: Duration,
    ) -> Answer {
        let is_it = |status: &Status, _| status.read().url == url;
        let mut answers = self.ask(is_it, filter, max_events, max_size, wait);
        let answer = answers.recv().await.map(|(_, _, answer)| answer);
        answer.unwrap_or_else(|| Answer::none("no relay of ours"))
    }

    /// Tells every connection to send what waits, by `by` at the latest, and to close.
    pub async fn close_all(&self, by: Instant) {
        let mut closing = Vec::new();
        {
            let links = lock(&self.links);
            for link in links.values() {
                let (done, closed) = oneshot::channel();
                if link.orders.try_send(Order::Close { by, done }).is_ok() {
                    closing.push(closed);
                }
            }
        }
        let all = async {
            for closed in closing {
                let _ = closed.await;
            }
        };
        let _ = tokio::time::timeout_at(by + Duration::from_millis(500), all).await;
    }

    /// Ends every connection's task at once.
    pub fn abort_all(&self) {
        for link in std::mem::take(&mut *lock(&self.links)).into_values() {
            link.task.abort();
        }
    }

    /// Every connection's line.
    pub fn statuses(&self) -> Vec<Status> {
        lock(&self.links).values().map(|link| link.status.clone()).collect()
    }

    /// Takes an idle connection out of the table, unless an order came in between: orders are
    /// given under the same lock.
    pub fn retire(&self, url: &str, orders: &mpsc::Receiver<Order>) -> bool {
        let mut links = lock(&self.links);
        let retires = orders.is_empty();
        if retires {
            links.remove(url);
        }
        retires
    }

    fn open(self: &Arc<Self>, links: &mut BTreeMap<String, Handle>, url: &str, roles: Roles) {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let status = Status::new(url, roles, self.platform.now);
        let link = Link::new(Arc::clone(self), url, roles, inbox, status.clone());
        let task = tokio::spawn(link.run()).abort_handle();
        links.insert(url.to_owned(), Handle { roles, orders, status, task });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
