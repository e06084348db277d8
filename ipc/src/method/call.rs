//! `call`, `answer`, `end`, `calls`.

use serde::{Deserialize, Serialize};

use crate::view::{CallState, CallView, MessageView};

/// Places a call. The same peer and topic again return the open call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallParams {
    /// A contact's name, an npub, 64 hex digits, or a key prefix that `list` showed.
    pub agent: String,
    /// The topic: at most 200 bytes.
    pub topic: String,
    /// The opening message: at most 8 KiB, sent with the ring, so that a missed call has it too.
    pub message: Option<String>,
    /// A note to ourselves.
    pub note: Option<String>,
    /// Place another call, even if a call with this topic is open.
    #[serde(default)]
    pub new: bool,
    /// Seconds to ring before giving up; the configured lifetime when left out.
    pub ring_s: Option<u64>,
    /// Maximum wait for a first relay, in milliseconds; a few seconds when left out.
    #[serde(default)]
    pub wait_ms: Option<u64>,
    /// An invite token of the callee's that lets us ring.
    #[serde(default)]
    pub invite: Option<String>,
}

/// The answer to [`CallParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallResult {
    /// The call, in whatever state it is.
    pub call: CallView,
    /// False when an open call was returned.
    pub created: bool,
    /// True if the call was ringing here and was accepted by calling back.
    pub accepted: bool,
    /// The opening message's handle, when a new call carries one.
    pub message: Option<String>,
}

/// Waits until a call leaves the state that the client knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowCallParams {
    /// `c7` or the UUID.
    pub call: String,
    /// The state that the client knows; answers at once when the call is in another state.
    pub known_state: CallState,
    /// Maximum wait, in milliseconds.
    pub wait_ms: u64,
}

/// Answers a call that rings here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerParams {
    /// The call; may be left out when exactly one rings.
    pub call: Option<String>,
    /// True to accept, false to reject.
    pub accept: bool,
    /// The reason for rejecting.
    pub reason: Option<String>,
}

/// Ends, cancels or refuses a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndParams {
    /// The call; may be left out when it is clear.
    pub call: Option<String>,
    /// A closing message for the peer.
    pub reason: Option<String>,
}

/// The answer to [`EndParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndResult {
    /// The call.
    pub call: CallView,
    /// The last messages, oldest first, at most twenty.
    pub messages: Vec<MessageView>,
    /// Number of messages in the whole call.
    pub total: u32,
}

/// Lists calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallsParams {
    /// Maximum number of calls.
    pub limit: u32,
}

/// The answer to [`CallsParams`], newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallsResult {
    /// The calls.
    pub calls: Vec<CallView>,
    /// Number of older calls beyond the limit.
    pub remaining: u32,
}
