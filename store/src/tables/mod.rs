//! One file a table: how its rows are written, and how they become the core's records again.

pub(super) mod calls;
pub(super) mod events;
pub(super) mod files;
pub(super) mod messages;
pub(super) mod meta;
pub(super) mod owners;
pub(super) mod peers;
pub(super) mod questions;
pub(super) mod streams;
pub(super) mod waiting;
