//! One file a table: how its rows are written, and how they become the core's records again.

pub(crate) mod calls;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod messages;
pub(crate) mod meta;
pub(crate) mod owners;
pub(crate) mod peers;
pub(crate) mod questions;
pub(crate) mod streams;
pub(crate) mod waiting;
