//! A message to an owner.

use crate::ids::CallId;
use crate::text::Text;

/// A message to an owner, and the call and the question that a reply to it refers to.
pub(crate) struct OwnerMessage {
    /// The text as the owner gets it.
    pub text: Text,
    /// The text as it is stored, for a message with a secret that the agent must not read.
    pub stored: Option<&'static str>,
    /// True if the message only confirms that the owner's text was sent in a call.
    pub confirms: bool,
    /// The call that the message is about.
    pub call: Option<CallId>,
    /// The question that the message asks.
    pub question: Option<u32>,
}

impl OwnerMessage {
    /// Returns a message about nothing in particular.
    pub fn new(text: impl Into<Text>) -> Self {
        Self { text: text.into(), stored: None, confirms: false, call: None, question: None }
    }

    /// Makes a reply to the message refer to a call.
    pub fn about(self, call: CallId) -> Self {
        Self { call: Some(call), ..self }
    }
}
