//! What is given to relays: messages for peers, and events about ourselves.

use std::sync::Arc;

use nostr::{Event, EventId, JsonUtil};
use p2p_core::engine::Priority;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::delivery::Delivery;

/// An event as it goes over the wire.
#[derive(Debug)]
pub(super) struct Packet {
    pub id: EventId,
    pub text: Utf8Bytes,
    /// Characters of the event's content.
    pub content: usize,
}

impl Packet {
    pub fn new(event: &Event) -> Self {
        Self {
            id: event.id,
            text: format!("[\"EVENT\",{}]", event.as_json()).into(),
            content: event.content.chars().count(),
        }
    }
}

/// A message for a peer.
#[derive(Debug)]
pub(super) struct Job {
    pub packet: Arc<Packet>,
    pub priority: Priority,
    /// Of each attempt at the same message that waited here together: they go as one.
    pub deliveries: Vec<Arc<Delivery>>,
    pub queued: Instant,
    pub tries: u8,
}

impl Job {
    /// Notes what became of it.
    pub fn settle(&self, url: &str, outcome: &Result<(), String>) {
        self.deliveries.iter().for_each(|delivery| delivery.settle(url, outcome.clone()));
    }

    /// Whether it may be transmitted now: it was not withdrawn.
    pub fn leaves(&self) -> bool {
        self.deliveries.iter().all(|delivery| delivery.leaves())
    }

    /// Whether it is another attempt at the same message.
    pub fn is_same(&self, other: &Self) -> bool {
        let rumor = |job: &Self| job.deliveries.first().map(|delivery| delivery.rumor());
        rumor(self) == rumor(other)
    }
}

/// An event about ourselves. A newer one of its kind takes its place.
#[derive(Debug)]
pub(super) struct Notice {
    pub kind: u16,
    pub packet: Arc<Packet>,
    /// When it is of no use any more.
    pub until: Option<Instant>,
    /// Who wants to know when it was taken.
    pub done: Option<oneshot::Sender<Result<(), String>>>,
    pub tries: u8,
}

impl Notice {
    /// A notice that stays of use.
    pub fn lasting(kind: u16, packet: &Arc<Packet>) -> Self {
        Self { kind, packet: Arc::clone(packet), until: None, done: None, tries: 0 }
    }

    /// A newer one took its place before it went out, which is no failure.
    pub fn give_way(self) {
        if let Some(done) = self.done {
            let _ = done.send(Err("replaced by a newer one".to_owned()));
        }
    }

    /// Notes what became of it.
    pub fn settle(self, url: &str, outcome: Result<(), String>) {
        if let Err(cause) = &outcome {
            tracing::info!(relay = url, kind = self.kind, cause, "an announcement was not taken");
        }
        if let Some(done) = self.done {
            let _ = done.send(outcome);
        }
    }
}
