//! Agents that call each other in virtual time, over a network that loses, doubles, reorders,
//! delays and parts, with processes that die at any point. One seed decides everything.
//!
//! A run has two phases. In the first, agents do what they like in bad weather. Then the network
//! heals, time goes on until all is quiet, and what both sides have is compared.

mod act;
mod agent;
mod calamity;
mod check;
mod forge;
mod human;
mod rng;
mod store;
mod world;

pub use agent::Agent;
pub use calamity::{long_absence, restored_from_backup, ring_each_other};
pub use rng::Rng;
pub use store::Store;
pub use world::{Weather, World};

/// A broken rule, in a sentence.
pub type Fault = String;

/// Plays the run of a seed and checks it; when `loud`, prints all that goes in and out.
///
/// # Errors
/// The rule that was broken.
pub fn play(seed: u64, loud: bool) -> Result<Tally, Fault> {
    let mut world = World::new(seed, loud)?;
    world.storm()?;
    world.calm()?;
    check::all(&world)
}

/// What a run got to see: a simulation in which nothing happens proves nothing.
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
