//! `escalate`, `questions`, and waiting for an answer.

use serde::{Deserialize, Serialize};

use crate::view::QuestionView;

/// Asks the owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EscalateParams {
    /// The call; may be left out when it is clear.
    pub call: Option<String>,
    /// The question.
    pub question: String,
    /// Answers to choose from.
    #[serde(default)]
    pub options: Vec<String>,
    /// Do not tell the peer.
    #[serde(default)]
    pub quiet: bool,
}

/// Lists questions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct QuestionsParams {}

/// The answer to [`QuestionsParams`], newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QuestionsResult {
    /// The questions.
    pub questions: Vec<QuestionView>,
}

/// Waits until a question is answered or closed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowQuestionParams {
    /// `q2`.
    pub question: String,
    /// Maximum wait, in milliseconds.
    pub wait_ms: u64,
}
