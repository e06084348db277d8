//! Results of verbs.

use p2p_ipc::method::ReadMark;
use p2p_ipc::{ExitCode, RpcError};

use crate::render::text::Render;

/// Rule for adding the line about unread items to a verb's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingLine {
    /// Added when an item is unread; a question that only waits for the human is not
    /// enough.
    Added,
    /// Not added to text: the verb shows the unread items itself.
    Shown,
    /// Not added to text; this many unread items are about to be marked as read.
    Read(u32),
}

/// Result of a verb that succeeded.
pub struct Outcome {
    /// The value to show; absent when all of it has been shown already.
    pub shown: Option<Box<dyn Render>>,
    /// The exit code: 0, or 3 when nothing came in time.
    pub exit: ExitCode,
    /// The rule for adding the line about unread items.
    pub pending_line: PendingLine,
    /// Items to mark as read after stdout took them.
    pub marks: Vec<ReadMark>,
}

impl Outcome {
    /// Creates a result that exits with 0.
    pub fn new(shown: impl Render + 'static) -> Self {
        Self { shown: Some(Box::new(shown)), pending_line: PendingLine::Added, ..Self::streamed() }
    }

    /// Creates the result of a finished stream that exits with 0.
    #[must_use]
    pub fn streamed() -> Self {
        Self {
            shown: None,
            exit: ExitCode::Ok,
            pending_line: PendingLine::Shown,
            marks: Vec::new(),
        }
    }

    /// Sets the exit code.
    #[must_use]
    pub fn exit(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// Sets the exit code to 3 unless the awaited event came.
    #[must_use]
    pub fn reached(self, reached: bool) -> Self {
        if reached { self } else { self.exit(ExitCode::NothingYet) }
    }

    /// Sets the rule for adding what waits.
    #[must_use]
    pub fn pending_line(mut self, rule: PendingLine) -> Self {
        self.pending_line = rule;
        self
    }

    /// Sets the items to mark as read.
    #[must_use]
    pub fn marks(mut self, marks: Vec<ReadMark>) -> Self {
        self.marks = marks;
        self
    }
}

/// An error, with the result known so far.
pub struct Failure {
    /// The error.
    pub error: RpcError,
    /// A value to show beside the error: the call that was declined, or the question that reached
    /// no human.
    pub shown: Option<Box<dyn Render>>,
}

impl Failure {
    /// Creates an error with a value to show beside it.
    pub fn with(error: RpcError, shown: impl Render + 'static) -> Self {
        Self { error, shown: Some(Box::new(shown)) }
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self { error, shown: None }
    }
}

/// Return type of a verb.
pub type Ending = Result<Outcome, Failure>;
