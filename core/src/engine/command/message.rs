//! Commands about messages, files and questions.

use super::super::execute::Command;
use super::super::{Engine, Refusal};
use crate::change::EventLogChange;
use crate::conversation::cancel::OutgoingRef;
use crate::ids::{CallId, Conversation, StreamId};
use crate::record::Line;
use crate::text::{Blob, Text};
use crate::time::Time;

/// Sends a message.
#[derive(Debug, Clone)]
pub struct SendMessage {
    /// The call or the direct conversation.
    pub conversation: Conversation,
    /// The text.
    pub text: Text,
    /// Sends the message even if the same text was sent within two minutes.
    pub again: bool,
}

/// The message that [`SendMessage`] made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentMessage {
    /// Its handle.
    pub message: u32,
    /// True if the same text was sent shortly before, and nothing was sent now.
    pub repeated: bool,
}

impl Command for SendMessage {
    type Reply = SentMessage;

    fn permit(&self, engine: &Engine) -> Result<(), Refusal> {
        match self.conversation {
            Conversation::Call(call) => engine.not_taken_over(call),
            Conversation::Direct(_) => Ok(()),
        }
    }

    fn run(self, engine: &mut Engine, now: Time) -> Result<SentMessage, Refusal> {
        engine.send_message(now, self)
    }
}

/// Sends a file in a call. The reply is the handle of the file.
#[derive(Debug, Clone)]
pub struct SendFile {
    /// The call.
    pub call: CallId,
    /// The name that the peer is shown.
    pub name: Text,
    /// The content.
    pub bytes: Blob,
}

impl Command for SendFile {
    type Reply = u32;

    fn permit(&self, engine: &Engine) -> Result<(), Refusal> {
        engine.not_taken_over(self.call)
    }

    fn run(self, engine: &mut Engine, now: Time) -> Result<u32, Refusal> {
        engine.send_file(now, self)
    }
}

/// Takes back a message, or a file. See [`Engine::to_withdraw`].
#[derive(Debug, Clone, Copy)]
pub struct CancelMessage(pub OutgoingRef);

impl Command for CancelMessage {
    type Reply = ();

    fn permit(&self, engine: &Engine) -> Result<(), Refusal> {
        match self.0.conversation {
            Conversation::Call(call) => engine.not_taken_over(call),
            // Messages to an owner report what the agent did; the agent does not take them back.
            Conversation::Direct(key) => engine.not_owner(key),
        }
    }

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.cancel(now, self.0)
    }
}

/// Asks the owner. The reply is the handle of the question.
#[derive(Debug, Clone)]
pub struct Escalate {
    /// The call.
    pub call: CallId,
    /// The question.
    pub question: Text,
    /// Answers to choose from.
    pub options: Vec<Text>,
    /// Leaves the peer out.
    pub quiet: bool,
    /// The last messages of the call, oldest first, which the owner is shown.
    pub lines: Vec<Line>,
}

impl Command for Escalate {
    type Reply = u32;

    fn permit(&self, engine: &Engine) -> Result<(), Refusal> {
        if self.quiet { Ok(()) } else { engine.not_taken_over(self.call) }
    }

    fn run(self, engine: &mut Engine, now: Time) -> Result<u32, Refusal> {
        engine.escalate(now, self)
    }
}

/// Notes that a reader was shown entries of the event log.
#[derive(Debug, Clone)]
pub struct MarkShown {
    /// The reader.
    pub reader: String,
    /// The conversations as the store names them, and the last entry that was shown of each.
    pub marks: Vec<(String, u64)>,
    /// The highest number of each stream that our agent was shown.
    pub read: Vec<(Conversation, StreamId, u64)>,
}

/// Removes a reader of the event log, with its cursors.
#[derive(Debug, Clone)]
pub struct RemoveReader(pub String);

impl Command for RemoveReader {
    type Reply = ();
    const SURVIVES_YIELD: bool = true;

    fn run(self, engine: &mut Engine, _now: Time) -> Result<(), Refusal> {
        engine.ctx.persist(EventLogChange::ReaderGone(self.0));
        Ok(())
    }
}

impl Command for MarkShown {
    type Reply = ();
    const SURVIVES_YIELD: bool = true;

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.mark_shown(now, self);
        Ok(())
    }
}
