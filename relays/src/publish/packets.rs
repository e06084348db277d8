//! Events on their way to a relay: messages for peers, and events about ourselves.

use std::sync::Arc;

use nostr::{Event, EventId, JsonUtil};
use p2p_core::engine::Priority;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::publish::delivery::Delivery;

/// An event as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Packet {
    pub id: EventId,
    pub text: Utf8Bytes,
    /// The number of characters of the content.
    pub content: usize,
}

impl Packet {
    /// Returns the packet of an event.
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
pub(crate) struct Job {
    pub packet: Arc<Packet>,
    pub priority: Priority,
    /// The attempts at the same message that waited here together: they go as one.
    pub deliveries: Vec<Arc<Delivery>>,
    pub queued: Instant,
    pub tries: u8,
}

impl Job {
    /// Reports the outcome.
    pub fn settle(&self, url: &str, outcome: &Result<(), String>) {
        self.deliveries.iter().for_each(|delivery| delivery.settle(url, outcome.clone()));
    }

    /// Returns whether the message may be transmitted now: it was not withdrawn.
    pub fn may_leave(&self) -> bool {
        self.deliveries.iter().all(|delivery| delivery.may_leave())
    }

    /// Returns whether another job is an attempt at the same message for the same receiver.
    pub fn is_same(&self, other: &Self) -> bool {
        let id = |job: &Self| job.deliveries.first().map(|delivery| delivery.id());
        id(self) == id(other)
    }
}

/// An event about ourselves. A newer event of its kind replaces it.
#[derive(Debug)]
pub(crate) struct Notice {
    pub kind: u16,
    pub packet: Arc<Packet>,
    /// The time when it is of no use any more.
    pub until: Option<Instant>,
    /// Told the outcome.
    pub done: Option<oneshot::Sender<Result<(), String>>>,
    pub tries: u8,
}

impl Notice {
    /// Returns a notice that stays of use.
    pub fn lasting(kind: u16, packet: &Arc<Packet>) -> Self {
        Self { kind, packet: Arc::clone(packet), until: None, done: None, tries: 0 }
    }

    /// Ends a notice that a newer one replaced before it was sent, which is not a failure.
    pub fn replaced(self) {
        if let Some(done) = self.done {
            let _ = done.send(Err("replaced by a newer one".to_owned()));
        }
    }

    /// Reports the outcome.
    pub fn settle(self, url: &str, outcome: Result<(), String>) {
        if let Err(cause) = &outcome {
            tracing::info!(relay = url, kind = self.kind, cause, "an announcement was not taken");
        }
        if let Some(done) = self.done {
            let _ = done.send(outcome);
        }
    }
}
