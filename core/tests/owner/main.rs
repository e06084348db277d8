//! The human behind an agent: owners, the meaning of their messages, and their effects.

#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
mod bench;
mod orders;
mod pairing;
mod questions;
#[expect(clippy::panic, reason = "that is how a test fails")]
mod storm;
mod takeover;
