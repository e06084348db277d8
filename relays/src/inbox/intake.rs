//! The queue between the connections and [`crate::inbox::ingest`], bounded in bytes.

use std::sync::Arc;

use nostr::Event;
use p2p_core::Time;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The size of the queue, in KiB of events.
const ROOM: usize = 16 * 1024;

/// The end of the queue that connections write to.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    arrivals: mpsc::UnboundedSender<Arrival>,
    room: Arc<Semaphore>,
}

/// An item of the queue.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A live event.
    Event { event: Box<Event>, relay: Arc<str>, _share: OwnedSemaphorePermit },
    /// A part of the events that a relay stored for us.
    Stored { events: Vec<Event>, relay: Arc<str>, _share: OwnedSemaphorePermit },
    /// The relay's subscription is live.
    Live(Arc<str>),
    /// The relay has told everything that it stored for us.
    CaughtUp { relay: Arc<str>, at: Time, epoch: u64 },
}

impl Intake {
    /// Returns both ends of an empty queue.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Arrival>) {
        let (arrivals, receiver) = mpsc::unbounded_channel();
        (Self { arrivals, room: Arc::new(Semaphore::new(ROOM)) }, receiver)
    }

    /// Queues an event of `size` bytes. Returns false when there is no room.
    pub fn offer(&self, event: Event, size: usize, relay: &Arc<str>) -> bool {
        let share = u32::try_from(size / 1024 + 1).unwrap_or(u32::MAX);
        let Ok(share) = Arc::clone(&self.room).try_acquire_many_owned(share) else {
            return false;
        };
        let (event, relay) = (Box::new(event), Arc::clone(relay));
        self.arrivals.send(Arrival::Event { event, relay, _share: share }).is_ok()
    }

    /// Queues stored events of `size` bytes together; waits until there is room.
    pub async fn offer_stored(&self, events: Vec<Event>, size: usize, relay: &Arc<str>) -> bool {
        let share = u32::try_from((size / 1024 + 1).min(ROOM)).unwrap_or(u32::MAX);
        let Ok(share) = Arc::clone(&self.room).acquire_many_owned(share).await else {
            return false;
        };
        let relay = Arc::clone(relay);
        self.arrivals.send(Arrival::Stored { events, relay, _share: share }).is_ok()
    }

    /// Queues the report that every event that a relay had stored at `at` was queued.
    pub fn caught_up(&self, relay: &Arc<str>, at: Time, epoch: u64) -> bool {
        self.arrivals.send(Arrival::CaughtUp { relay: Arc::clone(relay), at, epoch }).is_ok()
    }

    /// Queues the report that a relay's subscription is live, behind its events.
    pub fn live(&self, relay: &Arc<str>) {
        let _ = self.arrivals.send(Arrival::Live(Arc::clone(relay)));
    }

    /// Returns whether most of the queue is free.
    pub fn has_room(&self) -> bool {
        self.room.available_permits() > ROOM / 2
    }
}
