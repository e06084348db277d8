//! The result of a run: counts, or the rule that was broken.

/// A broken rule, in a sentence.
pub type Fault = String;

/// Counts of what happened in a run. A simulation in which nothing happens proves nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Calls that both sides know.
    pub calls: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// Calls that were merged into another.
    pub merged: u64,
    /// Messages that arrived.
    pub messages: u64,
    /// Files that arrived.
    pub files: u64,
    /// Messages that were taken back.
    pub cancelled: u64,
    /// Times a process died.
    pub crashes: u64,
    /// Forged messages.
    pub forged: u64,
    /// Questions that a human answered.
    pub answers: u64,
}

impl Tally {
    /// Adds up.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.answered += other.answered;
        self.merged += other.merged;
        self.messages += other.messages;
        self.files += other.files;
        self.cancelled += other.cancelled;
        self.crashes += other.crashes;
        self.forged += other.forged;
        self.answers += other.answers;
    }
}
