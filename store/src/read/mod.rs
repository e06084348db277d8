//! The queries of [`Reader`](crate::Reader), by what they ask about.

mod calls;
mod files;
mod inbox;
pub(crate) mod log;
mod messages;
mod owners;
mod peers;
mod questions;
pub(crate) mod readers;
