//! From a rumor and its receiver to wraps in the outboxes of the receiver's relays.
//!
//! One task serves all messages, so that messages to a peer keep their order. Messages that wait for
//! a lookup wait here, and one lookup serves all of them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use p2p_core::engine::Priority;
use p2p_core::{PublicKey, Rumor};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::context::Context;
use crate::directory::lookup::{self, Lookup, Route, look_up};
use crate::event::RelayEvent;
use crate::nip11::RelayLimits;
use crate::nip59;
use crate::publish::delivery::{Delivery, Observers, OutgoingId};
use crate::publish::packets::{Job, Packet};
use crate::transport::pool::Pool;

/// Messages that wait for this task.
pub(crate) const SENDS: usize = 4096;
/// The time for which a route is valid, and the time for which a failed lookup is.
const FOUND: Duration = Duration::from_secs(3600);
const NOT_FOUND: Duration = Duration::from_secs(15);
/// Messages that wait for one lookup.
const WAITING: usize = 512;
/// Peers whose routes are kept.
const PEERS: usize = 10_000;

/// A message to send.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub to: PublicKey,
    pub rumor: Rumor,
    pub priority: Priority,
}

/// A command to this task.
#[derive(Debug)]
pub(crate) enum Dispatch {
    /// Send a message.
    Send(Outgoing),
    /// Answer when every earlier message is in the outboxes, or waits for a lookup.
    Flush(oneshot::Sender<()>),
}

#[derive(Debug, Default)]
struct PeerRoute {
    /// The route, and until when it is valid.
    route: Option<(Route, Instant)>,
    is_looked_up: bool,
    waiting: VecDeque<Outgoing>,
}

/// The state of this task.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    pool: Pool,
    peers: HashMap<PublicKey, PeerRoute>,
    lookups: JoinSet<(PublicKey, Lookup)>,
    observers: Observers,
}

/// Serves until every sender is gone.
pub(crate) async fn run(pool: Pool, mut sends: mpsc::Receiver<Dispatch>) {
    let (stale, mut stale_peers) = mpsc::unbounded_channel();
    let observers = Observers { events: pool.context.events.clone(), stale };
    let mut dispatcher =
        Dispatcher { pool, peers: HashMap::new(), lookups: JoinSet::new(), observers };
    loop {
        tokio::select! {
            command = sends.recv() => match command {
                Some(Dispatch::Send(outgoing)) => dispatcher.send(outgoing),
                Some(Dispatch::Flush(done)) => { let _ = done.send(()); }
                None => return,
            },
            Some(found) = dispatcher.lookups.join_next() => {
                if let Ok((peer, lookup)) = found {
                    dispatcher.found(peer, &lookup.route);
                }
            }
            Some(peer) = stale_peers.recv() => dispatcher.forget(peer),
        }
    }
}

impl Dispatcher {
    /// Sends a message, or lets it wait for a lookup.
    fn send(&mut self, outgoing: Outgoing) {
        let to = outgoing.to;
        if to == self.pool.context.identity.public {
            let route = lookup::own(&self.pool.context);
            return self.pass(&outgoing, &route);
        }
        self.make_room();
        let now = Instant::now();
        let peer = self.peers.entry(to).or_default();
        peer.route.take_if(|(_, until)| now >= *until);
        if let Some((route, _)) = &peer.route {
            let route = route.clone();
            return self.pass(&outgoing, &route);
        }
        if peer.waiting.len() >= WAITING {
            let cause = "too much is waiting for this peer's relays";
            return refuse(&self.pool.context, &outgoing, cause);
        }
        peer.waiting.push_back(outgoing);
        if !peer.is_looked_up {
            peer.is_looked_up = true;
            let pool = self.pool.clone();
            self.lookups.spawn(async move { (to, look_up(&pool, to).await) });
        }
    }

    /// Notes a peer's route, and sends what waited for it.
    fn found(&mut self, to: PublicKey, route: &Route) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        peer.is_looked_up = false;
        let valid = match route {
            Route::Found(_) => Some(FOUND),
            Route::NotFound => Some(NOT_FOUND),
            Route::NoAnswer(_) => None,
        };
        peer.route = valid.map(|valid| (route.clone(), Instant::now() + valid));
        for outgoing in std::mem::take(&mut peer.waiting) {
            self.pass(&outgoing, route);
        }
    }

    /// Wraps a message once and hands it to every relay of the receiver, or reports why not.
    fn pass(&self, outgoing: &Outgoing, route: &Route) {
        let context = &self.pool.context;
        let Outgoing { to, rumor, priority } = outgoing;
        let id = OutgoingId { rumor: rumor.id(), to: *to };
        let relays = match route {
            Route::Found(relays) => relays,
            Route::NotFound => {
                return context.report(RelayEvent::NoRoute { rumor: id.rumor, to: id.to });
            }
            Route::NoAnswer(cause) => return refuse(context, outgoing, cause),
        };
        let limits: Vec<RelayLimits> =
            relays.iter().map(|url| self.pool.table.limits(url)).collect();
        let backdating = limits.iter().map(|l| l.backdating(nip59::BACKDATING)).min();
        let backdating = backdating.unwrap_or(nip59::BACKDATING);
        let keys = &context.identity.keys;
        let event = match nip59::wrap(rumor, keys, *to, context.now(), backdating) {
            Ok(event) => event,
            Err(error) => {
                let (rumor, to, cause) = (id.rumor, id.to, error.to_string());
                refuse(context, outgoing, &cause);
                return context.report(RelayEvent::Undeliverable { rumor, to, cause });
            }
        };
        let packet = Arc::new(Packet::new(&event));
        let gate = Arc::clone(&context.gate);
        let delivery = Arc::new(Delivery::new(id, relays.len(), self.observers.clone(), gate));
        for (url, limits) in relays.iter().zip(limits) {
            if let Err(cause) = limits.takes(packet.text.len(), packet.content) {
                delivery.undeliverable(url, cause);
                continue;
            }
            let job = Job {
                packet: Arc::clone(&packet),
                priority: *priority,
                deliveries: vec![Arc::clone(&delivery)],
                queued: Instant::now(),
                tries: 0,
            };
            self.pool.publish(url, job);
        }
    }

    /// Forgets the route of a peer for whom no relay took a message.
    fn forget(&mut self, peer: PublicKey) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.route = None;
        }
    }

    fn make_room(&mut self) {
        if self.peers.len() < PEERS {
            return;
        }
        let now = Instant::now();
        let is_valid = |p: &PeerRoute| p.route.as_ref().is_some_and(|(_, until)| now < *until);
        self.peers.retain(|_, peer| peer.is_looked_up || is_valid(peer));
        if self.peers.len() >= PEERS {
            self.peers.retain(|_, peer| peer.is_looked_up);
        }
    }
}

/// Reports that a message was given to no relay.
pub(crate) fn refuse(context: &Context, outgoing: &Outgoing, cause: &str) {
    context.report(RelayEvent::Report {
        rumor: outgoing.rumor.id(),
        to: outgoing.to,
        accepted: Vec::new(),
        refused: vec![("*".to_owned(), cause.to_owned())],
        waiting: 0,
    });
}
