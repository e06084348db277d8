//! The human behind this agent: what an owner can want, and what is said to one. Everything here
//! is pure; `engine/owner` acts on it.

pub(crate) mod code;
mod order;
mod pairing;
pub(crate) mod parse;
pub(crate) mod words;

pub use order::Order;
pub use pairing::Pairing;
pub(crate) use pairing::{LIFETIME as CODE_LIFETIME, Try};
