//! The commands of owners, the same by a direct message and at a terminal.

use core::time::Duration;

use crate::ids::{CallId, PublicKey};
use crate::policy::Policy;
use crate::text::Text;

/// A command of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerCommand {
    /// Answers a question.
    Answer {
        /// The question, 2 for `q2`.
        question: u32,
        /// The answer.
        text: Text,
    },
    /// Lists open calls and questions.
    Calls,
    /// Shows the last messages of a call.
    Show(CallId),
    /// Sends a message in a call, as the human.
    Say {
        /// The call.
        call: CallId,
        /// The text.
        text: Text,
    },
    /// Takes a call over from the agent.
    Takeover(CallId),
    /// Hands a call back to the agent.
    Resume(CallId),
    /// Ends a call.
    End {
        /// The call.
        call: CallId,
        /// The reason that the peer is told.
        text: Text,
    },
    /// Stops questions and messages of calls for a while.
    Mute(Duration),
    /// Gets questions again.
    Unmute,
    /// Lets a key ring.
    Allow(PublicKey),
    /// Drops everything from a key.
    Block(PublicKey),
    /// Sets the policy for strangers.
    Policy(Policy),
    /// Removes an owner.
    Remove(PublicKey),
    /// Gets a code to pair another owner.
    Pair,
    /// Gets a one-time code that proves an owner at a terminal.
    Code,
    /// Lists the commands.
    Help,
}

impl OwnerCommand {
    /// Returns the call that the command is about.
    #[must_use]
    pub fn call(&self) -> Option<CallId> {
        match self {
            Self::Show(call) | Self::Takeover(call) | Self::Resume(call) => Some(*call),
            Self::Say { call, .. } | Self::End { call, .. } => Some(*call),
            _ => None,
        }
    }
}
