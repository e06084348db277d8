//! Reports of the relays to the engine's owner.

use p2p_core::{PublicKey, RumorId, Time, Verified};

/// A report of the relays.
#[derive(Debug)]
pub enum RelayEvent {
    /// A message for us that passed every check. The same rumor may come again in another wrap.
    Message {
        /// The message.
        message: Verified,
        /// The relay that brought it first.
        relay: String,
    },
    /// The state of a message that was sent. Reports are cumulative: one follows each relay's answer,
    /// the last one has nothing waiting. A refusal by `*` is our own: no relay was tried.
    Report {
        /// The message.
        rumor: RumorId,
        /// The receiver.
        to: PublicKey,
        /// The relays that took the message.
        accepted: Vec<String>,
        /// The relays that did not, with the cause.
        refused: Vec<(String, String)>,
        /// The number of relays that have not answered yet.
        waiting: usize,
    },
    /// The receiver has no relay list (kind 10050), or none of its relays may be used.
    NoRoute {
        /// The message.
        rumor: RumorId,
        /// The receiver.
        to: PublicKey,
    },
    /// No relay of the receiver will ever take the message: it is too large, or cannot be encrypted.
    /// A [`RelayEvent::Report`] came before.
    Undeliverable {
        /// The message.
        rumor: RumorId,
        /// The receiver.
        to: PublicKey,
        /// The reason that one of the relays has.
        cause: String,
    },
    /// This machine slept, or its clock was set forward.
    Woke,
    /// The estimate of this machine's clock changed.
    Clock {
        /// Milliseconds that relays are ahead of this machine; 0 where that is within tolerance.
        ahead: i64,
    },
    /// A relay is connected, and its subscription to our messages is live.
    Connected {
        /// The relay.
        relay: String,
    },
    /// Every message that a relay stored for us was reported before this event. Once they are
    /// durable, [`crate::Relays::caught_up`] notes that.
    CaughtUp {
        /// The relay.
        relay: String,
        /// The time of the request.
        at: Time,
        /// The value to hand to [`crate::Relays::caught_up`].
        epoch: u64,
    },
}
