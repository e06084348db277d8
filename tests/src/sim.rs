//! Agents that call each other in virtual time, over a network that loses, repeats, reorders, delays
//! and splits, with processes that die at any point. One seed determines everything.
//!
//! A run has two phases. In the first, agents act at random while the network fails. Then the network
//! heals, time passes until it is quiet, and both sides are compared.

mod act;
mod agent;
mod check;
mod forge;
mod human;
mod rng;
mod scenarios;
mod store;
mod tally;
mod world;

pub use agent::Agent;
pub use rng::Rng;
pub use scenarios::{long_absence, restored_from_backup, ring_each_other};
pub use store::Store;
pub use tally::{Fault, Tally};
pub use world::{Weather, World};

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
