//! Changes of what is kept about owners and their questions.

use crate::ids::{CallId, PublicKey};
use crate::record::{Answer, Note, Owner, Question, Takeover};

/// A change of what is kept about owners and their questions.
#[derive(Debug, Clone)]
pub enum HumanChange {
    /// A new question.
    Question(Box<Question>),
    /// An owner answered a question.
    Answered {
        /// The question.
        question: u32,
        /// The answer.
        answer: Answer,
    },
    /// A new owner, or one that changed.
    Owner(Owner),
    /// A key is no owner any more.
    OwnerGone(PublicKey),
    /// A direct message of ours to an owner.
    Note(Note),
    /// A human took a call over.
    Takeover(Takeover),
    /// A call is the agent's again.
    TakeoverOver(CallId),
}
