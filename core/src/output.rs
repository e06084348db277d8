//! Outputs of the engine, in the order in which the daemon must carry them out.

use crate::change::Change;
use crate::ids::{CallId, InstanceId, PublicKey};
use crate::record::Event;
use crate::rumor::Rumor;
use crate::time::Time;
use crate::transfer::assembly::Assembly;

/// How urgent a rumor is at the relays; the order is the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Moves of a call.
    Control,
    /// Words.
    Text,
    /// Acknowledgements.
    Ack,
    /// Pieces of files.
    Chunk,
}

/// What the host must do, in this order: nothing may leave before what was to be persisted ahead
/// of it is durable.
#[derive(Debug, Clone)]
pub enum Output {
    /// Make this durable.
    Persist(Change),
    /// Give this to the relays of a peer.
    Send {
        /// To whom.
        to: PublicKey,
        /// What.
        rumor: Rumor,
        /// How urgently.
        priority: Priority,
    },
    /// Assemble a received file from its pieces, which are stored, and check it; answer with
    /// [`Input::FileStored`].
    AssembleFile(Assembly),
    /// Sum up what is kept of a call; answer with [`Input::Digested`].
    Digest(CallId),
    /// Read the last lines of a call; answer with [`Input::Recalled`].
    Recall {
        /// The call.
        call: CallId,
        /// The owner who asks.
        to: PublicKey,
    },
    /// Another daemon runs with our key and was there first: leave the relays, and say so.
    Yield {
        /// That run.
        instance: InstanceId,
        /// When it started, by its clock.
        since: Time,
    },
    /// Tell whoever wants to know.
    Notify(Event),
}
