//! Inputs of the engine: everything that can happen to it but commands.

use crate::digest::Digest;
use crate::ids::{CallId, PublicKey, RumorId};
use crate::record::Line;
use crate::rumor::Verified;
use crate::text::Text;
use crate::transfer::assembly::AssemblyFault;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// A peer said something.
    Received(Verified),
    /// How a rumor fared at the relays so far.
    Report {
        /// Which.
        rumor: RumorId,
        /// Relays that took it.
        accepted: u32,
        /// Relays that it was given to.
        relays: u32,
    },
    /// No relay is known to reach the peer by.
    NoRoute {
        /// The peer.
        peer: PublicKey,
    },
    /// The peer's presence was seen.
    PeerSeen {
        /// The peer.
        peer: PublicKey,
        /// The name it claims.
        name: Option<Text>,
    },
    /// The peer's profile or presence says that it is an agent like this one.
    AgentFound {
        /// The peer.
        peer: PublicKey,
    },
    /// No relay of its receiver will ever take a rumor as it is.
    Undeliverable {
        /// Which.
        rumor: RumorId,
        /// Why.
        why: String,
    },
    /// How wrong this machine's clock is became known, or changed.
    Clock {
        /// Milliseconds that others' clocks are ahead of it.
        ahead: i64,
    },
    /// A relay came back: what none had taken may go now.
    RelayBack,
    /// What is kept of a call, in answer to [`Output::Digest`].
    Digested {
        /// The call.
        call: CallId,
        /// What we said in it and the peer's daemon has.
        said: Digest,
        /// What we heard in it.
        heard: Digest,
    },
    /// The last lines of a call, in answer to [`Output::Recall`].
    Recalled {
        /// The call.
        call: CallId,
        /// The owner who asked.
        to: PublicKey,
        /// Oldest first.
        lines: Vec<Line>,
    },
    /// A received file was assembled, or could not be, in answer to [`Output::AssembleFile`].
    FileStored {
        /// The file's handle.
        file: u32,
        /// The path, or the reason.
        result: Result<Text, AssemblyFault>,
    },
    /// Time went by.
    Tick,
}
