//! What a verb hands back.

use p2p_ipc::method::ReadMark;
use p2p_ipc::{ExitCode, RpcError};

use crate::render::Render;

/// How the line about what waits is added to a verb's own output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Added when something waits for the agent; what waits for its human only is no reason.
    Added,
    /// Not added to text: the verb shows it itself.
    Shown,
    /// Not added to text, and so many unread items are about to be confirmed.
    Read(u32),
}

/// What a verb that went well shows, and what follows once it was shown.
pub struct Outcome {
    /// The result; nothing where all of it was shown while it came.
    pub shown: Option<Box<dyn Render>>,
    /// What the process exits with: 0, or 3 when nothing came in time.
    pub exit: ExitCode,
    /// How to add what waits.
    pub waiting: Waiting,
    /// Items to confirm after stdout took them.
    pub marks: Vec<ReadMark>,
}

impl Outcome {
    /// A result that exits with 0.
    pub fn new(shown: impl Render + 'static) -> Self {
        Self { shown: Some(Box::new(shown)), waiting: Waiting::Added, ..Self::streamed() }
    }

    /// A stream that is over and exits with 0.
    #[must_use]
    pub fn streamed() -> Self {
        Self { shown: None, exit: ExitCode::Ok, waiting: Waiting::Shown, marks: Vec::new() }
    }

    /// Sets the exit code.
    #[must_use]
    pub fn exit(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// Exits with 3 unless what was waited for is so.
    #[must_use]
    pub fn reached(self, reached: bool) -> Self {
        if reached { self } else { self.exit(ExitCode::NothingYet) }
    }

    /// Sets how what waits is added.
    #[must_use]
    pub fn waiting(mut self, waiting: Waiting) -> Self {
        self.waiting = waiting;
        self
    }

    /// Sets what to confirm after it was shown.
    #[must_use]
    pub fn marks(mut self, marks: Vec<ReadMark>) -> Self {
        self.marks = marks;
        self
    }
}

/// An error, and what is known in spite of it.
pub struct Failure {
    /// What went wrong.
    pub error: RpcError,
    /// A result that stands beside the error: the call that was declined, the question that
    /// nobody was told.
    pub shown: Option<Box<dyn Render>>,
}

impl Failure {
    /// An error with a result beside it.
    pub fn with(error: RpcError, shown: impl Render + 'static) -> Self {
        Self { error, shown: Some(Box::new(shown)) }
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self { error, shown: None }
    }
}

/// What a verb returns.
pub type Ending = Result<Outcome, Failure>;
