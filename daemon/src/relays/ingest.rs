//! From an event that a relay handed over to a message for the engine.
//!
//! One task for all relays, so that neither decryption nor a slow engine holds up a connection.
//! What waits for it is bounded in bytes.

use std::sync::Arc;

use nostr::{Event, Keys};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Heard;
use super::admission::Gate;
use super::status::now;
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
    /// The relay has told everything that it kept for us.
    Live(Arc<str>),
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
    gate: Arc<Gate>,
    keys: Keys,
    heard: mpsc::Sender<Heard>,
) {
    while let Some(arrival) = arrivals.recv().await {
        let (event, relay) = match &arrival {
            Arrival::Event { event, relay, .. } => (event, relay),
            Arrival::Live(relay) => {
                if heard.send(Heard::Connected { relay: relay.to_string() }).await.is_err() {
                    return;
                }
                continue;
            }
        };
        // Another relay's copy may have been ahead of it in the queue.
        if gate.has_seen(&event.id) {
            continue;
        }
        if let Err(why) = wrap::verify(event) {
            gate.refuse(relay, why);
            continue;
        }
        gate.saw(event.id);
        match wrap::open(event, &keys, now()) {
            Ok(message) => {
                let relay = relay.to_string();
                if heard.send(Heard::Message { message, relay }).await.is_err() {
                    return;
                }
            }
            Err(why) => gate.refuse(relay, why),
        }
    }
}
