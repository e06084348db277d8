//! The agent's human: owners, questions and takeovers.

pub mod change;
