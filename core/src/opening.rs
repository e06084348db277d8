//! The opening message of a call, which travels inside the offer.

use sha2::{Digest, Sha256};

use crate::ids::{CallId, RumorId, StreamId};

/// Returns the id of a call's opening message, the same on both ends. The message travels in
/// offers, and each repetition of an offer is a rumor of its own.
#[must_use]
pub fn opening_id(call: CallId) -> RumorId {
    let mut hash = Sha256::new();
    hash.update(b"p2p opening ");
    hash.update(call.0.as_bytes());
    RumorId(hash.finalize().into())
}

/// Returns the stream whose only message, number 1, is the opening message of this call. The
/// message is never sent in a rumor of its own, but acknowledged like any other.
#[must_use]
pub fn opening_stream(call: CallId) -> StreamId {
    StreamId(opening_id(call).start())
}
