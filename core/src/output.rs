//! Outputs of the engine, in the order in which the daemon must carry them out.

use crate::change::Change;
use crate::ids::{CallId, InstanceId, PublicKey};
use crate::record::Event;
use crate::rumor::Rumor;
use crate::time::Time;
use crate::transfer::assembly::Assembly;

/// Urgency of a rumor at the relays; the order is the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Control messages of a call.
    Control,
    /// Texts.
    Text,
    /// Acknowledgements.
    Ack,
    /// Chunks of files.
    Chunk,
}

/// Output of the engine. The daemon must carry out outputs in this order: nothing may leave before
/// the changes ahead of it are durable.
#[derive(Debug, Clone)]
pub enum Output {
    /// Store this change durably.
    Persist(Change),
    /// Give this rumor to the relays of a peer.
    Send {
        /// Receiver.
        to: PublicKey,
        /// Rumor to send.
        rumor: Rumor,
        /// Urgency.
        priority: Priority,
    },
    /// Assemble a received file from its pieces, which are stored, and check it; answer with
    /// `Input::FileStored`.
    AssembleFile(Assembly),
    /// Sum up what is kept of a call; answer with `Input::Digested`.
    Digest(CallId),
    /// Read the last lines of a call; answer with
    /// `Input::Recalled`(crate::engine::Input::Recalled).
    Recall {
        /// Call to read.
        call: CallId,
        /// Owner who asks.
        to: PublicKey,
    },
    /// Leave the relays and report it: another daemon with our key was there first.
    Yield {
        /// Run of the other daemon.
        instance: InstanceId,
        /// Start time of that run by its own clock.
        since: Time,
    },
    /// Notify all subscribers.
    Notify(Event),
}
