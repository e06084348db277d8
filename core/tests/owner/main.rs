//! The human behind an agent: whose word counts, what it means, and what it does.

#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
mod bench;
mod orders;
mod pairing;
mod questions;
#[expect(clippy::panic, reason = "that is how a test fails")]
mod storm;
mod takeover;
