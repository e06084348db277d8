//! The engine: every rule of the protocol, and none of its plumbing.
//!
//! The daemon calls [`Engine::handle`] with the time and what happened, or [`Engine::execute`] with
//! a command; it drains [`Engine::poll`] to `None`, does the outputs in order, and calls again by
//! [`Engine::next_timeout`]. Every [`Output::Persist`] comes before everything else, and all of
//! them are **one transaction**: a message, its place in its stream and the event that tells of it
//! are durable together or not at all. Nothing else may leave the process before. If they cannot be
//! made durable, the daemon throws the engine away and restores it from what is on disk.
//!
//! Each component owns its state: calls, conversations, transfers, owners, and what is known of
//! peers. The engine hands them the inputs, routes their effects to each other, and keeps their
//! deadlines in one queue, so that an input costs what it touches and not what there is.

mod calls;
pub mod command;
mod digests;
mod dispatch;
mod duplicate;
mod execute;
mod files;
mod human;
mod input;
mod instances;
mod invites;
mod messages;
mod peers;
mod receive;
mod refusal;
mod restore;
mod rings;
mod snapshot;

pub use crate::change::Change;
pub use crate::context::{SEEN_KEPT, SEEN_LEAST};
pub use crate::conversation::cancel::OutgoingRef;
pub use crate::conversation::restore::{OutboxEntry, StoredChunk};
pub use crate::output::{Output, Priority};
pub use dispatch::Engine;
pub use execute::Command;
pub use input::Input;
pub use refusal::{Limited, Refusal};
pub use snapshot::Snapshot;
