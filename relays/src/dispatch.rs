//! From a rumor and its receiver to wraps in the outboxes of the receiver's relays.
//!
//! One task, so that messages to a peer keep their order; what waits for a peer's relays to be
//! looked up waits here, and one lookup serves all of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use p2p_core::engine::Priority;
use p2p_core::{PublicKey, Rumor, RumorId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Heard;
use super::about::Limits;
use super::delivery::Delivery;
use super::hub::Hub;
use super::outbox::{Job, Packet};
use super::route::{self, Lookup, look_up};
use super::wrap;

/// Messages that wait for this task.
pub(super) const SENDS: usize = 4096;
/// How long a peer's relays are known, and how long it is known that none were found.
const KNOWN: Duration = Duration::from_secs(3600);
const UNKNOWN: Duration = Duration::from_secs(15);
/// Messages that wait for one peer's relays.
const WAITING: usize = 512;
/// Peers that are remembered.
const PEERS: usize = 10_000;

/// What this task is told.
#[derive(Debug)]
pub(super) enum Dispatch {
    /// Send a message.
    Send(PublicKey, Rumor, Priority),
    /// Say when everything before this is in the outboxes, or waits for a lookup.
    Flush(oneshot::Sender<()>),
}

#[derive(Debug, Default)]
struct Peer {
    route: Option<(Lookup, Instant)>,
    looking: bool,
    waiting: VecDeque<(Rumor, Priority)>,
}

/// The task's state.
#[derive(Debug)]
pub(super) struct Dispatcher {
    hub: Arc<Hub>,
    peers: HashMap<PublicKey, Peer>,
    lookups: JoinSet<(PublicKey, Lookup)>,
    stale: mpsc::UnboundedSender<PublicKey>,
}

/// Serves until nobody can send any more.
pub(super) async fn run(hub: Arc<Hub>, mut sends: mpsc::Receiver<Dispatch>) {
    let (stale, mut stale_peers) = mpsc::unbounded_channel();
    let mut dispatcher = Dispatcher { hub, peers: HashMap::new(), lookups: JoinSet::new(), stale };
    loop {
        tokio::select! {
            told = sends.recv() => match told {
                Some(Dispatch::Send(to, rumor, priority)) => dispatcher.send(to, rumor, priority),
                Some(Dispatch::Flush(done)) => { let _ = done.send(()); }
                None => return,
            },
            Some(found) = dispatcher.lookups.join_next() => {
                if let Ok((peer, lookup)) = found {
                    dispatcher.found(peer, lookup);
                }
            }
            Some(peer) = stale_peers.recv() => dispatcher.forget(peer),
        }
    }
}

impl Dispatcher {
    fn send(&mut self, to: PublicKey, rumor: Rumor, priority: Priority) {
        if to == self.hub.me {
            return self.pass(to, &rumor, priority, &route::own(&self.hub));
        }
        self.make_place();
        let now = Instant::now();
        let peer = self.peers.entry(to).or_default();
        if peer.route.as_ref().is_some_and(|(_, until)| now >= *until) {
            peer.route = None;
        }
        if let Some((lookup, _)) = &peer.route {
            let lookup = lookup.clone();
            return self.pass(to, &rumor, priority, &lookup);
        }
        if peer.waiting.len() >= WAITING {
            return refuse(&self.hub, rumor.id(), "too much is waiting for this peer's relays");
        }
        peer.waiting.push_back((rumor, priority));
        if !peer.looking {
            peer.looking = true;
            let hub = Arc::clone(&self.hub);
            self.lookups.spawn(async move { (to, look_up(&hub, to).await) });
        }
    }

    fn found(&mut self, to: PublicKey, lookup: Lookup) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        peer.looking = false;
        peer.route = match &lookup {
            Lookup::Found(_) => Some((lookup.clone(), Instant::now() + KNOWN)),
            Lookup::None => Some((lookup.clone(), Instant::now() + UNKNOWN)),
            Lookup::NoAnswer(_) => None,
        };
        for (rumor, priority) in std::mem::take(&mut peer.waiting) {
            self.pass(to, &rumor, priority, &lookup);
        }
    }

    /// Wraps a message once and gives it to every relay of the receiver, or says why not.
    fn pass(&self, to: PublicKey, rumor: &Rumor, priority: Priority, lookup: &Lookup) {
        let id = rumor.id();
        let relays = match lookup {
            Lookup::Found(relays) => relays,
            Lookup::None => {
                let _ = self.hub.heard.send(Heard::NoRoute { rumor: id, to });
                return;
            }
            Lookup::NoAnswer(cause) => return refuse(&self.hub, id, cause),
        };
        let limits: Vec<Limits> = relays.iter().map(|url| self.hub.limits(url)).collect();
        let backdating = limits.iter().map(|l| l.backdating(wrap::BACKDATING)).min();
        let backdating = backdating.unwrap_or(wrap::BACKDATING);
        let now = self.hub.clock.now();
        let event = match wrap::wrap(rumor, &self.hub.keys, to, now, backdating) {
            Ok(event) => event,
            Err(error) => {
                refuse(&self.hub, id, &error.to_string());
                let _ = self.hub.heard.send(Heard::Unfit { rumor: id, cause: error.to_string() });
                return;
            }
        };
        let (packet, heard, stale) =
            (Arc::new(Packet::new(&event)), self.hub.heard.clone(), self.stale.clone());
        let delivery = Delivery::new(id, to, relays.len(), heard, stale);
        let delivery = Arc::new(delivery.by(Arc::clone(&self.hub.wire)));
        for (url, limits) in relays.iter().zip(limits) {
            if let Err(cause) = limits.takes(packet.text.len(), packet.content) {
                delivery.unfit(url, cause);
                continue;
            }
            let job = Job {
                packet: Arc::clone(&packet),
                priority,
                deliveries: vec![Arc::clone(&delivery)],
                queued: Instant::now(),
                tries: 0,
            };
            self.hub.publish(url, job);
        }
    }

    /// No relay of this peer took a message: look again before the next one.
    fn forget(&mut self, peer: PublicKey) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.route = None;
        }
    }

    fn make_place(&mut self) {
        if self.peers.len() >= PEERS {
            let now = Instant::now();
            let is_known = |p: &Peer| p.route.as_ref().is_some_and(|(_, until)| now < *until);
            self.peers.retain(|_, peer| peer.looking || is_known(peer));
            if self.peers.len() >= PEERS {
                self.peers.retain(|_, peer| peer.looking);
            }
        }
    }
}

/// Reports that a message went nowhere.
pub(super) fn refuse(hub: &Hub, rumor: RumorId, cause: &str) {
    let _ = hub.heard.send(Heard::Report {
        rumor,
        accepted: Vec::new(),
        refused: vec![("*".to_owned(), cause.to_owned())],
        waiting: 0,
    });
}
