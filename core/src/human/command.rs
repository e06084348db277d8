//! What an owner can want: the same by a direct message and from a terminal.

use core::time::Duration;

use crate::ids::{CallId, PublicKey};
use crate::policy::Policy;
use crate::text::Text;

/// An owner's wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerCommand {
    /// Answer a question.
    Answer {
        /// `q2`.
        question: u32,
        /// What.
        text: Text,
    },
    /// Which calls are open.
    Calls,
    /// The last lines of a call.
    Show(CallId),
    /// Speak in a call.
    Say {
        /// Where.
        call: CallId,
        /// What.
        text: Text,
    },
    /// Speak in a call instead of the agent.
    Takeover(CallId),
    /// Hand it back.
    Resume(CallId),
    /// End a call.
    End {
        /// Which.
        call: CallId,
        /// A closing word for the peer.
        text: Text,
    },
    /// No questions and no words of peers by direct message for a while.
    Mute(Duration),
    /// Again from now on.
    Unmute,
    /// Let a key ring.
    Allow(PublicKey),
    /// Drop everything from a key.
    Block(PublicKey),
    /// What strangers may do.
    Policy(Policy),
    /// This key is no owner any more.
    Remove(PublicKey),
    /// A code by which another owner is paired.
    Pair,
    /// A code that proves an owner at a terminal, once.
    Code,
    /// What there is to want.
    Help,
}

impl OwnerCommand {
    /// The call that it is about.
    #[must_use]
    pub fn call(&self) -> Option<CallId> {
        match self {
            Self::Show(call) | Self::Takeover(call) | Self::Resume(call) => Some(*call),
            Self::Say { call, .. } | Self::End { call, .. } => Some(*call),
            _ => None,
        }
    }
}
