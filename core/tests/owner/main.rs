//! The human behind an agent: whose word counts, what it means, and what it does.

mod bench;
mod orders;
mod pairing;
mod questions;
mod takeover;
