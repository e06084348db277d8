//! `send`, `dm`, `cancel`, and waiting for a receipt.

use serde::{Deserialize, Serialize};

use crate::view::{CallView, MessageView};

/// Sends a message in a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendParams {
    /// The call; may be left out when it is clear.
    pub call: Option<String>,
    /// At most 24 KiB of UTF-8.
    pub text: String,
    /// Send even if the same text was sent within two minutes.
    #[serde(default)]
    pub again: bool,
    /// The verb was `request`, which hints then repeat.
    #[serde(default)]
    pub request: bool,
}

/// Sends a direct message, outside any call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DmParams {
    /// As in [`CallParams::agent`](super::CallParams::agent).
    pub to: String,
    /// At most 24 KiB of UTF-8.
    pub text: String,
    /// Send even if the same text was sent within two minutes.
    #[serde(default)]
    pub again: bool,
}

/// The answer to [`SendParams`] and [`DmParams`]: the message is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SendResult {
    /// The message.
    pub message: MessageView,
    /// The call, for `send`.
    pub call: Option<CallView>,
    /// True if the same text was sent within two minutes, and `message` is that message.
    pub repeated: bool,
}

/// Progress that [`FollowMessageParams`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// At least one relay accepted the message.
    Sent,
    /// The peer's daemon stored the message.
    Delivered,
    /// The peer's agent was shown the message.
    Read,
    /// The peer wrote something in that conversation after the message.
    Reply,
}

/// Waits for a receipt or a reply.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowMessageParams {
    /// `m41`.
    pub message: String,
    /// The progress to wait for.
    pub until: Milestone,
    /// Maximum wait, in milliseconds.
    pub wait_ms: u64,
}

/// The answer to [`FollowMessageParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowMessageResult {
    /// The message as it is now.
    pub message: MessageView,
    /// True if the milestone is reached.
    pub reached: bool,
    /// The call as it is now: it may have ended meanwhile.
    pub call: Option<CallView>,
}

/// Takes back a message or a file that has not been sent to any relay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelParams {
    /// `m41`, or `f3` for a file of ours.
    pub message: String,
}

/// The answer to [`CancelParams`]: the message will never be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelResult {
    /// The message as it is now.
    pub message: MessageView,
}
