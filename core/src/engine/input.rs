//! Inputs of the engine: all events but commands.

use crate::digest::Digest;
use crate::ids::{CallId, PublicKey, RumorId};
use crate::record::Line;
use crate::rumor::Verified;
use crate::text::Text;
use crate::transfer::assembly::AssemblyFault;

/// Event that the engine handles.
#[derive(Debug, Clone)]
pub enum Input {
    /// A rumor of a peer arrived.
    Received(Verified),
    /// Progress of a rumor at the relays.
    Report {
        /// Rumor concerned.
        rumor: RumorId,
        /// Number of relays that accepted the rumor.
        accepted: u32,
        /// Number of relays to which the rumor was given.
        relays: u32,
    },
    /// No relay is known through which to reach the peer.
    NoRoute {
        /// Key of the peer.
        peer: PublicKey,
    },
    /// The peer's presence was seen.
    PeerSeen {
        /// Key of the peer.
        peer: PublicKey,
        /// Name that the peer claims.
        name: Option<Text>,
    },
    /// The peer's profile or presence shows that the peer is an agent like this one.
    AgentFound {
        /// Key of the peer.
        peer: PublicKey,
    },
    /// No relay of its receiver will ever accept a rumor as it is.
    Undeliverable {
        /// Rumor concerned.
        rumor: RumorId,
        /// Reason.
        why: String,
    },
    /// The error of this machine's clock became known, or changed.
    Clock {
        /// Milliseconds by which other clocks are ahead of this clock.
        ahead: i64,
    },
    /// A relay came back: rumors that no relay accepted can be sent now.
    RelayBack,
    /// Transcript digests of a call, in answer to
    /// `Output::Digest`(crate::output::Output::Digest).
    Digested {
        /// Call concerned.
        call: CallId,
        /// Digest of our messages that the peer's daemon stored.
        said: Digest,
        /// Digest of the peer's messages that arrived here.
        heard: Digest,
    },
    /// The last lines of a call, in answer to `Output::Recall`(crate::output::Output::Recall).
    Recalled {
        /// Call concerned.
        call: CallId,
        /// Owner who asked.
        to: PublicKey,
        /// Lines, oldest first.
        lines: Vec<Line>,
    },
    /// A received file was assembled, or could not be, in answer to `Output::AssembleFile`.
    FileStored {
        /// The file's handle.
        file: u32,
        /// The path, or the reason.
        result: Result<Text, AssemblyFault>,
    },
    /// Time passed.
    Tick,
}
