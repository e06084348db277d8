//! Questions to the owner.

use serde::{Deserialize, Serialize};

use super::message::DeliveryView;
use super::peer::PeerView;

/// State of a question to the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    /// The owner has not answered.
    Open,
    /// The owner answered.
    Answered,
    /// The call ended before an answer came.
    Closed,
}

/// A question to the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    /// `q2`.
    pub handle: String,
    /// `c7`.
    pub call: String,
    /// The other end of that call.
    pub peer: PeerView,
    /// The question's text.
    pub question: String,
    /// Answers to choose from.
    pub options: Vec<String>,
    /// True if the peer was not told of the question.
    pub quiet: bool,
    /// Time of the question.
    pub at_ms: u64,
    /// The question's state.
    pub state: QuestionState,
    /// The code by which an answer names the question: `K7QX`.
    #[serde(default)]
    pub code: String,
    /// The ways of notifying the owner that worked: `dm`, `command`, …
    #[serde(alias = "told")]
    pub notified: Vec<String>,
    /// The ways of notifying the owner that are still being tried.
    #[serde(default, alias = "telling")]
    pub notifying: Vec<String>,
    /// The ways of notifying the owner that failed.
    pub failed: Vec<String>,
    /// The receipt of the message that told the peer; absent for a quiet question.
    pub peer_delivery: Option<DeliveryView>,
    /// The owner's answer.
    pub answer: Option<String>,
    /// Time of the answer.
    #[serde(default)]
    pub answered_ms: Option<u64>,
    /// The way by which the answer came: `dm` or `terminal`.
    #[serde(default)]
    pub answer_via: Option<String>,
}
