//! The human behind this agent: what an owner can want, and what is said to one.

mod order;

pub use order::Order;
