//! From an event that a relay handed over to a message for the engine.
//!
//! One task for all relays, so that neither decryption nor a slow engine holds up a connection.
//! What waits for it is bounded in bytes.

use std::sync::Arc;

use nostr::Event;
use p2p_core::{Time, Verified};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Heard;
use super::hub::Hub;
use super::wrap;

/// How much may wait to be looked at, in KiB of events.
const ROOM: usize = 16 * 1024;

/// Where the connections put events.
#[derive(Debug, Clone)]
pub(super) struct Ingest {
    events: mpsc::UnboundedSender<Arrival>,
    room: Arc<Semaphore>,
}

/// What comes from the connections, in order.
#[derive(Debug)]
pub(super) enum Arrival {
    /// An event on its way, and its share of the room.
    Event { event: Box<Event>, relay: Arc<str>, _share: OwnedSemaphorePermit },
    /// What a relay kept for us, or a part of it.
    Kept { events: Vec<Event>, relay: Arc<str>, _share: OwnedSemaphorePermit },
    /// The relay's subscription is live.
    Live(Arc<str>),
    /// The relay has told everything that it kept for us.
    CaughtUp { relay: Arc<str>, at: Time, epoch: u64 },
}

impl Ingest {
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Arrival>) {
        let (events, arrivals) = mpsc::unbounded_channel();
        (Self { events, room: Arc::new(Semaphore::new(ROOM)) }, arrivals)
    }

    /// Hands over an event of `size` bytes; false when there is no room.
    pub fn offer(&self, event: Event, size: usize, relay: &Arc<str>) -> bool {
        let share = u32::try_from(size / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(share) = Arc::clone(&self.room).try_acquire_many_owned(share) else {
            return false;
        };
        let (event, relay) = (Box::new(event), Arc::clone(relay));
        let arrival = Arrival::Event { event, relay, _share: share };
        self.events.send(arrival).is_ok()
    }

    /// Hands over what a relay kept, of `size` bytes together; waits until there is room.
    pub async fn offer_all(&self, events: Vec<Event>, size: usize, relay: &Arc<str>) -> bool {
        let share = u32::try_from((size / 1024 + 1).min(ROOM)).unwrap_or(u32::MAX);
        let Ok(share) = Arc::clone(&self.room).acquire_many_owned(share).await else {
            return false;
        };
        let arrival = Arrival::Kept { events, relay: Arc::clone(relay), _share: share };
        self.events.send(arrival).is_ok()
    }

    /// Says that everything that a relay kept when it was `at` was handed over.
    pub fn caught_up(&self, relay: &Arc<str>, at: Time, epoch: u64) -> bool {
        self.events.send(Arrival::CaughtUp { relay: Arc::clone(relay), at, epoch }).is_ok()
    }

    /// Says that a relay's subscription is live, behind everything that it told before.
    pub fn live(&self, relay: &Arc<str>) {
        let _ = self.events.send(Arrival::Live(Arc::clone(relay)));
    }

    /// Whether most of the room is free.
    pub fn has_room(&self) -> bool {
        self.room.available_permits() > ROOM / 2
    }
}

/// Looks at what arrives, for as long as somebody wants to hear of it.
pub(super) async fn run(
    mut arrivals: mpsc::UnboundedReceiver<Arrival>,
    hub: Arc<Hub>,
    heard: mpsc::Sender<Heard>,
) {
    while let Some(arrival) = arrivals.recv().await {
        let told: Vec<Heard> = match arrival {
            Arrival::Event { event, relay, _share } => look(&event, &relay, &hub)
                .map(|message| Heard::Message { message, relay: relay.to_string() })
                .into_iter()
                .collect(),
            Arrival::Kept { events, relay, _share } => {
                let looked = events.iter().filter_map(|event| look(event, &relay, &hub));
                let mut messages: Vec<Verified> = looked.collect();
                // Wraps are in an order of chance; what they say is in the order of its writing,
                // as well as its writer's clock tells.
                messages.sort_by_key(|message| message.rumor().created_at);
                let heard = |message| Heard::Message { message, relay: relay.to_string() };
                messages.into_iter().map(heard).collect()
            }
            Arrival::Live(relay) => vec![Heard::Connected { relay: relay.to_string() }],
            Arrival::CaughtUp { relay, at, epoch } => {
                vec![Heard::CaughtUp { relay: relay.to_string(), at, epoch }]
            }
        };
        for news in told {
            if heard.send(news).await.is_err() {
                return;
            }
        }
    }
}

/// Checks and opens one event, unless another relay's copy was ahead of it.
fn look(event: &Event, relay: &str, hub: &Hub) -> Option<Verified> {
    let gate = &hub.gate;
    if gate.has_seen(&event.id) {
        return None;
    }
    if let Err(why) = wrap::verify(event) {
        gate.refuse(relay, why);
        return None;
    }
    gate.saw(event.id);
    wrap::open(event, &hub.keys, hub.clock.now()).inspect_err(|why| gate.refuse(relay, *why)).ok()
}
